// A certificate as identity, on TLS to the proxy itself: through a whole proxy, where it is asked for and where it is
// required.

import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { h2ToProxy } from '../support/h2-proxy.ts';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { dialProxy, openRig, type Rig, readAll } from '../support/rig.ts';
import { type Pair, TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const ca = new TestCa('Clients');
const other = new TestCa('Others');
const forClients = { extensions: ['extendedKeyUsage=clientAuth'] };
const vm = ca.leaf({ cn: 'vm-12', ...forClients });
const clientCertificates = { trust: [ca.rootFile], crl: [], user: 'cn' } as const;
let origin: Origin;
let seen: string[] = [];

beforeAll(async () => {
  origin = await httpOrigin((request, response) => {
    seen.push(request.rawHeaders.join('\n'));
    response.end('here');
  });
});
afterAll(() => origin.close());

/** A request by TLS to the proxy, with this certificate or none; all that comes back. */
async function ask(rig: Rig, pair: Pair | undefined, fields = ''): Promise<string> {
  const tls = await secure(rig, pair);
  tls.write(
    `GET http://a.test:${origin.port}/ HTTP/1.1\r\nHost: a.test:${origin.port}\r\nConnection: close\r\n${fields}\r\n`,
  );
  return readAll(tls);
}

async function secure(rig: Rig, pair: Pair | undefined): Promise<TLSSocket> {
  const socket = await dialProxy(rig.port);
  const tls = connectTls({ socket, ca: rig.ca, host: '127.0.0.1', ...(pair ?? {}) });
  tls.on('error', () => undefined);
  onTestFinished(() => void tls.destroy());
  return tls;
}

const policy = (group = 'vms') => ({
  rules: [{ name: 'machines', hosts: ['a.test'], groups: [group], action: 'allow' } as const],
});
const hosts = { 'a.test': '127.0.0.1' };

describe('where a certificate is asked for', () => {
  let rig: Rig;
  beforeAll(async () => {
    const { htpasswd } = writeUsers({ alice: 'secret' });
    rig = await openRig({
      hosts,
      policy: policy(),
      auth: {
        basic: { htpasswd, realm: 'r' },
        groups: { vms: ['vm-12', 'alice'] },
        clientCertificates: { ...clientCertificates, mode: 'request' },
      },
    });
  });
  afterAll(() => rig.proxy.close(0));

  test('its name is the user, in rules and in the log', async () => {
    seen = [];
    expect(await ask(rig, vm)).toMatch(/^HTTP\/1\.1 200 [\s\S]*here$/);
    const [entry] = (await rig.entries(1)).slice(-1);
    expect(entry).toMatchObject({ user: 'vm-12', rule: 'machines', status: 200 });
    expect((await rig.lines(1)).at(-1)).toContain(' vm-12 HIER_DIRECT/127.0.0.1 ');
    expect(seen.join()).not.toContain('vm-12');
  });

  test('who has none may say it otherwise', async () => {
    expect(await ask(rig, undefined)).toMatch(/^HTTP\/1\.1 407 [\s\S]*Proxy-Authenticate: Basic realm="r"/);
    expect(await ask(rig, undefined, basic('alice', 'secret'))).toMatch(/^HTTP\/1\.1 200 /);
    expect((await rig.entries(3)).map(({ user, status }) => `${user} ${status}`)).toEqual([
      'vm-12 200',
      'undefined 407',
      'alice 200',
    ]);
  });

  test('a password outweighs it, and a wrong one makes nobody of it', async () => {
    expect(await ask(rig, vm, basic('alice', 'secret'))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(rig, vm, basic('alice', 'wrong'))).toMatch(/^HTTP\/1\.1 407 /);
    const [right, wrong] = (await rig.entries(5)).slice(-2);
    expect(right).toMatchObject({ user: 'alice', status: 200 });
    expect(wrong).toMatchObject({ status: 407, error: 'auth-failed' });
  });

  test.each([
    ['of another authority', other.leaf({ cn: 'vm-12', ...forClients })],
    ['that has expired', ca.leaf({ cn: 'vm-12', notAfter: '20200201000000Z', ...forClients })],
    ['for servers', ca.leaf({ cn: 'vm-12', san: 'DNS:vm-12' })],
  ])('MTLS-01: one %s is refused in words, and the log says why', async (_name, pair) => {
    const before = (await rig.entries(0)).length;
    expect(await ask(rig, pair)).toMatch(/^HTTP\/1\.1 403 [\s\S]*client-certificate/);
    const [entry] = (await rig.entries(before + 1)).slice(before);
    expect(entry).toMatchObject({ outcome: 'denied', status: 403, error: 'client-certificate' });
    expect(entry).not.toHaveProperty('user');
    expect(entry?.['error_detail']).toMatch(/\((?:X509_V_ERR_\w+|[\w-]+)\)$/);
    expect((await rig.lines(before + 1)).slice(before)).toEqual([
      'TCP_DENIED/403 N - error:transaction-end-before-headers - HIER_NONE/- text/html',
    ]);
  });
});

describe('where a certificate is required', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({
      hosts,
      policy: policy('staff'),
      auth: { groups: { staff: ['vm-12'] }, clientCertificates: { ...clientCertificates, mode: 'require' } },
    });
  });
  afterAll(() => rig.proxy.close(0));

  test('who has one comes in', async () => {
    expect(await ask(rig, vm)).toMatch(/^HTTP\/1\.1 200 /);
    await rig.entries(1);
  });

  test('MTLS-01: who has none does not, whatever it asks for', async () => {
    const tls = await secure(rig, undefined);
    tls.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const reply = await readAll(tls);
    expect(reply).toMatch(/^HTTP\/1\.1 403 [\s\S]*one is required here/);
    expect((await rig.entries(2))[1]).toMatchObject({ error: 'client-certificate', status: 403, outcome: 'denied' });
  });

  test.each([
    ['none', undefined, /^client-certificate: .*one is required here/],
    [
      'one of another authority',
      other.leaf({ cn: 'vm-12', ...forClients }),
      /^client-certificate: .*\(X509_V_ERR_\w+\)$/,
    ],
  ])('who speaks HTTP/2 and has %s is told so by a frame that it can read', async (_name, pair, says) => {
    const before = (await rig.entries(0)).length;
    const session = await h2ToProxy(rig, pair ?? {});
    const [code, last, data] = await once(session, 'goaway');
    expect([code, last, String(data)]).toEqual([constants.NGHTTP2_INADEQUATE_SECURITY, 0, expect.stringMatching(says)]);
    expect((await rig.entries(before + 1)).slice(before)).toMatchObject([
      { error: 'client-certificate', status: 403, outcome: 'denied', bytes: 26 + data.length },
    ]);
  });

  test('who comes without TLS is nobody, and there is nothing to challenge it with', async () => {
    const socket = await dialProxy(rig.port);
    socket.write(`CONNECT a.test:${origin.port} HTTP/1.1\r\nHost: a.test:${origin.port}\r\n\r\n`);
    const reply = await readAll(socket);
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(reply).not.toContain('Proxy-Authenticate');
    expect((await rig.entries(5))[4]).toMatchObject({
      tag: 'TCP_DENIED',
      error: 'client-certificate',
      rule: 'machines',
      refuse_by: 'authenticate',
    });
  });
});
