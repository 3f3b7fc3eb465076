// What the journal makes of what the stages tell it: every field of the entry, and the few words for whoever is on call.

import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import type { Denial, Permit } from '../../src/core/decision.ts';
import { asProxyError, ProxyError } from '../../src/core/errors.ts';
import { beginSession, beginTunnel } from '../../src/core/session.ts';
import { Journal } from '../../src/flow/journal.ts';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';

const authority: Authority = { kind: 'name', host: 'ok.test', port: 443 };
const permit: Permit = {
  action: 'allow',
  step: 'connect',
  authority,
  rule: 'all',
  reason: 'because',
  tls: 'bump',
  deferred: false,
  wouldDeny: false,
};
const denial: Denial = { action: 'deny', step: 'request', authority, rule: 'none', reason: 'no', refuseBy: 'page' };

function journal() {
  const entries: AccessLogEntry[] = [];
  const said: string[] = [];
  const say = (level: string) => (fields: object, message: string) =>
    void said.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const service = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  return { entries, said, journal: new Journal({ write: (entry) => void entries.push(entry), service }) };
}

const session = beginSession({ address: '192.0.2.1', port: 1 });
const base = { by: session, tag: 'NONE_NONE', status: 200, bytes: 0, outcome: 'bumped' } as const;

describe('the journal', () => {
  test('tells CONNECTs that nobody will tell any more as cut, once, by whether they were answered', () => {
    const { entries, journal: told } = journal();
    const [early, answered, ended] = [1, 2, 3].map(() => beginTunnel(authority, permit, 0));
    if (!early || !answered || !ended) throw new Error('no tunnels');
    answered.answered = true;
    for (const tunnel of [early, answered, ended]) told.beginConnect(tunnel, session);
    told.tellConnect(ended, base);
    expect(told.openConnects).toBe(2);
    told.tellCutConnects();
    told.tellConnect(early, base);
    told.tellCutConnects();
    expect(told.openConnects).toBe(0);
    expect(entries.map(({ tag, suffix, status, error }) => [tag, suffix, status, error])).toEqual([
      ['NONE_NONE', undefined, 200, undefined],
      ['NONE_NONE', 'ABORTED', 0, 'shutting-down'],
      ['NONE_NONE', 'ABORTED', 200, 'shutting-down'],
    ]);
  });

  test('knows of no status where there was no CONNECT, but for bytes that went through', () => {
    const { entries, journal: told } = journal();
    for (const tag of ['NONE_NONE', 'TCP_DENIED', 'TCP_TUNNEL'] as const) {
      const tunnel = beginTunnel(authority, permit, 0);
      tunnel.intercepted = true;
      told.tellConnect(tunnel, { ...base, tag });
    }
    expect(entries.map(({ tag, status }) => [tag, status])).toEqual([
      ['NONE_NONE', 0],
      ['TCP_DENIED', 0],
      ['TCP_TUNNEL', 200],
    ]);
  });

  test('tells a CONNECT with the decision, both TLS sides and the timings', () => {
    const { entries, journal: told } = journal();
    const tunnel = beginTunnel(authority, permit, performance.now() - 25);
    tunnel.sni = 'ok.test';
    tunnel.clientTls = { version: 'TLSv1.3', cipher: 'A' };
    const upstream = {
      address: '192.0.2.5',
      tls: { version: 'TLSv1.2', cipher: 'B' },
      timings: { dns: 1, connect: 2, tls: 3 },
    };
    told.tellConnect(tunnel, { ...base, upstream });
    expect(entries[0]).toMatchObject({
      method: 'CONNECT',
      url: 'ok.test:443',
      client: '192.0.2.1',
      session: session.id,
      tunnel: tunnel.id,
      hierarchy: 'HIER_DIRECT',
      peer: '192.0.2.5',
      rule: 'all',
      reason: 'because',
      step: 'connect',
      tls: 'bump',
      sni: 'ok.test',
      clientTls: { version: 'TLSv1.3' },
      upstreamTls: { version: 'TLSv1.2' },
      timings: { dns: 1, connect: 2, tls: 3 },
    });
    expect(entries[0]?.elapsed).toBeGreaterThanOrEqual(25);
  });

  test('counts to the end it is given, not to the moment it is told', () => {
    const { entries, journal: told } = journal();
    const begin = performance.now() - 5_000;
    told.tellConnect(beginTunnel(authority, permit, begin), { ...base, end: begin + 10 });
    expect(entries[0]?.elapsed).toBe(10);
    expect(Date.now() - (entries[0]?.time ?? 0)).toBeGreaterThanOrEqual(4_900);
  });

  test('names an address that was tried in vain, and none where none was', () => {
    const { entries, journal: told } = journal();
    told.tellConnect(beginTunnel(authority, permit, 0), { ...base, tried: '192.0.2.7' });
    told.tellConnect(beginTunnel(authority, permit, 0), base);
    expect(entries.map(({ hierarchy, peer }) => [hierarchy, peer])).toEqual([
      ['HIER_DIRECT', '192.0.2.7'],
      ['HIER_NONE', undefined],
    ]);
  });

  test('names the parent that a connection leads through, or that was asked in vain', () => {
    const { entries, journal: told } = journal();
    const parent = { name: 'hq', code: 'ROUNDROBIN_PARENT', via: undefined } as const;
    const upstream = { address: '192.0.2.8', parent, timings: { dns: 0, connect: 1 } };
    const failure = new ProxyError('parent-refused', 'No.', { peer: '192.0.2.9', parent });
    told.tellConnect(beginTunnel(authority, permit, 0), { ...base, upstream });
    told.tellConnect(beginTunnel(authority, permit, 0), { ...base, failure, tried: failure.peer });
    expect(entries.map(({ hierarchy, peer, parent: name }) => [hierarchy, peer, name])).toEqual([
      ['ROUNDROBIN_PARENT', '192.0.2.8', 'hq'],
      ['ROUNDROBIN_PARENT', '192.0.2.9', 'hq'],
    ]);
  });

  test('warns of credentials that a parent does not take', () => {
    const { said, journal: told } = journal();
    const parent = { name: 'hq', code: 'FIRSTUP_PARENT' } as const;
    const failure = new ProxyError('parent-auth', 'hq: 407.', { peer: '192.0.2.9', parent });
    told.tellConnect(beginTunnel(authority, permit, 0), { ...base, failure, tried: failure.peer });
    expect(said).toEqual(['warn parent proxy refuses our credentials {"parent":"hq","detail":"hq: 407."}']);
  });

  test('tells a CONNECT once, in the words of whoever is first', () => {
    const { entries, journal: told } = journal();
    const tunnel = beginTunnel(authority, permit, 0);
    told.tellConnect(tunnel, base);
    told.tellConnect(tunnel, { ...base, outcome: 'client_rejected_certificate' });
    expect(entries.map(({ outcome }) => outcome)).toEqual(['bumped']);
  });

  test('tells a denial with the way it was given', () => {
    const { entries, journal: told } = journal();
    told.tell({
      ...base,
      tag: 'TCP_DENIED',
      status: 403,
      outcome: 'denied',
      begin: 0,
      decision: denial,
      url: 'https://ok.test/',
    });
    expect(entries[0]).toMatchObject({ action: 'deny', rule: 'none', refuseBy: 'page' });
    expect(entries[0]?.wouldDeny).toBeUndefined();
  });

  test('says in report mode what would be denied', () => {
    const { entries, said, journal: told } = journal();
    told.tell({ ...base, begin: 0, decision: { ...permit, wouldDeny: true }, url: 'https://ok.test/' });
    expect(entries[0]?.wouldDeny).toBe(true);
    expect(said).toEqual([expect.stringMatching(/^info would be denied in enforce mode .*"rule":"all"/)]);
  });

  test('warns when a client rejected our certificate, and when an origin failed verification', () => {
    const { said, journal: told } = journal();
    const tunnel = beginTunnel(authority, permit, 0);
    told.tellConnect(tunnel, {
      ...base,
      outcome: 'client_rejected_certificate',
      alert: 'unknown_ca',
      confidence: 'certain',
    });
    told.tell({
      ...base,
      begin: 0,
      failure: new ProxyError('upstream-name', 'is for b.test'),
      method: 'GET',
      url: 'https://ok.test/',
    });
    expect(said).toEqual([
      expect.stringMatching(/^info client rejected our certificate .*"alert":"unknown_ca"/),
      expect.stringMatching(/^warn origin failed verification .*"error":"upstream-name"/),
    ]);
  });

  test('keeps user, password and query of a URL out of the service log', () => {
    const { said, journal: told } = journal();
    const url = 'https://user:word@ok.test/p?token=secret';
    told.tell({ ...base, begin: 0, decision: { ...permit, wouldDeny: true }, method: 'GET', url });
    expect(said.join()).toContain('https://ok.test/p?');
    expect(said.join()).not.toMatch(/word|secret/);
  });

  test('tells a connection without a request in the words of Squid', () => {
    const { entries, journal: told } = journal();
    told.tellNoRequest(session);
    expect(entries[0]).toMatchObject({
      status: 0,
      bytes: 0,
      url: 'error:transaction-end-before-headers',
      outcome: 'no_request',
    });
    expect(entries[0]?.method).toBeUndefined();
  });

  test('keeps the stack of a fault of ours for the service log', () => {
    const { said, journal: told } = journal();
    told.fault(session, new Error('oops'));
    expect(said).toEqual([expect.stringMatching(/^error internal fault /)]);
  });

  test('tells a fault that ended a transaction in the service log too, and on its way up not again', () => {
    const { entries, said, journal: told } = journal();
    const oops = new Error('oops');
    told.tellNoRequest(session, { failure: asProxyError(oops) });
    told.fault(session, oops);
    expect(entries[0]).toMatchObject({ error: 'internal' });
    expect(said).toEqual([expect.stringMatching(/^error internal fault /)]);
  });

  test('warns of an origin that wants a client certificate, by an error and by a sign', () => {
    const { said, journal: told } = journal();
    const failure = new ProxyError('client-cert-required', 'ok.test:443 asked for one.');
    const url = 'https://ok.test/';
    told.tell({ ...base, begin: 0, url, method: 'GET', outcome: 'failed', failure });
    told.wantsCertificate('192.0.2.1', 'ok.test:443', 403);
    expect(said).toEqual([
      expect.stringMatching(/^warn origin wants a client certificate .*ok\.test:443 asked for one/),
      expect.stringMatching(
        /^warn origin asked for a client certificate, and refused .*"host":"ok\.test:443","status":403/,
      ),
    ]);
  });
});
