import { describe, expect, test } from 'vitest';
import { DURATIONS, SERIES } from '../../src/metrics/series.ts';

const all = [...Object.values(SERIES), ...Object.values(DURATIONS)];

test('no two series have one name', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test.each(all.map(({ name, help }) => [name, help]))(
  '%s has a name and a sentence as Prometheus wants them',
  (name, help) => {
    expect(name).toMatch(/^sallyport_[a-z_]+$/);
    expect(help).toMatch(/^[A-Z].*\.$/);
  },
);

describe('the unit is in the name', () => {
  test.each(Object.values(SERIES).map(({ name, type }) => [name, type]))('%s', (name, type) => {
    expect(name.endsWith('_total')).toBe(type === 'counter');
  });

  test.each(Object.values(DURATIONS).map(({ name }) => name))('%s', (name) => {
    expect(name).toMatch(/_seconds$/);
  });
});

test('no label can hold what a client chooses', () => {
  const labels = new Set(Object.values(SERIES).flatMap(({ labels }) => [...labels]));
  expect([...labels].sort()).toEqual([
    'action',
    'class',
    'code',
    'confidence',
    'kind',
    'mode',
    'outcome',
    'reason',
    'result',
    'rule',
    'side',
    'tls',
  ]);
});
