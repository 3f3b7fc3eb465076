// A picture for every size of a terminal: nothing wider or longer than it, and what matters stays.

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Status } from '../../../src/admin/controls.ts';
import { frame, sparkline, type View } from '../../../src/cli/top/frame.ts';
import type { TopEntry } from '../../../src/core/top-list.ts';

const NOW = Date.UTC(2027, 2, 1, 12, 0, 0);

const status: Status = {
  pid: 4711,
  version: '1.2.3',
  config: '/etc/sallyport.yaml',
  started: new Date(NOW - 3_720_000).toISOString(),
  state: 'running',
  generation: 3,
  addresses: [{ address: '0.0.0.0', port: 3128 }],
  workers: 2,
  connections: 120,
  reload: { at: new Date(NOW - 60_000).toISOString(), by: 'SIGHUP', ok: false, code: 'config-invalid', error: 'x' },
  ca: { sha256: 'AA:BB', notAfter: new Date(NOW + 20 * 86_400_000).toISOString() },
};

const tops = (name: string, count: number): TopEntry[] =>
  Array.from({ length: count }, (_, n) => ({
    key: `${name}-${n}.example.com`,
    rate: 100 / (n + 1),
    bytesRate: 5e6 / (n + 1),
  }));

const busy: View = {
  status,
  activity: {
    rates: [
      { key: 'requests', rate: 1234.5, bytesRate: 4.2e6 },
      { key: 'tunnels', rate: 3.14, bytesRate: 0 },
      { key: 'refused', rate: 0.4, bytesRate: 0 },
      { key: 'uploads', rate: 2, bytesRate: 1_500 },
    ],
    hosts: tops('host', 40),
    clients: tops('client', 40),
    rules: tops('rule', 5),
    refusals: [{ key: 'no rule matches evil\u001b[2J\u009b31m.test:443', rate: 0.4, bytesRate: 0 }],
    failures: [{ key: 'upstream-certificate', rate: 0.01, bytesRate: 0 }],
    rejections: [{ time: NOW - 5_000, client: '10.0.0.7', host: 'ingest.example.com', alert: 'unknown_ca' }],
  },
  history: [0, 1, 2, 4, 8],
  now: NOW,
};

const style = (_: string, text: string): string => text;
const text = (columns: number, rows: number, view = busy, utf8 = true): string =>
  frame(view, { columns, rows }, { style, utf8 }).join('\n');

describe('a picture', () => {
  test.each([
    [80, 24],
    [132, 43],
    [200, 60],
    [40, 10],
    [20, 5],
    [8, 3],
    [1, 1],
    [95, 24],
    [96, 24],
    [97, 24],
  ])('of %i columns and %i rows keeps within them', (columns, rows) => {
    for (const utf8 of [true, false]) {
      const lines = frame(busy, { columns, rows }, { style, utf8 });
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns);
    }
  });

  test('tells first what matters most', () => {
    const [first, second, third] = text(80, 24).split('\n');
    expect(first).toMatch(/^Sallyport 1\.2\.3 {2}running {2}up 1 h 2 min {2}12:00:00Z {2}0\.0\.0\.0:3128/);
    expect(second).toMatch(
      /^1235\/s requests {2}3\.1\/s tunnels {2}4\.2 MB\/s out {2}1\.5 kB\/s in {2}120 connections/,
    );
    expect(third).toMatch(/^0\.4\/s refused {2}0\/s failed {2}0\/s rejected.*CA 20 days left {2}reload 11:59Z refused/);
  });

  test.each([80, 120])('has every list in %i columns', (columns) => {
    const shown = text(columns, 40);
    for (const word of ['HOSTS', 'CLIENTS', 'RULES', 'REFUSED', 'FAILED', 'REJECTED OUR CERTIFICATE']) {
      expect(shown).toContain(word);
    }
    expect(shown).toContain('host-0.example.com');
    expect(shown).toContain('10.0.0.7 for ingest.example.com (unknown_ca)');
    expect(shown).toContain('11:59:55');
  });

  test('of a wide terminal has two lists beside each other', () => {
    expect(text(120, 30)).toMatch(/^HOSTS .* CLIENTS /m);
    expect(text(80, 30)).not.toMatch(/^HOSTS .* CLIENTS /m);
  });

  test('shows nothing that a client or an origin could steer a terminal by', () => {
    const shown = text(200, 60);
    expect(shown).toContain('no rule matches evil.test:443');
    expect(stripVTControlCharacters(shown)).toBe(shown);
  });

  test('is plain ASCII where the terminal is', () => {
    expect(text(30, 40, busy, false)).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test('says when there is no newer answer', () => {
    expect(text(100, 24, { ...busy, trouble: 'no answer within 5000 ms' })).toContain('no answer within 5000 ms');
  });

  test('without an end has all there is to say', () => {
    const lines = frame(busy, { columns: 100, rows: Number.POSITIVE_INFINITY }, { style, utf8: false });
    expect(lines.filter((line) => line.includes('host-'))).toHaveLength(40);
  });
});

test.each([
  [[], 10, ''],
  [[0, 0], 10, '  '],
  [[0, 1, 4, 8], 10, ' ▁▄█'],
  [[100, 0.001], 10, '█▁'],
  [[1, 2, 3, 4], 2, '▆█'],
])('the history %j in %i columns is %j', (history, columns, bars) => {
  expect(sparkline(history, columns)).toBe(bars);
});
