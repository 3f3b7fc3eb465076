import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/admin/facts.ts';
import { readinessOf } from '../../src/admin/readiness.ts';
import { type Measures, NO_MEASURES } from '../../src/metrics/measures.ts';

const NOW = Date.parse('2026-11-22T00:00:00Z');
const facts: Omit<Facts, 'ready'> = {
  version: '1.2.3',
  pid: 1,
  started: NOW,
  uptime: 1,
  workers: { wanted: 2, listening: 2 },
  port: 3128,
  ca: { notAfter: new Date('2026-12-02T12:00:00Z') },
  draining: false,
};

function ready(more: Partial<Facts> = {}, series: Measures['series'] = {}) {
  return readinessOf({ ...facts, ...more }, { ...NO_MEASURES, series }, NOW);
}

test('a proxy that serves is ready, and says why', () => {
  expect(ready()).toEqual({
    ready: true,
    checks: {
      config: { ok: true, detail: 'Loaded.' },
      ca: { ok: true, detail: 'Valid until 2026-12-02T12:00:00.000Z, 10 days.' },
      log: { ok: true, detail: 'Writable; no line lost.' },
      workers: { ok: true, detail: '2 of 2 carry traffic.' },
      draining: { ok: true, detail: 'Not draining.' },
    },
  });
});

describe('a proxy is not ready', () => {
  test.each([
    ['ca', 'with a CA that has expired', { ca: { notAfter: new Date(NOW) } }, {}, /^The CA has expired at 2026-11-22/],
    [
      'log',
      'with a log that cannot be written',
      {},
      { logFailing: { '': 1 }, logLost: { '': 9 } },
      /^1 log files cannot be written to; 9 lines/,
    ],
    ['workers', 'without a worker', { workers: { wanted: 2, listening: 0 } }, {}, /^0 of 2 /],
    ['draining', 'while it drains', { draining: true }, {}, /^Nobody is let in/],
  ] as const)('for its %s: %s', (check, _why, more, series, detail) => {
    const { ready: isReady, checks } = ready(more, series);
    expect([isReady, checks[check].ok]).toEqual([false, false]);
    expect(checks[check].detail).toMatch(detail);
    const failing = Object.values(checks).filter(({ ok }) => !ok);
    expect(failing).toHaveLength(1);
  });
});

test('a worker that is missing is told, while others serve', () => {
  const { ready: isReady, checks } = ready({ workers: { wanted: 2, listening: 1 } });
  expect([isReady, checks.workers.detail]).toEqual([true, '1 of 2 carry traffic.']);
});

test('a reload that was refused is told, and what was before is as good as it was', () => {
  const refused = { at: '2026-11-22', ok: false, error: 'line 3: password: "hunter2"' };
  const { ready: isReady, checks } = ready({ reload: refused });
  expect(isReady).toBe(true);
  // Not why: that may quote the config, and anybody may read this.
  expect(checks.config.detail).toBe(
    'The reload at 2026-11-22 was refused, the config before it holds; "sallyport status" says why.',
  );
});
