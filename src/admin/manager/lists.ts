// The reports that go row by row: `active_requests`, `client_list`, `filedescriptors`, `ipcache`, `cached_ssl_cert`. Pure;
// called by manager-report.ts.

import { totalOf } from '../../metrics/measures.ts';
import { kilobytes, ratio, stamp } from './figures.ts';
import type { Sources } from './sources.ts';

export function activeRequests({ listing }: Sources): string {
  return listing.requests
    .map(({ id, client, local, method, url, user, begin, age, received, sent, requests }) =>
      [
        `Connection: ${id}`,
        `\tFD 0, read ${received}, wrote ${sent}`,
        `\tFD desc: ${method} ${url}`,
        '\tin: buf 0x0, used 0, free 0',
        `\tremote: ${client}`,
        `\tlocal: ${local}`,
        `\tnrequests: ${requests}`,
        `uri ${url}`,
        `logType ${method === 'CONNECT' ? 'TCP_TUNNEL' : 'TCP_MISS'}`,
        `out.offset 0, out.size ${sent}`,
        `req_sz ${received}`,
        'entry 0x0/N/A',
        `start ${stamp(begin)} (${(age / 1_000).toFixed(6)} seconds ago)`,
        `username ${user === undefined ? '-' : encodeURIComponent(user)}`,
        'delay_pool 0',
        '',
        '',
      ].join('\n'),
    )
    .join('');
}

export function clientList({ listing }: Sources): string {
  let all = 0;
  const clients = listing.clients.map(({ address, tags, open }) => {
    const requests = Object.values(tags).reduce((sum, count) => sum + count, 0);
    all += requests;
    const rows = Object.entries(tags)
      .filter(([, count]) => count > 0)
      .map(([tag, count]) => `        ${tag.padEnd(20)} ${String(count).padStart(7)} ${share(count, requests)}`);
    return [
      `Address: ${address}`,
      // No name: a look-up would tell others whom we serve.
      `Name:    ${address}`,
      `Currently established connections: ${open}`,
      '    ICP  Requests 0',
      `    HTTP Requests ${requests}`,
      ...rows,
      '',
      '',
    ].join('\n');
  });
  const totals = `TOTALS\nICP : 0 Queries, 0 Hits (  0%)\nHTTP: ${all} Requests, 0 Hits (  0%)\n`;
  return `Cache Clients:\n${clients.join('')}${totals}`;
}

export function fileDescriptors({ listing }: Sources): string {
  const several = new Set(listing.files.map(({ pid }) => pid)).size > 1;
  const rows = listing.files.map(({ fd, kind, name, local, remote, pid }) => {
    const isListening = remote !== undefined && /:0$/.test(remote);
    const where = (isListening ? local : remote) ?? '';
    const what = isListening ? 'HTTP Socket' : local === undefined ? name : `from ${local}`;
    const whose = several ? ` (process ${pid})` : '';
    const left = `${String(fd).padStart(4)} ${kind.padEnd(6)} ${'0'.padStart(4)} ${'0'.padStart(7)}  ${'0'.padStart(7)} `;
    return `${left} ${where.padEnd(21)} ${what}${whose}\n`;
  });
  return [
    'Active file descriptors:\n',
    'File Type   Tout Nread  * Nwrite * Remote Address        Description\n',
    '---- ------ ---- -------- -------- --------------------- ------------------------------\n',
    ...rows,
  ].join('');
}

export function ipCache({ now, listing }: Sources): string {
  const counts = now.measures.series['names'] ?? {};
  const [local = 0, hits = 0, misses = 0] = [counts['local'], counts['hit'], counts['miss']];
  const head = [
    'IP Cache Statistics:',
    `IPcache Entries Cached:  ${totalOf(now.measures, 'nameEntries')}`,
    `IPcache Requests: ${local + hits + misses}`,
    `IPcache Hits:            ${local + hits}`,
    'IPcache Negative Hits:       0',
    'IPcache Numeric Hits:        0',
    `IPcache Misses:          ${misses}`,
    `IPcache Retrieved A:     ${listing.names.filter(({ addresses }) => addresses.some(isFour)).length}`,
    `IPcache Retrieved AAAA:  ${listing.names.filter(({ addresses }) => !addresses.every(isFour)).length}`,
    'IPcache Retrieved CNAME: 0',
    'IPcache CNAME-Only Response: 0',
    'IPcache Invalid Request: 0',
    '',
    '',
    'IP Cache Contents:',
    '',
    ' Hostname                        Flg lstref    TTL  N(b)',
  ];
  const rows = listing.names.map(({ host, addresses, ttl }) => {
    const flag = addresses.length === 0 ? 'N' : ' ';
    const left = ` ${host.padEnd(32)} ${flag}  ${'0'.padStart(6)} ${String(Math.round(ttl / 1_000)).padStart(6)} `;
    const number = `${String(addresses.length).padStart(2)}( 0)`;
    return [`${left}${number}`, ...addresses].join(' ');
  });
  return `${[...head, ...rows].join('\n')}\n`;
}

export function sslCertificates({ now, facts }: Sources): string {
  const [count, bytes] = [totalOf(now.measures, 'leafEntries'), totalOf(now.measures, 'leafBytes')];
  const most = 128 * 1024 * facts.workers.wanted;
  const used = kilobytes(bytes);
  const row = [facts.port, most, count, Math.round(ratio(used, count)), used, Math.max(0, most - used)];
  const head = 'Port\tMax mem(KB)\tCert number\tKB/cert\tMem used(KB)\tMem free(KB)';
  return `Cached ssl certificates statistic.\n${head}\n${row.join('\t')}\n`;
}

const isFour = (address: string): boolean => !address.includes(':');

function share(part: number, whole: number): string {
  return `${String(Math.round(100 * ratio(part, whole))).padStart(3)}%`;
}
