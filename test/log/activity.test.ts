// What a proxy is busy with, as the entries of its log tell it, while somebody watches.

import { describe, expect, test } from 'vitest';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { type Activity, ActivityMeter, IDLE, joinActivities, MOST_TOLD } from '../../src/log/activity.ts';

const NOW = 1_700_000_000_000;

function entry(more: Partial<AccessLogEntry> = {}): AccessLogEntry {
  return {
    time: NOW,
    elapsed: 1,
    client: '10.0.0.7',
    tag: 'TCP_MISS',
    status: 200,
    bytes: 100,
    method: 'GET',
    url: 'https://ok.test/a',
    hierarchy: 'HIER_DIRECT',
    outcome: 'forwarded',
    session: 's',
    rule: 'all',
    ...more,
  };
}

/** What is told of these, which all came within a second. */
function told(...entries: Partial<AccessLogEntry>[]): Activity {
  const meter = new ActivityMeter();
  expect(meter.read(NOW - 1_000)).toEqual(IDLE);
  for (const one of entries) meter.note(entry(one));
  return meter.read(NOW);
}

const keys = (list: readonly { key: string }[]): string[] => list.map(({ key }) => key);

describe('while somebody watches', () => {
  test('a request counts for its host, its client, its rule', () => {
    const { rates, hosts, clients, rules, refusals, failures, rejections } = told({}, {});
    expect(keys(rates)).toEqual(['requests']);
    expect(rates[0]?.rate).toBeCloseTo(2.2, 1);
    expect(rates[0]?.bytesRate).toBeCloseTo(220, -1);
    expect([keys(hosts), keys(clients), keys(rules)]).toEqual([['ok.test'], ['10.0.0.7'], ['all']]);
    expect([refusals, failures, rejections]).toEqual([[], [], []]);
  });

  test.each<[string, Partial<AccessLogEntry>, string[], string[]]>([
    ['a spliced tunnel', { method: 'CONNECT', url: 'ok.test:443', outcome: 'spliced' }, ['tunnels'], ['ok.test']],
    ['another port', { method: 'CONNECT', url: 'ok.test:8443', outcome: 'spliced' }, ['tunnels'], ['ok.test:8443']],
    ['a decrypted tunnel', { method: 'CONNECT', url: 'ok.test:443', outcome: 'bumped' }, ['tunnels'], []],
    ['what is not TLS', { method: undefined, url: 'ok.test:22', outcome: 'tunnelled' }, ['tunnels'], ['ok.test:22']],
    ['a connection without a request', { method: undefined, url: 'error:x', outcome: 'no_request' }, [], []],
    ['an upload', { bytesIn: 7 }, ['requests', 'uploads'], ['ok.test']],
    ['what report mode lets pass', { wouldDeny: true }, ['requests', 'would be denied'], ['ok.test']],
    ['an IPv6 origin', { url: 'http://[2001:db8::1]:8080/x' }, ['requests'], ['[2001:db8::1]:8080']],
    ['what failed', { outcome: 'answered', error: 'connect-failed' }, ['failed', 'requests'], ['ok.test']],
  ])('%s', (_, more, kinds, hosts) => {
    const activity = told(more);
    expect(keys(activity.rates).sort()).toEqual(kinds);
    expect(keys(activity.hosts)).toEqual(hosts);
  });

  test('a refusal is told by its reason, a failure by its code', () => {
    const { refusals, failures, rates } = told(
      { outcome: 'denied', error: 'denied', reason: 'no rule matches evil.test:443' },
      { outcome: 'terminated', error: 'sni-mismatch', reason: undefined },
      { outcome: 'failed', error: 'dns-failed' },
    );
    expect(keys(refusals).sort()).toEqual(['no rule matches evil.test:443', 'sni-mismatch']);
    expect(keys(failures)).toEqual(['dns-failed']);
    expect(keys(rates).sort()).toEqual(['failed', 'refused', 'requests']);
  });

  test('rejections are remembered one by one, the latest first, not without end', () => {
    const rejected = { outcome: 'client_rejected_certificate', alert: 'unknown_ca', method: 'CONNECT' } as const;
    const many = Array.from({ length: 50 }, (_, n) => ({ ...rejected, url: `h${n}.test:443` }));
    const { rejections } = told(...many);
    expect(rejections).toHaveLength(20);
    expect(rejections[0]).toEqual({ time: NOW, client: '10.0.0.7', host: 'h49.test', alert: 'unknown_ca' });
  });

  test('nothing that clients choose makes it large', () => {
    const many = Array.from({ length: 2_000 }, (_, n) => ({
      url: `https://${'x'.repeat(300)}${n}.test/`,
      client: `10.0.${n >> 8}.${n & 255}`,
      rule: `rule ${n}`,
      outcome: 'denied' as const,
      reason: `${n}${'y'.repeat(5_000)}`,
    }));
    const activity = told(...many);
    for (const list of [activity.hosts, activity.clients, activity.rules, activity.refusals]) {
      expect(list.length).toBeLessThanOrEqual(MOST_TOLD);
      for (const { key } of list) expect(key.length).toBeLessThanOrEqual(200);
    }
    expect(JSON.stringify(activity).length).toBeLessThan(100_000);
  });
});

test('while nobody watches nothing is counted, and soon after the last look neither', () => {
  const meter = new ActivityMeter();
  meter.note(entry());
  expect(meter.read(NOW)).toEqual(IDLE);
  meter.note(entry({ time: NOW + 1_000 }));
  expect(meter.read(NOW + 2_000).hosts).toHaveLength(1);
  meter.note(entry({ time: NOW + 60_000 }));
  expect(meter.read(NOW + 60_001)).toEqual(IDLE);
});

describe('that of several processes', () => {
  test('is one', () => {
    const [a, b] = [told({ url: 'https://a.test/' }, {}), told({}, {})];
    const joined = joinActivities([a, b]);
    expect(keys(joined.hosts)).toEqual(['ok.test', 'a.test']);
    expect(joined.hosts[0]?.rate).toBeCloseTo((a.hosts[0]?.rate ?? 0) * 3, 5);
    expect(joinActivities([a])).toBe(a);
    expect(joinActivities([])).toEqual(IDLE);
  });
});
