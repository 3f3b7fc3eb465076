// What there is to see of a proxy, made from what its processes tell.

import { describe, expect, onTestFinished, test } from 'vitest';
import { Overview, type OverviewSource } from '../../src/admin/overview.ts';
import { EMPTY_LISTING, type ListingPart } from '../../src/flow/listing.ts';
import { samplesOf } from '../support/metric-lines.ts';

function overview(more: Partial<OverviewSource> = {}) {
  const listed: (readonly ListingPart[])[] = [];
  const made = new Overview({
    measures: async () => ({ series: { requests: { request: 7 } }, durations: {} }),
    list: async (parts) => {
      listed.push(parts);
      return EMPTY_LISTING;
    },
    workers: () => ({ wanted: 1, listening: 1 }),
    port: () => 3128,
    ca: () => ({ notAfter: new Date(Date.now() + 86_400_000) }),
    draining: () => false,
    ...more,
  });
  onTestFinished(() => made.end());
  return { made, listed };
}

test('metrics are those of all processes, with what is true of the proxy', async () => {
  const read = samplesOf(await overview().made.metrics());
  expect([read.get('sallyport_requests_total{kind="request"}'), read.get('sallyport_ready')]).toEqual([7, 1]);
});

describe('a report', () => {
  test('is made from what was counted', async () => {
    expect(await overview().made.report('counters')).toContain('\nclient_http.requests = 7\n');
  });

  test('asks for the rows that it needs, and no others', async () => {
    const { made, listed } = overview();
    for (const name of ['client_list', 'ipcache', 'counters']) await made.report(name);
    expect(listed).toEqual([['clients'], ['names'], []]);
  });

  test('that there is not asks nobody', async () => {
    const { made, listed } = overview();
    expect([await made.report('shutdown'), listed]).toEqual([undefined, []]);
  });
});

test('a drain makes it unready, and a refused reload is told', async () => {
  const { made } = overview({ draining: () => true });
  made.reload = () => ({ at: 'then', ok: false, error: 'line 3' });
  const { ready, checks } = await made.readiness();
  expect([ready, checks.draining.ok, checks.config.ok]).toEqual([false, false, true]);
  expect(checks.config.detail).toMatch(/^The reload at then was refused/);
});
