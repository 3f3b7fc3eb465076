import { describe, expect, test } from 'vitest';
import { averages, counters, utilization } from '../../../src/admin/manager/counters.ts';
import { sources } from './sources.ts';

describe('the counters', () => {
  const text = counters(sources());

  test.each([
    'sample_time = 1795341600.000000 (Sun, 22 Nov 2026 10:00:00 GMT)',
    'client_http.requests = 100',
    'client_http.hits = 0',
    'client_http.errors = 10',
    'client_http.kbytes_in = 100',
    'client_http.kbytes_out = 1000',
    'server.all.requests = 80',
    'server.all.kbytes_in = 800',
    'server.http.requests = 80',
    'server.ftp.requests = 0',
    'cpu_time = 30.000000',
    'wall_time = 600.000000',
    'aborted_requests = 0',
  ])('say %s', (line) => {
    expect(text.split('\n')).toContain(line);
  });

  test('are a name, a sign and a number each', () => {
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^[a-z_.0-9A-Z]+ = \d+(?:\.\d{6})?(?: \(.*\))?$/);
  });
});

describe('the averages', () => {
  test.each([
    [5, 'client_http.requests = 0.166667/sec'],
    [5, 'client_http.kbytes_out = 1.666667/sec'],
    [5, 'client_http.all_median_svc_time = 0.075000 seconds'],
    [5, 'wall_time = 300.000000 seconds'],
    [5, 'cpu_usage = 5.000000%'],
    [60, 'wall_time = 600.000000 seconds'],
    [60, 'client_http.requests = 0.166667/sec'],
  ])('of the last %d minutes say %s', (minutes, line) => {
    expect(averages(minutes)(sources()).split('\n')).toContain(line);
  });
});

test('the utilization has no more spans than have passed, and the counters below', () => {
  const text = utilization(sources());
  expect(text).toMatch(/^Cache Utilisation:\n\nLast 5 minutes:\nsample_start_time = /);
  for (const span of ['Last 15 minutes', 'Last hour', 'Last day']) {
    expect(text).toContain(`\n${span}:\n(no values recorded yet)\n`);
  }
  expect(text.endsWith(`Totals since cache startup:\n${counters(sources())}`)).toBe(true);
});
