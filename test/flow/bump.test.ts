// Bumped tunnels, whole: real sockets, a real origin, the lines that are left.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { connectThrough, get, openRig, type Rig, readAll, startRig, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const allowAll = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const }] };

describe('a bumped tunnel', () => {
  let origin: Origin;
  let rig: Rig;

  beforeAll(async () => {
    const pair = ca.leaf({ san: 'DNS:ok.test,DNS:*.wild.test,IP:127.0.0.1' });
    origin = await httpsOrigin(pair, (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end(`${request.method} ${request.url} ${request.headers.host} via ${request.headers.via}`);
    });
    rig = await openRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1', 'a.wild.test': '127.0.0.1' },
      policy: { rules: [...allowAll.rules, { name: 'ip', hosts: ['127.0.0.1'], action: 'allow' }] },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await origin.close();
  });

  test('carries a request to the origin, and leaves two lines', async () => {
    const authority = `ok.test:${origin.port}`;
    const before = (await rig.lines(0)).length;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const reply = await get(tls, authority, '/a?secret=1');
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply).toContain(`GET /a?secret=1 ${authority} via 1.1 sallyport`);
    expect((await rig.lines(before + 2)).slice(before)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/200 N GET https://${authority}/a? - HIER_DIRECT/127.0.0.1 text/plain`,
    ]);
  });

  test('counts the bytes of the reply as the client got them', async () => {
    const authority = `ok.test:${origin.port}`;
    const before = (await rig.entries(0)).length;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const reply = await get(tls, authority);
    const entries = (await rig.entries(before + 2)).slice(before);
    expect(entries[1]).toMatchObject({ bytes: reply.length, outcome: 'forwarded', rule: 'all', method: 'GET' });
    expect(entries[0]).toMatchObject({
      outcome: 'bumped',
      tls: 'bump',
      sni: 'ok.test',
      client_tls: { version: 'TLSv1.3' },
    });
  });

  test('shows a leaf for the asked name below our CA', async () => {
    const tls = await tlsThrough(rig.port, `a.wild.test:${origin.port}`, { ca: rig.ca });
    const leaf = tls.getPeerX509Certificate();
    expect(leaf?.subjectAltName).toBe('DNS:a.wild.test');
    expect(leaf?.verify(new X509Certificate(rig.ca).publicKey)).toBe(true);
    tls.destroy();
  });

  test('takes an address as its name, without a server name', async () => {
    const authority = `127.0.0.1:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, servername: '' });
    expect(tls.getPeerX509Certificate()?.subjectAltName).toBe('IP Address:127.0.0.1');
    expect(await get(tls, authority)).toMatch(/^HTTP\/1\.1 200/);
  });

  test('serves many requests one after another on one tunnel and one connection to the origin', async () => {
    const authority = `ok.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const accepted = origin.accepted;
    const before = (await rig.lines(0)).length;
    let got = '';
    tls.on('data', (chunk: Buffer) => {
      got += chunk.toString();
    });
    for (let i = 0; i < 20; i += 1) {
      tls.write(`GET /${i} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      await until(() => got.includes(`GET /${i} `), `reply ${i}`);
    }
    tls.destroy();
    expect(origin.accepted).toBe(accepted);
    expect((await rig.lines(before + 21)).slice(before).filter((line) => line.includes(' GET '))).toHaveLength(20);
  });

  test('gives an RSA leaf to a client that cannot take ECDSA', async () => {
    const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, {
      ca: rig.ca,
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
    });
    expect(tls.getPeerX509Certificate()?.publicKey.asymmetricKeyType).toBe('rsa');
    expect(tls.getCipher().name).toBe('ECDHE-RSA-AES128-GCM-SHA256');
    tls.destroy();
  });
});

describe('a client that rejects our certificate', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('by an alert in %s is told apart from success', async (version) => {
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy: allowAll });
    const authority = `ok.test:${origin.port}`;
    await expect(tlsThrough(rig.port, authority, { maxVersion: version })).rejects.toThrow();
    expect(await rig.lines(1)).toEqual([`NONE_NONE_ABORTED/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`]);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'client_rejected_certificate' });
    await origin.close();
  });

  test('by closing after the handshake without a byte is suspected', async () => {
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy: allowAll });
    const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: rig.ca });
    // A session ticket comes only when the proxy, too, has seen the end of the handshake.
    await once(tls, 'session');
    tls.destroy();
    expect((await rig.entries(1))[0]).toMatchObject({
      outcome: 'client_rejected_certificate',
      confidence: 'suspected',
    });
    await origin.close();
  });

  test('is not meant by one that has sent the begin of a request and then closes, however often', async () => {
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
      onReject: 'splice',
    });
    for (let i = 1; i <= 4; i += 1) {
      const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: rig.ca });
      tls.end('GET / HTTP/1.1\r\nHo');
      expect((await rig.entries(i)).at(-1)).toMatchObject({ method: 'CONNECT', outcome: 'bumped', tls: 'bump' });
    }
    await origin.close();
  });
});

describe('an origin that fails', () => {
  const cases = [
    {
      name: 'self-signed',
      pair: () => ca.selfSigned('DNS:bad.test'),
      error: 'upstream-certificate',
      says: 'DEPTH_ZERO_SELF_SIGNED',
    },
    {
      name: 'for another name',
      pair: () => ca.leaf({ san: 'DNS:other.test', cn: 'bad.test' }),
      error: 'upstream-name',
      says: 'other.test',
    },
    {
      name: 'without a subjectAltName',
      pair: () => ca.leaf({ cn: 'bad.test' }),
      error: 'upstream-name',
      says: 'bad.test',
    },
    {
      name: 'expired',
      pair: () => ca.leaf({ san: 'DNS:bad.test', notAfter: '20210101000000Z' }),
      error: 'upstream-certificate',
      says: 'EXPIRED',
    },
  ];
  test.each(cases)(
    '$name: the client gets a readable page over a leaf of ours, the origin no request',
    async ({ pair, error, says }) => {
      let asked = 0;
      const origin = await httpsOrigin(pair(), (_request, response) => {
        asked += 1;
        response.end();
      });
      const rig = await startRig({ trust: [ca.rootFile], hosts: { 'bad.test': '127.0.0.1' }, policy: allowAll });
      const authority = `bad.test:${origin.port}`;
      const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
      expect(reply).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
      expect(reply).toContain('X-Squid-Error: ERR_SECURE_CONNECT_FAIL');
      expect(reply).toContain(says);
      expect(asked).toBe(0);
      expect(await rig.lines(2)).toEqual([
        `NONE_NONE/200 0 CONNECT ${authority} - HIER_NONE/- -`,
        `NONE_NONE/503 N GET https://${authority}/ - HIER_NONE/- text/html`,
      ]);
      expect((await rig.entries(2))[1]).toMatchObject({ error, outcome: 'failed' });
      await origin.close();
    },
  );

  test('refusing the connection is told with its address', async () => {
    const gone = await tcpOrigin(() => undefined);
    await gone.close();
    const rig = await startRig({ trust: [ca.rootFile], hosts: { 'gone.test': '127.0.0.1' }, policy: allowAll });
    const authority = `gone.test:${gone.port}`;
    const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
    expect(reply).toMatch(/^HTTP\/1\.1 503 /);
    expect(reply).toContain('X-Squid-Error: ERR_CONNECT_FAIL');
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`,
      `NONE_NONE/503 N GET https://${authority}/ - HIER_NONE/- text/html`,
    ]);
  });

  test('a name that does not resolve is told inside the tunnel', async () => {
    const rig = await startRig({ trust: [ca.rootFile], policy: allowAll, limits: { connectTimeout: 500 } });
    const reply = await get(await tlsThrough(rig.port, 'nowhere.test:443', { ca: rig.ca }), 'nowhere.test');
    expect(reply).toMatch(/^HTTP\/1\.1 50[34] /);
    expect(reply).toContain('X-Squid-Error: ERR_DNS_FAIL');
  });
});

describe('a client that goes away', () => {
  test('by ending its half before the handshake has left, and rejects nothing', async () => {
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy: allowAll });
    const { socket } = await connectThrough(rig.port, `ok.test:${origin.port}`);
    socket.end(hello({ extensions: [extension(0, hostNames('ok.test'))] }));
    expect(await readAll(socket)).toBe('');
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'aborted', error: 'client-aborted', status: 200 });
    await origin.close();
  });

  test('after CONNECT, before a hello, leaves an aborted line', async () => {
    const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy: allowAll });
    const { socket } = await connectThrough(rig.port, 'ok.test:443');
    socket.destroy();
    expect(await rig.lines(1)).toEqual(['NONE_NONE_ABORTED/200 0 CONNECT ok.test:443 - HIER_NONE/- -']);
  });

  test('or says nothing, is closed at the deadline', async () => {
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: allowAll,
      limits: { handshakeTimeout: 150 },
    });
    const { socket } = await connectThrough(rig.port, 'ok.test:443');
    expect(await readAll(socket)).toBe('');
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'timed_out', error: 'hello-timeout', status: 200 });
  });
});
