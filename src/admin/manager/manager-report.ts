// Which reports of Squid's manager there are, and the text of each, as Squid 5 writes it. Pure; called by admin/overview.

import type { ListingPart } from '../../flow/listing.ts';
import { averages, counters, utilization } from './counters.ts';
import { info } from './info.ts';
import { activeRequests, clientList, fileDescriptors, ipCache, sslCertificates } from './lists.ts';
import { serviceTimes } from './service-times.ts';
import type { Sources } from './sources.ts';

interface Report {
  /** As Squid's own menu has it. */
  readonly title: string;
  /** The rows it needs. */
  readonly parts: readonly ListingPart[];
  readonly print: (sources: Sources) => string;
}

const REPORTS: ReadonlyMap<string, Report> = new Map<string, Report>([
  ['menu', { title: 'Cache Manager Menu', parts: [], print: () => menu() }],
  ['info', { title: 'General Runtime Information', parts: ['clients'], print: info }],
  ['counters', { title: 'Traffic and Resource Counters', parts: [], print: counters }],
  ['5min', { title: '5 Minute Average of Counters', parts: [], print: averages(5) }],
  ['60min', { title: '60 Minute Average of Counters', parts: [], print: averages(60) }],
  ['utilization', { title: 'Cache Utilization', parts: [], print: utilization }],
  ['service_times', { title: 'Service Times (Percentiles)', parts: [], print: serviceTimes }],
  ['active_requests', { title: 'Client-side Active Requests', parts: ['requests'], print: activeRequests }],
  ['client_list', { title: 'Cache Client List', parts: ['clients'], print: clientList }],
  ['filedescriptors', { title: 'Process Filedescriptor Allocation', parts: ['files'], print: fileDescriptors }],
  ['ipcache', { title: 'IP Cache Stats and Contents', parts: ['names'], print: ipCache }],
  ['cached_ssl_cert', { title: 'Statistic of cached generated ssl certificates', parts: [], print: sslCertificates }],
]);

/** Squid answers no name, and this one, by the menu. */
const MENUS = new Set(['', 'index']);

/** The rows that a report needs; undefined: there is no such report. */
export function partsOf(name: string): readonly ListingPart[] | undefined {
  return REPORTS.get(MENUS.has(name) ? 'menu' : name)?.parts;
}

export function managerReport(name: string, sources: Sources): string {
  return REPORTS.get(MENUS.has(name) ? 'menu' : name)?.print(sources) ?? '';
}

function menu(): string {
  return [...REPORTS].map(([name, { title }]) => ` ${name.padEnd(22)}\t${title.padEnd(32)}\tpublic\n`).join('');
}
