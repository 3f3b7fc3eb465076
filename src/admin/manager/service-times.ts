// The report `service_times`: how long requests took, by percentiles, of the last 5 and 60 minutes. Pure; called by
// manager-report.ts and info.ts.

import { type Distribution, NO_DURATIONS, quantile } from '../../core/histogram.ts';
import { durationsOf, type Measures } from '../../metrics/measures.ts';
import type { Sources } from './sources.ts';

/** In Squid's order; whatever is served here is a miss to it. */
const KINDS: readonly (readonly [name: string, of: (measures: Measures) => Distribution])[] = [
  ['HTTP Requests (All)', (measures) => durationsOf(measures, 'request')],
  ['Cache Misses', (measures) => durationsOf(measures, 'request')],
  ['Cache Hits', () => NO_DURATIONS],
  ['Near Hits', () => NO_DURATIONS],
  ['Not-Modified Replies', () => NO_DURATIONS],
  ['DNS Lookups', (measures) => durationsOf(measures, 'dns')],
  ['ICP Queries', () => NO_DURATIONS],
];
const WIDTH = 'Not-Modified Replies:'.length;

export function serviceTimes({ now, history }: Sources): string {
  const spans = [5, 60].map((minutes) => history.span(minutes, now).measures);
  const rows = KINDS.flatMap(([name, of]) =>
    Array.from({ length: 19 }, (_, at) => {
      const share = 5 * (at + 1);
      const times = spans.map((measures) => seconds(of(measures), share / 100));
      return `\t${`${name}:`.padEnd(WIDTH)} ${String(share).padStart(2)}%  ${times.join(' ')}\n`;
    }),
  );
  return `Service Time Percentiles            5 min    60 min:\n${rows.join('')}`;
}

/** The rows of `info`. */
export function medians({ now, history }: Sources): string[] {
  const spans = [5, 60].map((minutes) => history.span(minutes, now).measures);
  return KINDS.map(([name, of]) => {
    const times = spans.map((measures) => seconds(of(measures), 0.5));
    return `\t${`${name}:`.padEnd(WIDTH)} ${times.join(' ')}`;
  });
}

function seconds(distribution: Distribution, share: number): string {
  return (quantile(distribution, share) / 1_000).toFixed(5).padStart(8);
}
