// The first bytes of a connection: HTTP and TLS on one port, silence, and what is neither.

import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { httpsOrigin } from '../support/origin.ts';
import { dialProxy, get, readAll, readUntil, startRig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

function tlsToProxy(port: number, options: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ...options }, () => resolve(socket));
    socket.on('error', reject);
  });
}

describe('TLS to the proxy itself, on the same port', () => {
  test('is answered with a leaf for its names and its address', async () => {
    const rig = await startRig({ names: ['proxy.example.com'] });
    const tls = await tlsToProxy(rig.port, { ca: rig.ca, servername: 'proxy.example.com' });
    expect(tls.getPeerX509Certificate()?.subjectAltName).toBe(
      'DNS:proxy.example.com, IP Address:127.0.0.1, DNS:localhost',
    );
    expect(await get(tls, 'proxy.example.com')).toContain('This is a Sallyport proxy');
  });

  test('carries a CONNECT, and a bumped tunnel inside it', async () => {
    const ca = new TestCa();
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) =>
      response.end('inside both'),
    );
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow' }] },
    });
    const outer = await tlsToProxy(rig.port, { ca: rig.ca, servername: 'localhost' });
    const authority = `ok.test:${origin.port}`;
    outer.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    expect(await readUntil(outer, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    const inner = await new Promise<TLSSocket>((resolve, reject) => {
      const socket = connectTls({ socket: outer, servername: 'ok.test', ca: rig.ca }, () => resolve(socket));
      socket.on('error', reject);
    });
    expect(await get(inner, authority)).toContain('inside both');
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/200 N GET https://${authority}/ - HIER_DIRECT/127.0.0.1 -`,
    ]);
    await origin.close();
  });

  test('with a client that does not trust us is told as such', async () => {
    const rig = await startRig();
    await expect(tlsToProxy(rig.port, { servername: 'localhost' })).rejects.toThrow();
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'client_rejected_certificate' });
  });
});

describe('a connection', () => {
  test('without a byte leaves one line', async () => {
    const rig = await startRig();
    (await dialProxy(rig.port)).end();
    expect(await rig.lines(1)).toEqual(['NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -']);
  });

  test('that stays silent is closed at the deadline', async () => {
    const rig = await startRig({ limits: { headerTimeout: 150 } });
    expect(await readAll(await dialProxy(rig.port))).toBe('');
    expect((await rig.entries(1))[0]).toMatchObject({ error: 'request-timeout', status: 0 });
  });

  test('whose header does not end in time is answered 408', async () => {
    const rig = await startRig({ limits: { headerTimeout: 200 } });
    const socket = await dialProxy(rig.port);
    socket.write('GET http://ok.test/ HTTP/1.1\r\nHost: ok');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'timed_out', error: 'request-timeout' });
  });

  test('reset at any moment costs nothing but itself', async () => {
    const rig = await startRig();
    const bytes = 'CONNECT sallyport.internal:443 HTTP/1.1\r\nHost: sallyport.internal\r\n\r\n\x16\x03\x01';
    for (let length = 0; length <= bytes.length; length += 1) {
      const socket = await dialProxy(rig.port);
      socket.write(bytes.slice(0, length));
      socket.resetAndDestroy();
    }
    await until(() => rig.proxy.connections === 0, 'all connections to end');
    const entries = await rig.entries(bytes.length + 1);
    expect(entries).toHaveLength(bytes.length + 1);
  });
});
