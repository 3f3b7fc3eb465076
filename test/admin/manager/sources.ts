// What the tests of the reports print from: a proxy of two workers that has served for ten minutes.

import type { Facts } from '../../../src/admin/facts.ts';
import type { Sources } from '../../../src/admin/manager/sources.ts';
import { Histogram } from '../../../src/core/histogram.ts';
import { EMPTY_LISTING, type Listing } from '../../../src/flow/listing.ts';
import { EVERY, History } from '../../../src/metrics/history.ts';
import type { Measures } from '../../../src/metrics/measures.ts';

export const NOW = Date.parse('2026-11-22T10:00:00Z');
const MINUTES = 10;

/** Ten requests, one of them denied, ten kilobytes and 60 ms each, in every minute. */
export function measuresAfter(minutes: number): Measures {
  const times = new Histogram();
  for (let at = 0; at < 10 * minutes; at += 1) times.observe(60);
  return {
    series: {
      requests: { request: 8 * minutes, connect: 2 * minutes },
      transactions: { forwarded: 8 * minutes, bumped: minutes, denied: minutes },
      errors: { 'upstream connect-failed': 0 },
      sent: { '': 102_400 * minutes },
      received: { '': 10_240 * minutes },
      upstreamReceived: { '': 81_920 * minutes },
      cpu: { user: 2 * minutes, system: minutes },
      names: { local: 1, hit: 5, miss: 4 },
      nameEntries: { '': 2 },
      leafEntries: { '': 4 },
      leafBytes: { '': 4 * 30_720 },
      resident: { '': 104_857_600 },
      heap: { '': 20_971_520 },
      descriptors: { '': 40 },
      mostDescriptors: { '': 2_048 },
    },
    durations: { request: times.read() },
  };
}

export function sources(more: { listing?: Partial<Listing>; facts?: Partial<Facts> } = {}): Sources {
  const history = new History();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    history.add({ at: minute * EVERY, time: NOW - (MINUTES - minute) * EVERY, measures: measuresAfter(minute) });
  }
  return {
    now: { at: MINUTES * EVERY, time: NOW, measures: measuresAfter(MINUTES) },
    history,
    facts: {
      version: '1.2.3',
      pid: 1,
      started: NOW - MINUTES * EVERY,
      uptime: MINUTES * EVERY,
      workers: { wanted: 2, listening: 2 },
      port: 3128,
      ca: { notAfter: new Date(NOW) },
      draining: false,
      ready: true,
      ...more.facts,
    },
    listing: { ...EMPTY_LISTING, ...more.listing },
  };
}
