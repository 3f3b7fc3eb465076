// What is counted of each transaction, by the entry that goes to the log.

import { describe, expect, test } from 'vitest';
import { countOf } from '../../src/core/histogram.ts';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { Tally } from '../../src/metrics/tally.ts';
import { makeEntry } from '../support/log-entries.ts';

function counted(...entries: Partial<AccessLogEntry>[]) {
  const tally = new Tally();
  for (const entry of entries) tally.count(makeEntry(entry));
  return tally;
}

/** Without what is zero. */
function some(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

describe('a request that was forwarded', () => {
  const tally = counted({
    outcome: 'forwarded',
    method: 'GET',
    status: 200,
    bytes: 1_000,
    bytesIn: 20,
    hierarchy: 'HIER_DIRECT',
    action: 'allow',
    rule: 'api two',
    elapsed: 7,
    timings: { firstByte: 3 },
    error: undefined,
  });
  const read = tally.read();

  test.each([
    ['transactions', { forwarded: 1 }],
    ['requests', { request: 1 }],
    ['responses', { '2xx': 1 }],
    ['connects', {}],
    ['rules', { 'allow api two': 1 }],
    ['refusals', {}],
    ['errors', {}],
    ['parents', { HIER_DIRECT: 1 }],
    ['received', { '': 20 }],
    ['sent', { '': 1_000 }],
    ['upstreamReceived', { '': 1_000 }],
  ] as const)('is counted in %s', (key, expected) => {
    expect(some(read[key])).toEqual(expected);
  });

  test('and its times are', () => {
    expect([tally.requestTimes.read().sum, tally.firstByteTimes.read().sum]).toEqual([7, 3]);
  });
});

describe('a CONNECT', () => {
  const base = { method: 'CONNECT', hierarchy: 'HIER_DIRECT', elapsed: 60_000 } as const;

  test.each([
    ['that is bumped', { ...base, outcome: 'bumped', action: 'allow', tls: 'bump' }, { bump: 1 }],
    ['that is spliced', { ...base, outcome: 'spliced', action: 'allow', tls: 'splice' }, { splice: 1 }],
    ['that is denied', { ...base, outcome: 'denied', action: 'deny' }, { deny: 1 }],
    ['that nobody decided on', { ...base, outcome: 'malformed', action: undefined, tls: undefined }, { deny: 1 }],
  ] as const)('%s is counted by what is done with its TLS', (_name, entry, connects) => {
    const tally = counted(entry);
    const read = tally.read();
    expect([some(read.connects), some(read.requests)]).toEqual([connects, { connect: 1 }]);
    expect(countOf(tally.requestTimes.read())).toBe(0);
  });

  test('that passes unread by an exception is counted by its reason', () => {
    expect(some(counted({ ...base, outcome: 'spliced', exception: 'pinned' }).read().exceptions)).toEqual({
      pinned: 1,
    });
  });
});

describe('a refusal', () => {
  test.each([
    ['by the policy at a CONNECT', { outcome: 'denied', error: undefined }, { denied: 1 }],
    ['by the policy of a request', { outcome: 'denied', error: 'denied' }, { denied: 1 }],
    ['for a 407', { outcome: 'denied', error: 'auth-required' }, { 'auth-required': 1 }],
    ['of a hello', { outcome: 'terminated', error: 'sni-mismatch' }, { 'sni-mismatch': 1 }],
    ['of what is no request', { outcome: 'malformed', error: 'request-malformed' }, { 'request-malformed': 1 }],
    ['for want of a place', { outcome: 'failed', error: 'client-limit' }, { 'client-limit': 1 }],
    ['is not what an origin does', { outcome: 'failed', error: 'connect-failed' }, {}],
    ['is not what a client breaks off', { outcome: 'aborted', error: 'client-aborted' }, {}],
    ['is not a handshake that fails', { outcome: 'failed', error: 'client-tls' }, {}],
    ['is not a request that is served', { outcome: 'forwarded', error: undefined }, {}],
  ] as const)('%s', (_name, entry, refusals) => {
    expect(some(counted(entry).read().refusals)).toEqual(refusals);
  });
});

test('of the bytes sent, those of our own pages are not from an origin', () => {
  const failed = { outcome: 'failed', error: 'upstream-tls', hierarchy: 'HIER_DIRECT', bytes: 900 } as const;
  const read = counted(failed, { outcome: 'forwarded', status: 404, hierarchy: 'HIER_DIRECT', bytes: 10 }).read();
  expect([read.sent[''], read.upstreamReceived['']]).toEqual([910, 10]);
});

test('errors are counted by whose doing they are', () => {
  const read = counted({ error: 'connect-failed' }, { error: 'connect-failed' }, { error: 'client-tls' }).read();
  expect(read.errors).toEqual({ 'upstream connect-failed': 2, 'client client-tls': 1 });
});

test('what enforcement would deny is told apart from what is allowed', () => {
  const read = counted(
    { action: 'allow', rule: 'r', wouldDeny: true },
    { action: 'allow', rule: 'r' },
    { action: 'deny', rule: 'r' },
  ).read();
  expect(read.rules).toEqual({ 'allow r': 1, 'deny r': 1, 'would_deny r': 1 });
});

test('clients that reject our certificate are counted by how sure that is', () => {
  const entry = { outcome: 'client_rejected_certificate' } as const;
  const read = counted({ ...entry, confidence: 'likely' }, { ...entry, confidence: 'certain' }).read();
  expect(read.rejections).toEqual({ certain: 1, likely: 1, suspected: 0 });
});

test('a reload that brings ever new rules brings no more than so many series', () => {
  const tally = new Tally();
  for (let at = 0; at < 3_000; at += 1) tally.count({ ...makeEntry(), rule: `rule-${at}`, action: 'allow' });
  const { rules } = tally.read();
  const allowed = Object.entries(rules).filter(([key]) => key.startsWith('allow '));
  expect(allowed.length).toBeLessThanOrEqual(2_001);
  expect(allowed.reduce((sum, [, count]) => sum + count, 0)).toBe(3_000);
});

test('counting makes no object of its own, a number at most', () => {
  const tally = new Tally();
  const entry = { ...makeEntry(), rule: 'r', action: 'allow', method: 'GET', error: 'connect-failed' } as const;
  const count = (times: number): void => {
    for (let at = 0; at < times; at += 1) tally.count(entry);
  };
  // Compiled, before it is measured.
  count(50_000);
  const before = process.memoryUsage().heapUsed;
  count(100_000);
  const each = (process.memoryUsage().heapUsed - before) / 100_000;
  expect(each).toBeLessThan(40);
});
