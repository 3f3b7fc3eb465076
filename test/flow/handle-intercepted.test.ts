// Connections that a firewall has turned around to us: what they begin with decides how they go on, and never in a circle.

import { createConnection } from 'node:net';
import { describe, expect, test } from 'vitest';
import { httpOrigin, tcpOrigin } from '../support/origin.ts';
import { lineHeader, TOLD } from '../support/proxy-header.ts';
import { dialProxy, readAll, say, startRig, WORKERS } from '../support/rig.ts';
import { closedPort } from '../support/socket-pair.ts';

const NO_REQUEST = 'error:transaction-end-before-headers';
const port = await closedPort();
const TRANSPARENT = { transparent: { httpsPort: port, httpPort: port } };

describe('plain HTTP', () => {
  test('goes to the host of its Host, at the port of the listener unless it names one', async () => {
    const seen: string[] = [];
    const origin = await httpOrigin((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.end('by Host');
    });
    const rig = await startRig({
      hosts: { 'ok.test': '127.0.0.1' },
      listen: { transparent: { httpsPort: 443, httpPort: origin.port } },
      policy: { rules: [{ name: 'all', urls: [`http://ok.test:${origin.port}/a/**`], action: 'allow' }] },
    });
    for (const host of ['ok.test', `OK.test:${origin.port}`]) {
      const reply = await say(rig.port, `GET /a/b?c HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(reply).toContain('by Host');
    }
    expect(seen).toEqual([`GET /a/b?c ok.test:${origin.port}`, `GET /a/b?c ok.test:${origin.port}`]);
    expect(await rig.lines(2)).toEqual([
      `TCP_MISS/200 N GET http://ok.test:${origin.port}/a/b? - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/200 N GET http://ok.test:${origin.port}/a/b? - HIER_DIRECT/127.0.0.1 -`,
    ]);
    await origin.close();
  });

  test('keeps its connection, and each request goes by its own Host', async () => {
    const origin = await httpOrigin((request, response) => response.end(`for ${request.headers.host}`));
    const rig = await startRig({
      hosts: { 'a.test': '127.0.0.1', 'b.test': '127.0.0.1' },
      listen: { transparent: { httpsPort: 443, httpPort: origin.port } },
      policy: { rules: [{ name: 'a', hosts: ['a.test'], action: 'allow' }] },
    });
    const replies = await say(
      rig.port,
      'GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n',
    );
    expect(replies).toContain(`for a.test:${origin.port}`);
    expect(replies).toMatch(/HTTP\/1\.1 403 /);
    expect(await rig.lines(2)).toEqual([
      `TCP_MISS/200 N GET http://a.test:${origin.port}/1 - HIER_DIRECT/127.0.0.1 -`,
      `TCP_DENIED/403 N GET http://b.test:${origin.port}/2 - HIER_NONE/- text/html`,
    ]);
    expect(origin.accepted).toBe(1);
    await origin.close();
  });

  test('to the self-test host is answered by us, and is no way to our own pages otherwise', async () => {
    const rig = await startRig({ listen: TRANSPARENT });
    const own = 'GET / HTTP/1.1\r\nHost: sallyport.internal\r\nConnection: close\r\n\r\n';
    expect(await say(rig.port, own)).toContain('"proxied":true');
    expect(await say(rig.port, own.replace('sallyport.internal', '127.0.0.1'))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test.each([
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, /No Host/],
    ['no Host, of HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 400, /No Host/],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n', 400, /More than one Host/],
    ['a Host that is none', 'GET / HTTP/1.1\r\nHost: 127.1\r\n\r\n', 400, /Malformed Host/],
    ['CONNECT', 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n', 400, /CONNECT on a transparent listener/],
    ['an https URL', 'GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, /An https URL on a transparent/],
    ['a URL of another host', 'GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 400, /Host differs/],
    ['a host that no rule allows', 'GET / HTTP/1.1\r\nHost: b.test\r\n\r\n', 403, undefined],
    ['a private address', 'GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n', 403, /private/],
    ['our own Via', 'GET / HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 sallyport\r\n\r\n', 508, /Our own Via/],
  ])('with %s is refused', async (_name, bytes, status, detail) => {
    const rig = await startRig({
      hosts: { 'a.test': '127.0.0.1' },
      listen: TRANSPARENT,
      policy: { rules: [{ name: 'some', hosts: ['a.test', '10.0.0.1'], action: 'allow' }] },
    });
    const socket = await dialProxy(rig.port);
    socket.end(bytes);
    expect(await readAll(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ status });
    if (detail) expect(entry?.['error_detail']).toMatch(detail);
  });

  test('in absolute form goes where the URL says', async () => {
    const origin = await httpOrigin((_request, response) => response.end('absolute'));
    const rig = await startRig({
      hosts: { 'a.test': '127.0.0.1' },
      listen: TRANSPARENT,
      policy: { rules: [{ name: 'a', hosts: ['a.test'], action: 'allow' }] },
    });
    const at = `a.test:${origin.port}`;
    const request = `GET http://${at}/ HTTP/1.1\r\nHost: ${at}\r\nConnection: close\r\n\r\n`;
    expect(await say(rig.port, request)).toContain('absolute');
    await origin.close();
  });
});

describe('an intercepted connection', () => {
  test('without a byte leaves one line, and so does one that says nothing in time', async () => {
    const rig = await startRig({ listen: TRANSPARENT, limits: { headerTimeout: 50 } });
    const socket = await dialProxy(rig.port);
    socket.end();
    await readAll(socket);
    const silent = await dialProxy(rig.port);
    expect(await readAll(silent)).toBe('');
    expect(await rig.lines(2)).toEqual(Array(2).fill(`NONE_NONE/000 0 - ${NO_REQUEST} - HIER_NONE/- -`));
    expect((await rig.entries(2)).map(({ error }) => error)).toEqual([undefined, 'request-timeout']);
  });

  test('that is neither TLS nor HTTP is answered 400', async () => {
    const rig = await startRig({ listen: TRANSPARENT });
    expect(await say(rig.port, 'SSH-2.0-x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await rig.lines(1)).toEqual(['NONE_NONE/400 N - error:invalid-request - HIER_NONE/- text/html']);
  });

  // Each worker has its share, and which of them a connection falls to is the system's choice.
  test.skipIf(WORKERS > 1)('counts for the share of its client', async () => {
    const rig = await startRig({ listen: TRANSPARENT, limits: { connectionsPerClient: 1 } });
    const held = await dialProxy(rig.port);
    held.write('GET / HTTP/1.1\r\n');
    const refused = await say(rig.port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect(refused).toMatch(/^HTTP\/1\.1 429 /);
    held.destroy();
  });
});

// A worker knows its own, and this one may come back to another.
test.skipIf(WORKERS > 1)(
  'our own connection that comes back to us is cut at once, and the line says how to mend it',
  async () => {
    const rig = await startRig({
      hosts: { 'a.test': '127.0.0.1' },
      listen: { proxyProtocol: { from: ['127.0.0.1'] }, transparent: { httpsPort: 443, httpPort: 80 } },
      policy: { rules: [{ name: 'a', hosts: ['a.test'], action: 'allow' }] },
      // By which such a request would be known, too.
      via: undefined,
    });
    // Stands for a firewall: the proxy sees the connection come from where it has dialled.
    const firewall = await tcpOrigin((near) => {
      const back = createConnection({ host: '127.0.0.1', port: rig.port });
      back.on('error', () => near.destroy()).on('close', () => near.destroy());
      back.write(lineHeader({ from: '127.0.0.1', fromPort: near.remotePort ?? 0, to: '127.0.0.1', toPort: 80 }));
      near.pipe(back).pipe(near);
    });
    const request = `GET / HTTP/1.1\r\nHost: a.test:${firewall.port}\r\nConnection: close\r\n\r\n`;
    expect(await say(rig.port, `${lineHeader()}${request}`)).toMatch(/^HTTP\/1\.1 502 /);
    const entries = await rig.entries(2);
    expect(entries).toEqual([
      expect.objectContaining({
        client: '127.0.0.1',
        error: 'loop',
        error_detail: expect.stringMatching(/leave out those of the proxy's user/),
      }),
      expect.objectContaining({ client: TOLD.from, error: 'response-aborted' }),
    ]);
    expect(firewall.accepted).toBe(1);
    await firewall.close();
  },
);
