// The text that Prometheus reads; promtool has its say in test/peers.

import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/admin/facts.ts';
import { metricsText } from '../../src/admin/prometheus.ts';
import { BOUNDS, Histogram } from '../../src/core/histogram.ts';
import { type Measures, NO_MEASURES } from '../../src/metrics/measures.ts';
import { samplesOf } from '../support/metric-lines.ts';

const NOW = Date.parse('2026-11-22T00:00:00Z');
const DAY = 24 * 3_600_000;

const facts: Facts = {
  version: '1.2.3',
  pid: 1,
  started: NOW - DAY,
  uptime: DAY,
  workers: { wanted: 2, listening: 1 },
  port: 3128,
  ca: { notAfter: new Date(NOW + 10 * DAY) },
  draining: false,
  ready: true,
};

function samples(measures: Partial<Measures> = {}, more: Partial<Facts> = {}) {
  return samplesOf(metricsText({ ...NO_MEASURES, ...measures }, { ...facts, ...more }, NOW));
}

describe('a series', () => {
  test('has its labels in turn, the last with spaces and all', () => {
    const read = samples({ series: { rules: { 'would_deny my rule': 3 }, errors: { 'client client-tls': 2 } } });
    expect(read.get('sallyport_rule_decisions_total{action="would_deny",rule="my rule"}')).toBe(3);
    expect(read.get('sallyport_errors_total{side="client",code="client-tls"}')).toBe(2);
  });

  test('escapes what a name may hold', () => {
    const text = metricsText({ ...NO_MEASURES, series: { rules: { 'allow a"b\\c\nd': 1 } } }, facts, NOW);
    expect(text).toContain('rule="a\\"b\\\\c\\nd"} 1\n');
  });

  test('without labels begins at zero', () => {
    expect(samples().get('sallyport_log_lines_lost_total')).toBe(0);
  });

  test('is told once, with its help and its type before it', () => {
    const text = metricsText(NO_MEASURES, facts, NOW);
    const helps = text.match(/^# HELP \S+/gm) ?? [];
    expect(new Set(helps).size).toBe(helps.length);
    expect((text.match(/^# TYPE \S+ (?:counter|gauge|histogram)$/gm) ?? []).length).toBe(helps.length);
  });
});

describe('a histogram', () => {
  const histogram = new Histogram();
  for (const milliseconds of [0.7, 0.7, 3, 90_000]) histogram.observe(milliseconds);
  const read = samples({ durations: { mint: histogram.read() } });
  const bucket = (bound: string) => read.get(`sallyport_leaf_mint_duration_seconds_bucket{le="${bound}"}`);

  test('is in seconds, each bucket with those below it', () => {
    expect([bucket('0.0005'), bucket('0.001'), bucket('0.005'), bucket('60'), bucket('+Inf')]).toEqual([0, 2, 3, 3, 4]);
    expect(read.get('sallyport_leaf_mint_duration_seconds_count')).toBe(4);
    expect(read.get('sallyport_leaf_mint_duration_seconds_sum')).toBeCloseTo(90.0044, 9);
  });

  test('has a bucket for each bound', () => {
    const buckets = [...read.keys()].filter((name) => name.startsWith('sallyport_leaf_mint_duration_seconds_bucket'));
    expect(buckets).toHaveLength(BOUNDS.length + 1);
  });
});

describe('the proxy as a whole', () => {
  test.each([
    [`sallyport_build_info{version="1.2.3",node="${process.versions.node}"}`, 1],
    ['sallyport_workers', 2],
    ['sallyport_workers_listening', 1],
    ['sallyport_ready', 1],
    ['sallyport_draining', 0],
    ['sallyport_ca_remaining_seconds', 864_000],
    ['sallyport_ca_expiry_timestamp_seconds', NOW / 1_000 + 864_000],
    ['sallyport_start_timestamp_seconds', NOW / 1_000 - 86_400],
  ])('tells %s', (name, value) => {
    expect(samples().get(name)).toBe(value);
  });

  test('tells a CA that has expired by seconds below zero', () => {
    const read = samples({}, { ca: { notAfter: new Date(NOW - 1_000) } });
    expect(read.get('sallyport_ca_remaining_seconds')).toBe(-1);
  });

  test('tells of the last reload; before there was one, of the start', () => {
    const at = new Date(NOW).toISOString();
    const told = (read: ReadonlyMap<string, number>) =>
      ['successful', 'timestamp_seconds'].map((name) => read.get(`sallyport_reload_${name}`));
    expect(told(samples())).toEqual([1, (NOW - DAY) / 1_000]);
    expect(told(samples({}, { reload: { at, ok: true } }))).toEqual([1, NOW / 1_000]);
    expect(told(samples({}, { reload: { at, ok: false } }))).toEqual([0, NOW / 1_000]);
  });
});
