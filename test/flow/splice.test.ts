// Spliced tunnels: bytes untouched both ways, the client sees the origin's own certificate, one line at the end.

import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { httpsOrigin, tcpOrigin } from '../support/origin.ts';
import { connectThrough, get, readAll, startRig, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const policy = { rules: [{ name: 'pass', hosts: ['.test'], action: 'allow' as const, tls: 'splice' as const }] };
const hosts = { 'ok.test': '127.0.0.1', 'gone.test': '127.0.0.1' };

describe('a spliced tunnel', () => {
  test('shows the client the certificate of the origin itself', async () => {
    const pair = ca.leaf({ san: 'DNS:ok.test' });
    const origin = await httpsOrigin(pair, (_request, response) => response.end('straight'));
    const rig = await startRig({ policy, hosts });
    const authority = `ok.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: ca.root });
    expect(tls.getPeerX509Certificate()?.toString()).toBe(pair.cert);
    expect(await get(tls, authority)).toContain('straight');
    tls.destroy();
    expect(await rig.lines(1)).toEqual([`TCP_TUNNEL/200 N CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`]);
    expect((await rig.entries(1))[0]).toMatchObject({
      outcome: 'spliced',
      rule: 'pass',
      tls: 'splice',
      sni: 'ok.test',
    });
    await origin.close();
  });

  test('carries 32 MB each way unchanged', async () => {
    const block = randomBytes(1 << 20);
    const expected = createHash('sha256');
    for (let i = 0; i < 32; i += 1) expected.update(block);
    const digest = expected.digest('hex');
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => {
        response.setHeader('X-Digest', hash.digest('hex'));
        response.writeHead(200, { 'Content-Length': 32 << 20 });
        let sent = 0;
        const more = (): void => {
          while (sent < 32) {
            sent += 1;
            if (!response.write(block)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      });
    });
    const rig = await startRig({ policy, hosts });
    const authority = `ok.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: ca.root });
    tls.write(`POST / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\nContent-Length: ${32 << 20}\r\n\r\n`);
    for (let i = 0; i < 32; i += 1) tls.write(block);
    const reply = await readAll(tls);
    const at = reply.indexOf('\r\n\r\n') + 4;
    expect(reply.slice(0, at)).toContain(`X-Digest: ${digest}`);
    expect(
      createHash('sha256')
        .update(Buffer.from(reply.slice(at), 'latin1'))
        .digest('hex'),
    ).toBe(digest);
    await origin.close();
  });

  test('lets one direction end while the other still flows', async () => {
    const origin = await tcpOrigin((socket) => {
      let got = '';
      socket.on('data', (chunk) => {
        got += chunk.toString();
      });
      socket.once('end', () => socket.end(`you said ${got.length} bytes`));
    });
    const rig = await startRig({
      policy: { rules: [{ name: 'raw', hosts: ['.test'], action: 'allow', tls: 'tunnel' }] },
      hosts,
    });
    const { socket } = await connectThrough(rig.port, `ok.test:${origin.port}`);
    socket.end('hello');
    expect(await readAll(socket)).toBe('you said 5 bytes');
    expect((await rig.lines(2))[1]).toMatch(/^TCP_TUNNEL\/200 16|^TCP_TUNNEL\/200 N/);
    await origin.close();
  });

  test('waits for the answer to a client that has ended its half, longer than for one without a tunnel', async () => {
    const origin = await tcpOrigin((socket) => {
      socket.resume();
      socket.once('end', () => setTimeout(() => socket.end('late'), 6_000));
    });
    const rig = await startRig({
      policy: { rules: [{ name: 'raw', hosts: ['.test'], action: 'allow', tls: 'tunnel' }] },
      hosts,
    });
    const { socket } = await connectThrough(rig.port, `ok.test:${origin.port}`);
    socket.end('question');
    expect(await readAll(socket)).toBe('late');
    await origin.close();
  });

  test('in which no byte moves is closed at the idle deadline', async () => {
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end());
    const rig = await startRig({ policy, hosts, limits: { tunnelIdleTimeout: 200 } });
    const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: ca.root });
    expect(await readAll(tls)).toBe('');
    expect((await rig.lines(1))[0]).toMatch(/^TCP_TUNNEL_TIMEDOUT\/200 N CONNECT/);
    await origin.close();
  });

  test('to an origin that refuses is told with its address and status 503', async () => {
    const gone = await tcpOrigin(() => undefined);
    await gone.close();
    const rig = await startRig({ policy, hosts });
    await expect(tlsThrough(rig.port, `gone.test:${gone.port}`, {})).rejects.toThrow();
    expect(await rig.lines(1)).toEqual([`NONE_NONE/503 0 CONNECT gone.test:${gone.port} - HIER_DIRECT/127.0.0.1 -`]);
  });

  test('that the origin breaks off is marked as aborted', async () => {
    const origin = await tcpOrigin((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const rig = await startRig({ policy, hosts });
    await expect(tlsThrough(rig.port, `ok.test:${origin.port}`, {})).rejects.toThrow();
    expect((await rig.lines(1))[0]).toMatch(/^TCP_TUNNEL_ABORTED\/200 /);
    await origin.close();
  });
});
