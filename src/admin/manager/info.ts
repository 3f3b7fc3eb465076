// The report `info`: the page that people look at first, and that programs read line by line. Pure; called by
// manager-report.ts.

import { quantile } from '../../core/histogram.ts';
import { durationsOf, totalOf } from '../../metrics/measures.ts';
import type { SeriesKey } from '../../metrics/series.ts';
import { figuresOf, httpTime, kilobytes, ratio } from './figures.ts';
import { medians } from './service-times.ts';
import type { Sources } from './sources.ts';

const NAME = 'sallyport';

export function info(sources: Sources): string {
  const { now, facts, history } = sources;
  const { measures } = now;
  const figures = figuresOf(measures);
  const minutes = facts.uptime / 60_000;
  const total = (key: SeriesKey): number => totalOf(measures, key);
  const usage = (span: number): string => {
    const { seconds, measures: spent } = history.span(span, now);
    return percent(ratio(figuresOf(spent).cpu, seconds), 2);
  };
  const [most, open] = [total('mostDescriptors'), total('descriptors')];
  const memory = kilobytes(total('leafBytes'));
  const lines = [
    `Squid Object Cache: Version 5.7-${NAME}-${facts.version}`,
    `Build Info: ${NAME} ${facts.version}, Node.js ${process.versions.node}`,
    `Service Name: ${NAME}`,
    `Start Time:\t${httpTime(facts.started)}`,
    `Current Time:\t${httpTime(now.time)}`,
    `Connection information for ${NAME}:`,
    `\tNumber of clients accessing cache:\t${sources.listing.clients.length}`,
    `\tNumber of HTTP requests received:\t${figures.requests}`,
    '\tNumber of ICP messages received:\t0',
    '\tNumber of ICP messages sent:\t0',
    '\tNumber of queued ICP replies:\t0',
    '\tNumber of HTCP messages received:\t0',
    '\tNumber of HTCP messages sent:\t0',
    `\tRequest failure ratio:\t${ratio(figures.errors, figures.requests).toFixed(2).padStart(5)}`,
    `\tAverage HTTP requests per minute since start:\t${ratio(figures.requests, minutes).toFixed(1)}`,
    '\tAverage ICP messages per minute since start:\t0.0',
    `\tSelect loop called: ${figures.loops} times, ${quantile(durationsOf(measures, 'lag'), 0.5).toFixed(3)} ms avg`,
    `Cache information for ${NAME}:`,
    ...['all requests', 'bytes sent'].map((what) => `\tHits as % of ${what}:\t5min: 0.0%, 60min: 0.0%`),
    ...['Memory', 'Disk'].map((what) => `\t${what} hits as % of hit requests:\t5min: 0.0%, 60min: 0.0%`),
    '\tStorage Swap size:\t0 KB',
    '\tStorage Swap capacity:\t 0.0% used,  0.0% free',
    `\tStorage Mem size:\t${memory} KB`,
    '\tStorage Mem capacity:\t 0.0% used, 100.0% free',
    '\tMean Object Size:\t0.00 KB',
    '\tRequests given to unlinkd:\t0',
    'Median Service Times (seconds)  5 min    60 min:',
    ...medians(sources),
    `Resource usage for ${NAME}:`,
    `\tUP Time:\t${(facts.uptime / 1_000).toFixed(3)} seconds`,
    `\tCPU Time:\t${figures.cpu.toFixed(3)} seconds`,
    `\tCPU Usage:\t${percent(ratio(figures.cpu, facts.uptime / 1_000), 2)}`,
    `\tCPU Usage, 5 minute avg:\t${usage(5)}`,
    `\tCPU Usage, 60 minute avg:\t${usage(60)}`,
    `\tMaximum Resident Size: ${kilobytes(total('resident'))} KB`,
    '\tPage faults with physical i/o: 0',
    'Memory accounted for:',
    `\tTotal accounted:       ${String(kilobytes(total('heap'))).padStart(6)} KB`,
    '\tmemPoolAlloc calls:         0',
    '\tmemPoolFree calls:          0',
    `File descriptor usage for ${NAME}:`,
    `\tMaximum number of file descriptors:   ${number(most)}`,
    `\tLargest file desc currently in use:   ${number(open)}`,
    `\tNumber of file desc currently in use: ${number(open)}`,
    `\tFiles queued for open:                ${number(0)}`,
    `\tAvailable number of file descriptors: ${number(Math.max(0, most - open))}`,
    `\tReserved number of file descriptors:  ${number(0)}`,
    `\tStore Disk files open:                ${number(0)}`,
    'Internal Data Structures:',
    `\t${String(total('leafEntries')).padStart(6)} StoreEntries`,
    `\t${String(total('leafEntries')).padStart(6)} StoreEntries with MemObjects`,
    '\t     0 Hot Object Cache Items',
    '\t     0 on-disk objects',
  ];
  return `${lines.join('\n')}\n`;
}

const number = (count: number): string => String(count).padStart(4);

function percent(share: number, digits: number): string {
  return `${(100 * share).toFixed(digits)}%`;
}
