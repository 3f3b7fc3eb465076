// What probes and scrapers get.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Overview } from '../../src/admin/overview.ts';
import { CONTROL_SOCKET } from '../../src/admin/route.ts';
import { startingRoutes, watchRoutes } from '../../src/admin/watch-routes.ts';
import { EMPTY_LISTING } from '../../src/flow/listing.ts';
import { NO_MEASURES } from '../../src/metrics/measures.ts';
import { samplesOf } from '../support/metric-lines.ts';

function overviewOf(draining = false, onMeasures: () => void = () => undefined): Overview {
  const overview = new Overview({
    measures: async () => {
      onMeasures();
      return NO_MEASURES;
    },
    list: async () => EMPTY_LISTING,
    workers: () => ({ wanted: 1, listening: 1 }),
    port: () => 3128,
    ca: () => ({ notAfter: new Date(Date.now() + 86_400_000) }),
    draining: () => draining,
  });
  onTestFinished(() => overview.end());
  return overview;
}

const requestOf = (path: string, by = '127.0.0.1') => ({
  method: 'GET',
  path,
  query: new URLSearchParams(),
  body: Buffer.alloc(0),
  by,
});

async function ask(path: string, draining = false, routes = watchRoutes(overviewOf(draining))) {
  const route = routes.find((one) => one.path === path);
  const reply = await route?.answer(requestOf(path));
  return { needs: route?.needs, status: reply?.status, type: reply?.type, body: String(reply?.body) };
}

describe('without a token', () => {
  test('a probe hears that the process lives', async () => {
    expect(await ask('/healthz')).toEqual({ needs: 'nothing', status: 200, type: 'text/plain', body: 'ok\n' });
  });

  test('a probe hears whether it is ready, and why', async () => {
    const { needs, status, body } = await ask('/readyz');
    expect([needs, status]).toEqual(['nothing', 200]);
    expect(JSON.parse(body)).toMatchObject({ ready: true, checks: { ca: { ok: true }, draining: { ok: true } } });
  });

  test('a probe hears that it drains, by the status too', async () => {
    const { status, body } = await ask('/readyz', true);
    expect([status, JSON.parse(body)]).toMatchObject([503, { ready: false, checks: { draining: { ok: false } } }]);
  });

  test('a scraper gets the metrics in its format', async () => {
    const { needs, status, type, body } = await ask('/metrics');
    expect([needs, status, type]).toEqual(['nothing', 200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(samplesOf(body).get('sallyport_ready')).toBe(1);
  });
});

test.each(['/readyz', '/metrics'])('%s asks the workers once a second, whoever asks how often', async (path) => {
  let asked = 0;
  const count = (): void => {
    asked += 1;
  };
  const route = watchRoutes(overviewOf(false, count)).find((one) => one.path === path);
  const all = await Promise.all(Array.from({ length: 50 }, () => route?.answer(requestOf(path))));
  expect([asked, new Set(all.map((one) => one?.status))]).toEqual([1, new Set([200])]);
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1_000);
  onTestFinished(() => void vi.restoreAllMocks());
  await route?.answer(requestOf(path));
  expect(asked).toBe(2);
  // An operator wants to know what is so now.
  await route?.answer(requestOf(path, CONTROL_SOCKET));
  await route?.answer(requestOf(path, CONTROL_SOCKET));
  expect(asked).toBe(4);
});

describe('before the start is over', () => {
  test.each([
    ['/healthz', 200],
    ['/readyz', 503],
    ['/metrics', 503],
  ])('%s is there, with %i', async (path, status) => {
    expect(await ask(path, false, startingRoutes())).toMatchObject({ needs: 'nothing', status });
  });
});
