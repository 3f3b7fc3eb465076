// What Squid counts, from what we do. The names are Squid's (src/stat.cc, of which `counters` is the list); what a proxy
// without a cache, ICP, HTCP, digests and swap cannot have is zero.

import { countOf } from '../../core/histogram.ts';
import { countsOf, durationsOf, type Measures, totalOf } from '../../metrics/measures.ts';

export interface Figures {
  readonly requests: number;
  readonly errors: number;
  readonly aborted: number;
  /** Kilobytes (1024 bytes) from and to clients. */
  readonly kbIn: number;
  readonly kbOut: number;
  readonly serverRequests: number;
  readonly serverErrors: number;
  readonly serverKbIn: number;
  readonly serverKbOut: number;
  /** Seconds of processor time. */
  readonly cpu: number;
  /** How often the event loops were looked at. */
  readonly loops: number;
}

export function figuresOf(measures: Measures): Figures {
  const outcomes = countsOf(measures, 'transactions');
  const sum = (...names: readonly string[]): number => names.reduce((total, name) => total + (outcomes[name] ?? 0), 0);
  const errors = countsOf(measures, 'errors');
  const upstreamErrors = Object.entries(errors).filter(([key]) => key.startsWith('upstream '));
  return {
    requests: totalOf(measures, 'requests'),
    errors: sum('denied', 'terminated', 'failed', 'malformed', 'timed_out', 'client_rejected_certificate'),
    aborted: sum('aborted'),
    kbIn: kilobytes(totalOf(measures, 'received')),
    kbOut: kilobytes(totalOf(measures, 'sent')),
    serverRequests: sum('forwarded', 'spliced', 'tunnelled', 'upgraded'),
    serverErrors: upstreamErrors.reduce((total, [, count]) => total + count, 0),
    serverKbIn: kilobytes(totalOf(measures, 'upstreamReceived')),
    serverKbOut: kilobytes(totalOf(measures, 'received')),
    cpu: totalOf(measures, 'cpu'),
    loops: countOf(durationsOf(measures, 'lag')),
  };
}

export function kilobytes(bytes: number): number {
  return Math.trunc(bytes / 1024);
}

export function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** As Squid writes a time for people: RFC 9110's form. */
export function httpTime(milliseconds: number): string {
  return new Date(milliseconds).toUTCString();
}

/** Seconds with six digits, as Squid writes a time for programs. */
export function stamp(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(6);
}
