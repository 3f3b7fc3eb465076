// The dashboard for Grafana: each metric that it names is one that /metrics has, and the other way round.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { metricsText } from '../src/admin/prometheus.ts';
import { NO_MEASURES } from '../src/metrics/measures.ts';

const text = readFileSync(join(import.meta.dirname, '../config/grafana-dashboard.json'), 'utf8');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}
const { panels, templating }: { panels: readonly Panel[]; templating: { list: { name: string; query: string }[] } } =
  JSON.parse(text);

const facts = {
  version: '1',
  pid: 1,
  started: 0,
  uptime: 0,
  workers: { wanted: 1, listening: 1 },
  port: 1,
  ca: { notAfter: new Date() },
  draining: false,
  ready: true,
  reload: { at: '2026-11-22T00:00:00Z', ok: true },
};

/** Names as they stand in /metrics, those of histograms with their parts. */
const types = new Map(
  [...metricsText(NO_MEASURES, facts, 0).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [
    name,
    type,
  ]),
);
const base = (name: string): string =>
  types.get(name.replace(/_(?:bucket|sum|count)$/, '')) === 'histogram'
    ? name.replace(/_(?:bucket|sum|count)$/, '')
    : name;
const queries = [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...templating.list.map(({ query }) => query),
];
const named = queries.flatMap((query) => query.match(/sallyport_\w+/g) ?? []);

test('there is enough to see', () => {
  expect(panels.filter(({ type }) => type !== 'row').length).toBeGreaterThan(30);
});

test.each([...new Set(named)].sort())('it names %s, which there is', (name) => {
  expect([...types.keys()]).toContain(base(name));
});

test.each([...types.keys()])('%s is on it', (name) => {
  expect(named.map(base)).toContain(name);
});

describe('a query', () => {
  test.each(queries.filter((query) => query.includes('sallyport_')))('%s', (query) => {
    for (const [, name = ''] of query.matchAll(/(?:rate|increase)\((sallyport_\w+)/g)) {
      expect(['counter', 'histogram'], `${name} is no counter`).toContain(types.get(base(name)));
    }
    // Only of a histogram's buckets is there a quantile.
    for (const [, name = ''] of query.matchAll(
      /histogram_quantile\([^(]*\((?:\w+ )*[^)]*\) \(rate\((sallyport_\w+)/g,
    )) {
      expect(name).toMatch(/_bucket$/);
    }
    expect(query.split('(').length).toBe(query.split(')').length);
  });
});

test('no two panels lie on each other, and each has a number of its own', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});
