// What a config comes to beside the one before: what is as it was is kept, with what it remembers, and of what cannot be used
// nothing is left.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Generation, giveUp, type Lasting, makeGeneration, servicesOf } from '../../src/assemble/generation.ts';
import type { Config } from '../../src/config/config.ts';
import { Roster } from '../../src/core/roster.ts';
import { Journal } from '../../src/flow/journal.ts';
import { OpenTunnels } from '../../src/flow/open-tunnels.ts';
import { WantingOrigins } from '../../src/flow/wanting-origins.ts';
import { Tally } from '../../src/metrics/tally.ts';
import { OwnDials } from '../../src/net/own-dials.ts';
import { openShares } from '../../src/net/shares.ts';
import { UpstreamMeter } from '../../src/net/upstream-meter.ts';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { LeafMeter } from '../../src/pki/leaf-meter.ts';
import { makeTicketMaster } from '../../src/pki/ticket-keys.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { rigConfig } from '../support/rig.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

expectNothingLeft();

async function setting() {
  const folder = mkdtempSync(join(tmpdir(), 'generation-'));
  const root = join(folder, 'root.pem');
  const tokens = join(folder, 'tokens');
  writeFileSync(root, createCa().certificate);
  writeFileSync(tokens, '');
  const config: Config = { ...rigConfig(folder, { trust: [root] }), auth: { groups: {}, tokens } };
  const { ca } = await openCertificateAuthority(config.ca);
  const { log: service } = serviceRecorder();
  const master = makeTicketMaster();
  const lasting: Lasting = {
    service,
    isOwn: () => false,
    ownDials: new OwnDials(),
    ticketMaster: () => master,
    journal: new Journal({ write: () => undefined, service }),
    tally: new Tally(),
    meters: { leaves: new LeafMeter(), upstream: new UpstreamMeter() },
    report: async () => undefined,
    underWay: new Roster(),
    wanting: new WantingOrigins(),
    tunnels: new OpenTunnels(),
    stopping: new AbortController().signal,
  };
  const make = async (change: Partial<Config> = {}, before?: Generation, other = ca): Promise<Generation> => {
    const source = { config: { ...config, ...change }, ca: other, workers: 1 };
    const made = await makeGeneration(source, lasting, before);
    onTestFinished(() => giveUp(made, before));
    return made;
  };
  return { folder, root, tokens, config, lasting, make };
}

/** The parts that are not those of before. */
const renewed = (before: Generation, after: Generation): string[] => {
  const old = new Map(Object.entries(before.parts));
  return Object.entries(after.parts).flatMap(([name, part]) => (old.get(name) === part ? [] : [name]));
};

describe('the next generation', () => {
  test.each<[sentence: string, change: (config: Config) => Partial<Config>, parts: string[]]>([
    ['of the same config makes nothing anew', () => ({}), []],
    [
      'of another policy makes the policy anew',
      ({ policy }) => ({ policy: { ...policy, default: 'allow' } }),
      ['policy'],
    ],
    [
      'of other roots makes anew what leads to origins',
      ({ upstream }) => ({ upstream: { ...upstream, allowAddresses: [] } }),
      ['origins'],
    ],
    [
      'of other name servers, too',
      ({ resolver }) => ({ resolver: { ...resolver, maxTtl: 1 } }),
      ['resolver', 'origins'],
    ],
    ['of another name for us, too', () => ({ via: undefined }), ['origins']],
    ['of another log makes the log anew', ({ log }) => ({ log: { ...log, access: [] } }), ['accessLog']],
    [
      'of other limits keeps leaves and users',
      ({ limits }) => ({ limits: { ...limits, idlePerOrigin: 1 } }),
      ['origins'],
    ],
    [
      'of other exceptions makes them anew',
      ({ rejections }) => ({ rejections: { ...rejections, onReject: 'off' } }),
      ['rejections'],
    ],
    [
      'of other users makes them anew',
      ({ auth }) => ({ auth: { groups: { ops: ['a'] }, tokens: auth?.tokens ?? '' } }),
      ['auth'],
    ],
  ])('%s', async (_, change, parts) => {
    const { config, make } = await setting();
    const first = await make();
    expect(renewed(first, await make(change(config), first))).toEqual(parts);
  });

  test('reads files anew that have changed', async () => {
    const { root, tokens, make } = await setting();
    const first = await make();
    writeFileSync(root, createCa().certificate);
    const second = await make({}, first);
    expect(renewed(first, second)).toEqual(['origins']);
    writeFileSync(tokens, `agent:${'0'.repeat(64)}\n`);
    expect(renewed(second, await make({}, second))).toEqual(['auth']);
  });

  test('reads the pages of refusals anew, which may have changed', async () => {
    const { folder, make } = await setting();
    const change = { refusals: { contact: 'ask@a.test', pages: folder } };
    writeFileSync(join(folder, 'ERR_ACCESS_DENIED'), 'before');
    const first = await make(change);
    writeFileSync(join(folder, 'ERR_ACCESS_DENIED'), 'after');
    const second = await make(change, first);
    const told = [first, second].map(({ style }) => [style.contact, style.custom?.find('ERR_ACCESS_DENIED', [])?.text]);
    expect(told).toEqual([
      ['ask@a.test', 'before'],
      ['ask@a.test', 'after'],
    ]);
    expect(renewed(first, second)).toEqual([]);
  });

  test('of another CA makes leaves anew, and what must know the CA', async () => {
    const { folder, make } = await setting();
    const first = await make();
    const { ca } = await openCertificateAuthority({ cert: join(folder, 'new.pem'), key: join(folder, 'new-key.pem') });
    expect(renewed(first, await make({}, first, ca))).toEqual(['origins', 'leaves', 'ownTls']);
  });

  test('of the same CA with another chain to send makes leaves anew, for our own TLS as well', async () => {
    const { make } = await setting();
    const first = await make();
    const [other] = [createCa().certificate].map((pem) => new X509Certificate(pem));
    const chained = { ...first.ca, chain: other ? [other] : [] };
    const second = await make({}, first, chained);
    expect(renewed(first, second)).toEqual(['leaves', 'ownTls']);
    expect(second.parts.ownTls.part.ownLeaves).toBe(second.parts.leaves.part);
  });

  test('of one that comes later does without a log that cannot be opened, and says so', async () => {
    const { config, lasting } = await setting();
    const { ca } = await openCertificateAuthority(config.ca);
    const { log, said } = serviceRecorder();
    const broken = { ...config, log: { ...config.log, access: [{ path: '/dev/null/a', format: 'squid' as const }] } };
    const source = { config: broken, ca, workers: 2 };
    await expect(makeGeneration(source, lasting)).rejects.toMatchObject({ code: 'log-failed' });
    const made = await makeGeneration({ ...source, later: true }, { ...lasting, service: log });
    expect(said).toEqual([
      { level: 'error', fields: { error: expect.stringContaining('/dev/null/a') }, message: 'access log' },
    ]);
    await giveUp(made);
  });

  test.each<[code: string, change: (config: Config) => Partial<Config>]>([
    ['trust-unusable', ({ upstream }) => ({ upstream: { ...upstream, trust: ['/none.pem'] } })],
    ['auth-unusable', () => ({ auth: { groups: {}, tokens: '/none' } })],
    [
      'auth-unusable',
      ({ policy }) => ({
        policy: { ...policy, rules: [{ name: 'r', hosts: ['a.test'], groups: ['none'], action: 'allow' }] },
      }),
    ],
    ['log-failed', ({ log }) => ({ log: { ...log, access: [{ path: '/dev/null/a', format: 'squid' }] } })],
    ['config-invalid', ({ policy }) => ({ policy: { ...policy, connectPorts: ['x'] } })],
    ['config-invalid', () => ({ refusals: { pages: '/none' } })],
  ])('that fails with %s leaves the one before as it was', async (code, change) => {
    const { config, make } = await setting();
    const first = await make();
    await expect(make(change(config), first)).rejects.toMatchObject({ code });
    expect(renewed(first, await make({}, first))).toEqual([]);
  });

  test('gives its parts to the stages of a connection', async () => {
    const { config, lasting, make } = await setting();
    const made = await make();
    const services = servicesOf(made, lasting, openShares(made.limits, made.division));
    expect(services.policy).toBe(made.parts.policy.part);
    expect(services.pools).toBe(made.parts.origins.part.pools);
    expect(services.ownLeaves).toBe(services.leaves);
    expect(services.style).toBe(made.style);
    expect([services.via, services.http2, services.limits]).toEqual([config.via, true, made.limits]);
  });
});
