// That a whole proxy measures what passes through it, each series where it is counted; with several workers, all together.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplesOf } from '../support/metric-lines.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { dialProxy, get, openRig, type Rig, say, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();

let origin: Origin;
let rig: Rig;

beforeAll(async () => {
  origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test,DNS:pass.test' }), (_request, response) =>
    response.end('text'),
  );
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1', 'pass.test': '127.0.0.1', 'bad.test': '127.0.0.1' },
    policy: {
      rules: [
        { name: 'pass it', hosts: ['pass.test'], action: 'allow', tls: 'splice' },
        { name: 'bump', hosts: ['ok.test', 'bad.test'], action: 'allow' },
      ],
    },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await origin.close();
});

/** How much more `series` are behind `act`; looked at until all of them are as expected, or for two seconds. */
async function more(act: () => Promise<unknown>, expected: Readonly<Record<string, number>>): Promise<unknown> {
  const before = await atRest();
  await act();
  for (let tries = 0; ; tries += 1) {
    const now = samplesOf(await rig.proxy.overview.metrics());
    const seen = Object.fromEntries(
      Object.keys(expected).map((name) => [name, (now.get(name) ?? 0) - (before.get(name) ?? 0)]),
    );
    const isAsExpected = Object.entries(expected).every(([name, value]) => seen[name] === value);
    if (isAsExpected || tries === 100) return seen;
    await wait(20);
  }
}

/** Once the connections of the test before are gone. */
async function atRest(): Promise<ReadonlyMap<string, number>> {
  for (let tries = 0; tries < 100; tries += 1) {
    const samples = samplesOf(await rig.proxy.overview.metrics());
    if (samples.get('sallyport_client_connections') === 0) return samples;
    await wait(20);
  }
  throw new Error('connections of the test before are still open');
}

const counted = (series: string, labels = '') => `sallyport_${series}${labels}`;

describe('it is counted', () => {
  test.each<[string, () => Promise<unknown>, Record<string, number>]>([
    [
      'a bumped connection with a request',
      async () => {
        const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: rig.ca });
        await get(tls, `ok.test:${origin.port}`);
        tls.destroy();
      },
      {
        [counted('client_connections_total')]: 1,
        [counted('transactions_total', '{outcome="bumped"}')]: 1,
        [counted('transactions_total', '{outcome="forwarded"}')]: 1,
        [counted('requests_total', '{kind="connect"}')]: 1,
        [counted('requests_total', '{kind="request"}')]: 1,
        [counted('connects_total', '{tls="bump"}')]: 1,
        [counted('rule_decisions_total', '{action="allow",rule="bump"}')]: 2,
        [counted('client_handshakes_total', '{outcome="secure"}')]: 1,
        [counted('client_handshake_duration_seconds_count')]: 1,
        [counted('leaf_cache_requests_total', '{result="miss"}')]: 1,
        [counted('leaf_mint_duration_seconds_count')]: 1,
        [counted('leaf_cache_entries')]: 1,
        [counted('upstream_connects_total', '{result="ok"}')]: 1,
        [counted('upstream_connect_duration_seconds_count')]: 1,
        [counted('upstream_handshakes_total', '{result="ok"}')]: 1,
        [counted('upstream_handshake_duration_seconds_count')]: 1,
        [counted('upstream_first_byte_seconds_count')]: 1,
        [counted('request_duration_seconds_count')]: 1,
        [counted('dns_cache_requests_total', '{result="local"}')]: 1,
        [counted('hierarchy_total', '{code="HIER_DIRECT"}')]: 2,
      },
    ],
    [
      'a spliced tunnel',
      async () => {
        const tls = await tlsThrough(rig.port, `pass.test:${origin.port}`, { ca: ca.root });
        await get(tls, `pass.test:${origin.port}`);
        tls.destroy();
      },
      {
        [counted('transactions_total', '{outcome="aborted"}')]: 0,
        [counted('connects_total', '{tls="splice"}')]: 1,
        [counted('rule_decisions_total', '{action="allow",rule="pass it"}')]: 1,
        [counted('upstream_connects_total', '{result="ok"}')]: 1,
        [counted('upstream_handshakes_total', '{result="ok"}')]: 0,
        [counted('client_handshakes_total', '{outcome="secure"}')]: 0,
        [counted('tunnels', '{kind="passed"}')]: 0,
      },
    ],
    [
      'a CONNECT that is denied',
      () => say(rig.port, 'CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n'),
      {
        [counted('refusals_total', '{reason="denied"}')]: 1,
        [counted('rule_decisions_total', '{action="deny",rule="default"}')]: 1,
        [counted('responses_total', '{class="4xx"}')]: 1,
        [counted('connects_total', '{tls="deny"}')]: 1,
      },
    ],
    [
      'an origin that is not who it should be',
      async () => {
        const tls = await tlsThrough(rig.port, `bad.test:${origin.port}`, { ca: rig.ca });
        await get(tls, `bad.test:${origin.port}`);
        tls.destroy();
      },
      {
        [counted('upstream_handshakes_total', '{result="upstream-name"}')]: 1,
        [counted('upstream_verification_failures_total', '{reason="upstream-name"}')]: 1,
        [counted('errors_total', '{side="upstream",code="upstream-name"}')]: 2,
        [counted('refusals_total', '{reason="denied"}')]: 0,
      },
    ],
    [
      'a client that does not take our certificate',
      () => tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: ca.root }).catch(() => undefined),
      {
        [counted('client_handshakes_total', '{outcome="rejected"}')]: 1,
        [counted('transactions_total', '{outcome="client_rejected_certificate"}')]: 1,
      },
    ],
    [
      'what is no request',
      () => say(rig.port, 'NONSENSE\r\n\r\n'),
      {
        [counted('refusals_total', '{reason="request-malformed"}')]: 1,
        [counted('requests_total', '{kind="connect"}')]: 0,
      },
    ],
  ])('%s', async (_name, act, expected) => {
    expect(await more(act, expected)).toEqual(expected);
  });

  test('a connection while it is open, and what a tunnel is', async () => {
    const expected = {
      [counted('client_connections')]: 3,
      [counted('tunnels', '{kind="bumped"}')]: 1,
      [counted('tunnels', '{kind="passed"}')]: 1,
    };
    const seen = await more(async () => {
      await dialProxy(rig.port);
      await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: rig.ca });
      await tlsThrough(rig.port, `pass.test:${origin.port}`, { ca: ca.root });
    }, expected);
    expect(seen).toEqual(expected);
  });
});
