import { describe, expect, test } from 'vitest';
import { managerReport, partsOf } from '../../../src/admin/manager/manager-report.ts';
import { sources } from './sources.ts';

/** Of Squid's own, those that people and programs ask for. */
const NAMES = [
  'menu',
  'info',
  'counters',
  '5min',
  '60min',
  'utilization',
  'service_times',
  'active_requests',
  'client_list',
  'filedescriptors',
  'ipcache',
  'cached_ssl_cert',
];

test('the menu lists every report that there is', () => {
  const lines = managerReport('menu', sources()).trimEnd().split('\n');
  expect(lines.map((line) => line.split('\t')[0]?.trim())).toEqual(NAMES);
  for (const line of lines) expect(line).toMatch(/^ \S+ *\t\S.* *\tpublic$/);
});

describe('a report', () => {
  test.each(NAMES.filter((name) => name !== 'active_requests'))(
    '%s has something to say and ends with a line',
    (name) => {
      expect(partsOf(name)).toBeDefined();
      expect(managerReport(name, sources())).toMatch(/\S\n$/);
    },
  );

  test('without a name is the menu', () => {
    expect(managerReport('', sources())).toBe(managerReport('menu', sources()));
  });

  test.each(['shutdown', 'reconfigure', 'config', 'constructor', 'INFO'])('%s there is not', (name) => {
    expect(partsOf(name)).toBeUndefined();
  });
});
