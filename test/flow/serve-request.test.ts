// Requests, plain and decrypted, from the first byte to the log line.

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import {
  connectThrough,
  dialProxy,
  get,
  openRig,
  type Rig,
  readAll,
  readUntil,
  say,
  startRig,
  tlsThrough,
  until,
} from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const hosts = { 'ok.test': '127.0.0.1', 'gone.test': '127.0.0.1', 'private.test': '10.0.0.1' };

function echo(): RequestListener {
  return (request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method: request.method, url: request.url, raw: request.rawHeaders }));
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a plain request', () => {
  let origin: Origin;
  let rig: Rig;
  let lines = 0;
  const next = async (count: number): Promise<string[]> => {
    const all = await rig.lines(lines + count);
    const fresh = all.slice(lines);
    lines = all.length;
    return fresh;
  };

  beforeAll(async () => {
    origin = await httpOrigin(echo());
    rig = await openRig({
      hosts,
      policy: {
        rules: [
          { name: 'api', urls: [`http://ok.test:${origin.port}/api/**`], methods: ['GET', 'HEAD'], action: 'allow' },
          { name: 'others', hosts: ['gone.test', 'private.test'], action: 'allow' },
        ],
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await origin.close();
  });

  const ask = (url: string, extra = '', method = 'GET'): Promise<string> =>
    say(
      rig.port,
      `${method} ${url} HTTP/1.1\r\nHost: ${/^http:\/\/([^/]*)/.exec(url)?.[1]}\r\nConnection: close\r\n${extra}\r\n`,
    );

  test('goes to the origin in origin-form, with Host and Via of ours and without what belongs to the hop', async () => {
    const extra =
      'Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: gzip\r\nX-Keep: 1\r\nCookie: a=b\r\n';
    const reply = await ask(`http://ok.test:${origin.port}/api/x?y=1`, extra);
    const told = JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4));
    expect(told.url).toBe('/api/x?y=1');
    expect(told.raw).toEqual([
      'host',
      `ok.test:${origin.port}`,
      'connection',
      'keep-alive',
      'X-Keep',
      '1',
      'Cookie',
      'a=b',
      'Via',
      '1.1 sallyport',
    ]);
    expect(reply).toMatch(/\r\nVia: 1\.1 sallyport\r\n/);
    expect(await next(1)).toEqual([
      `TCP_MISS/200 N GET http://ok.test:${origin.port}/api/x? - HIER_DIRECT/127.0.0.1 application/json`,
    ]);
  });

  test('is decided on the normal form of its path, and that form goes upstream', async () => {
    expect(await ask(`http://ok.test:${origin.port}/%61pi/./a/../b`)).toContain('"url":"/api/b"');
    expect(await ask(`http://ok.test:${origin.port}/api/../secret`)).toMatch(/^HTTP\/1\.1 403 /);
    expect((await next(2))[1]).toBe(
      `TCP_DENIED/403 N GET http://ok.test:${origin.port}/secret - HIER_NONE/- text/html`,
    );
  });

  test('that no rule allows gets a page which names the rule, escaped', async () => {
    const reply = await ask('http://no.test/a', 'User-Agent: <script>\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(reply).toContain('<dt>Rule</dt><dd>default</dd>');
    expect(reply).not.toContain('<script>');
    expect(await next(1)).toEqual(['TCP_DENIED/403 N GET http://no.test/a - HIER_NONE/- text/html']);
  });

  test('with a method that the rule does not name is denied', async () => {
    expect(await ask(`http://ok.test:${origin.port}/api/x`, 'Content-Length: 0\r\n', 'DELETE')).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    await next(1);
  });

  test('to an address that must not be dialled is denied', async () => {
    expect(await ask('http://private.test/')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await next(1)).toEqual(['TCP_DENIED/403 N GET http://private.test/ - HIER_NONE/- text/html']);
  });

  test('to an origin that refuses is answered 503 with its address in the log', async () => {
    const gone = await tcpOrigin(() => undefined);
    await gone.close();
    expect(await ask(`http://gone.test:${gone.port}/`)).toMatch(/^HTTP\/1\.1 503 /);
    expect(await next(1)).toEqual([
      `TCP_MISS/503 N GET http://gone.test:${gone.port}/ - HIER_DIRECT/127.0.0.1 text/html`,
    ]);
  });

  test('of HEAD has a length and no body', async () => {
    const reply = await ask(`http://ok.test:${origin.port}/api/x`, '', 'HEAD');
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply.endsWith('\r\n\r\n')).toBe(true);
    await next(1);
  });

  test('of HTTP/1.0 is answered without chunks and closed', async () => {
    const reply = await say(rig.port, `GET http://ok.test:${origin.port}/api/x HTTP/1.0\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply).not.toMatch(/chunked/i);
    await next(1);
  });

  test.each([
    ['two Hosts', 'GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nHost: ok.test\r\n\r\n', 400],
    ['another Host than its URL', 'GET http://ok.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n', 400],
    ['no Host', 'GET http://ok.test/ HTTP/1.1\r\n\r\n', 400],
    [
      'Transfer-Encoding and Content-Length',
      'POST http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'an unknown Transfer-Encoding',
      'POST http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: xchunked\r\n\r\n',
      400,
    ],
    ['a fragment', 'GET http://ok.test/#a HTTP/1.1\r\nHost: ok.test\r\n\r\n', 400],
    ['user information', 'GET http://u:p@ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n', 400],
    ['101 fields', `GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n${'A: b\r\n'.repeat(100)}\r\n`, 431],
    ['a header of 70 KB', `GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`, 431],
    ['a space before the colon', 'GET http://ok.test/ HTTP/1.1\r\nHost : ok.test\r\n\r\n', 400],
    ['garbage', '\x01\x02\x03\r\n\r\n', 400],
    ['an unknown expectation', 'GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nExpect: magic\r\n\r\n', 417],
  ])('with %s is refused, with one line', async (_name, bytes, status) => {
    const accepted = origin.accepted;
    expect(await say(rig.port, bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const [line] = await next(1);
    expect(line).toMatch(new RegExp(`^NONE_NONE/${status} N \\S+ \\S+ - HIER_NONE/- text/html$`));
    expect(origin.accepted).toBe(accepted);
  });

  test('pipelined behind others is answered in order, one line each', async () => {
    const socket = await dialProxy(rig.port);
    const url = `http://ok.test:${origin.port}/api/`;
    let bytes = '';
    for (let i = 0; i < 30; i += 1)
      bytes += `GET ${i % 3 === 2 ? 'http://no.test/' : url}${i} HTTP/1.1\r\nHost: ${i % 3 === 2 ? 'no.test' : `ok.test:${origin.port}`}\r\n\r\n`;
    socket.end(bytes.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n'));
    const reply = await readAll(socket);
    expect(reply.match(/HTTP\/1\.1 \d+/g)).toEqual(
      Array.from({ length: 30 }, (_, i) => `HTTP/1.1 ${i % 3 === 2 ? 403 : 200}`),
    );
    expect((await next(30)).filter((line) => line.startsWith('TCP_DENIED/403'))).toHaveLength(10);
    const sizes = (await rig.entries(lines)).slice(-30).map((entry) => Number(entry['bytes']));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(reply.length);
  });
});

describe('OPTIONS for all of an origin', () => {
  const policy = { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow' as const }] };
  const heads: string[] = [];
  const note: RequestListener = (request, response) => {
    heads.push(`${request.method} ${request.url} ${request.headers['max-forwards']}`);
    response.writeHead(204).end();
  };

  test('goes out as an asterisk, from a tunnel and from a URL without a path', async () => {
    const [plain, secure] = [await httpOrigin(note), await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), note)];
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const url = `http://ok.test:${plain.port}`;
    const ask = (target: string, host: string, extra = '') =>
      `OPTIONS ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${extra}\r\n`;
    const through = async (words: string) => {
      const tls = await tlsThrough(rig.port, `ok.test:${secure.port}`, { ca: rig.ca });
      tls.write(words);
      return readAll(tls);
    };
    const host = `ok.test:${secure.port}`;
    expect(await through(ask('*', host))).toMatch(/^HTTP\/1\.1 204 /);
    expect(await through(ask(`https://${host}`, host, 'Max-Forwards: 2\r\n'))).toMatch(/^HTTP\/1\.1 204 /);
    expect(await say(rig.port, ask(url, new URL(url).host))).toMatch(/^HTTP\/1\.1 204 /);
    expect(await say(rig.port, ask(`${url}/`, new URL(url).host))).toMatch(/^HTTP\/1\.1 204 /);
    expect(heads.splice(0)).toEqual([
      'OPTIONS * undefined',
      'OPTIONS * 1',
      'OPTIONS * undefined',
      'OPTIONS / undefined',
    ]);
    // As its last recipient we answer, and the origin hears nothing.
    expect(await through(ask('*', host, 'Max-Forwards: 0\r\n'))).toMatch(/^HTTP\/1\.1 200 /);
    expect(heads).toEqual([]);
    expect((await rig.lines(8)).filter((line) => line.includes('OPTIONS'))).toEqual([
      `TCP_MISS/204 N OPTIONS https://${host} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/204 N OPTIONS https://${host} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/204 N OPTIONS ${url} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_MISS/204 N OPTIONS ${url}/ - HIER_DIRECT/127.0.0.1 -`,
      `NONE_NONE/200 N OPTIONS https://${host} - HIER_NONE/- text/plain`,
    ]);
    await Promise.all([plain.close(), secure.close()]);
  });

  test('is decided as its path / would be', async () => {
    const rig = await startRig({
      hosts,
      policy: { rules: [{ name: 'api', urls: ['http://ok.test/api/**'], action: 'allow' }] },
    });
    const reply = await say(rig.port, 'OPTIONS http://ok.test HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'denied', rule: 'default' });
  });

  test.each(['', 'Max-Forwards: 0\r\n'])(
    'that is for the proxy itself is answered, and is one line (%j)',
    async (extra) => {
      const rig = await startRig({ hosts, policy });
      const words = `OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${rig.port}\r\nConnection: close\r\n${extra}\r\n`;
      expect(await say(rig.port, words)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(await rig.lines(1)).toEqual(['NONE_NONE/200 N OPTIONS * - HIER_NONE/- text/plain']);
      expect(await say(rig.port, words.replace('OPTIONS', 'GET'))).toMatch(/^HTTP\/1\.1 400 /);
    },
  );
});

describe('an origin that asks for credentials of a proxy, by a 407', () => {
  const asking: RequestListener = (_request, response) =>
    void response.writeHead(407, { 'Proxy-Authenticate': 'Basic realm="give"' }).end('who');
  const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const }] };

  test('is not passed on to a client that would take it for us', async () => {
    const [plain, secure] = [await httpOrigin(asking), await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), asking)];
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    for (const url of [`http://ok.test:${plain.port}/`, `https://ok.test:${secure.port}/`]) {
      const words = `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`;
      const reply = await say(rig.port, words);
      expect(reply).toMatch(/^HTTP\/1\.1 502 /);
      expect(reply).not.toMatch(/proxy-authenticate|realm/i);
      expect(reply).toContain('<dt>Code</dt><dd>response-malformed</dd>');
    }
    expect(await rig.entries(2)).toMatchObject([
      { status: 502, error: 'response-malformed', outcome: 'failed', hierarchy: 'HIER_DIRECT' },
      { status: 502, error: 'response-malformed', outcome: 'failed', hierarchy: 'HIER_DIRECT' },
    ]);
    await Promise.all([plain.close(), secure.close()]);
  });

  test('is passed on within a tunnel, where nobody else can be meant', async () => {
    const secure = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), asking);
    const rig = await startRig({ trust: [ca.rootFile], hosts, policy });
    const authority = `ok.test:${secure.port}`;
    expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toMatch(/^HTTP\/1\.1 407 /);
    await secure.close();
  });
});

describe('a request on the port itself', () => {
  test.each([
    ['/', 200, 'text/html'],
    ['/ca.pem', 200, 'application/x-pem-file'],
    ['/ca.der', 200, 'application/x-x509-ca-cert'],
    ['/ca.p12', 200, 'application/x-pkcs12'],
    ['/proxy.pac', 200, 'application/x-ns-proxy-autoconfig'],
    ['/nothing', 400, 'text/html'],
  ])('for %s is answered %i', async (path, status, type) => {
    const rig = await startRig();
    const socket = await dialProxy(rig.port);
    const reply = await get(socket, `127.0.0.1:${rig.port}`, path);
    expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(await rig.lines(1)).toEqual([`NONE_NONE/${status} N GET ${path} - HIER_NONE/- ${type}`]);
    if (path === '/ca.pem') expect(reply).toContain(rig.ca.trim());
    if (path === '/proxy.pac') expect(reply).toContain(`PROXY 127.0.0.1:${rig.port}`);
  });
});

describe('the self-test host', () => {
  test('answers with JSON, whatever the policy', async () => {
    const rig = await startRig();
    const tls = await tlsThrough(rig.port, 'sallyport.internal:443', { ca: rig.ca });
    const reply = await get(tls, 'sallyport.internal');
    const report = JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4));
    expect(report).toMatchObject({ proxied: true, decrypted: true, trusted: true, client: '127.0.0.1' });
    expect(report.tls.client.version).toBe('TLSv1.3');
    expect(await rig.lines(2)).toEqual([
      'NONE_NONE/200 0 CONNECT sallyport.internal:443 - HIER_NONE/- -',
      'NONE_NONE/200 N GET https://sallyport.internal/ - HIER_NONE/- application/json',
    ]);
  });

  test('says over plain http that nothing was decrypted', async () => {
    const rig = await startRig();
    const reply = await say(
      rig.port,
      'GET http://sallyport.internal/ HTTP/1.1\r\nHost: sallyport.internal\r\nConnection: close\r\n\r\n',
    );
    expect(reply).toContain('"decrypted":false');
  });
});

describe('a decrypted request', () => {
  let origin: Origin;
  let rig: Rig;
  let authority = '';
  let handler: RequestListener = echo();

  beforeAll(async () => {
    origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (request, response) => handler(request, response));
    authority = `ok.test:${origin.port}`;
    rig = await openRig({
      hosts,
      trust: [ca.rootFile],
      limits: { responseTimeout: 1_500, bodyTimeout: 400 },
      policy: {
        rules: [
          { name: 'not the secret', urls: [`https://${authority}/secret/**`], action: 'deny' },
          { name: 'rest', hosts: ['ok.test'], action: 'allow' },
        ],
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await origin.close();
  });

  const open = () => tlsThrough(rig.port, authority, { ca: rig.ca });
  const last = async (count: number) => {
    const before = (await rig.lines(0)).length;
    return async () => (await rig.lines(before + count)).slice(before);
  };

  test('to a URL that a rule denies gets the page, its neighbour on the same tunnel the origin', async () => {
    handler = echo();
    const fresh = await last(3);
    const tls = await open();
    tls.write(`GET /secret/a HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    expect(await readUntil(tls, '</html>\n')).toMatch(/^HTTP\/1\.1 403 Forbidden/);
    expect(await get(tls, authority, '/open')).toContain('"url":"/open"');
    expect(await fresh()).toEqual([
      `NONE_NONE/200 0 CONNECT ${authority} - HIER_DIRECT/127.0.0.1 -`,
      `TCP_DENIED/403 N GET https://${authority}/secret/a - HIER_NONE/- text/html`,
      `TCP_MISS/200 N GET https://${authority}/open - HIER_DIRECT/127.0.0.1 application/json`,
    ]);
  });

  test.each([
    ['another Host', (host: string) => `GET / HTTP/1.1\r\nHost: evil.test\r\nX: ${host}\r\n\r\n`],
    ['an absolute URL elsewhere', () => 'GET https://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n'],
    [
      'an absolute URL beside the right Host',
      (host: string) => `GET https://evil.test/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    ],
    ['plain http in its URL', (host: string) => `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ])('with %s is answered 421 and goes nowhere', async (_name, bytes) => {
    let asked = 0;
    handler = (_request, response) => {
      asked += 1;
      response.end();
    };
    const tls = await open();
    tls.write(bytes(authority));
    expect(await readAll(tls)).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n/);
    expect(asked).toBe(0);
  });

  test('with a body of known length, of chunks, or after 100-continue arrives whole', async () => {
    handler = async (request, response) => {
      const body = await bodyOf(request);
      response.end(
        JSON.stringify({
          length: request.headers['content-length'],
          digest: createHash('sha256').update(body).digest('hex'),
        }),
      );
    };
    const body = randomBytes(300_000);
    const digest = createHash('sha256').update(body).digest('hex');
    for (const kind of ['length', 'chunked', 'continue']) {
      const tls = await open();
      const framing = kind === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
      const expectation = kind === 'continue' ? '\r\nExpect: 100-continue' : '';
      tls.write(
        `POST /${kind} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${framing}${expectation}\r\n\r\n`,
      );
      if (kind === 'continue') expect(await readUntil(tls, '\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
      if (kind === 'chunked')
        tls.write(Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]));
      else tls.write(body);
      const reply = await readAll(tls);
      expect(reply).toContain(digest);
      if (kind !== 'chunked') expect(reply).toContain(`"length":"${body.length}"`);
    }
  });

  test('whose client goes away before the reply is told with status 000', async () => {
    const arrived = Promise.withResolvers<void>();
    handler = () => arrived.resolve();
    const fresh = await last(2);
    const { socket } = await connectThrough(rig.port, authority);
    const tls = connectTls({ socket, servername: 'ok.test', ca: rig.ca });
    tls.on('error', () => undefined);
    tls.write(`GET /slow HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await arrived.promise;
    socket.resetAndDestroy();
    expect((await fresh())[1]).toBe(`TCP_MISS_ABORTED/000 0 GET https://${authority}/slow - HIER_DIRECT/127.0.0.1 -`);
  });

  test('whose client goes away within the reply is told with the status it got', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': 1 << 30 });
      response.write(Buffer.alloc(1 << 16));
    };
    const fresh = await last(2);
    const tls = await open();
    tls.write(`GET /part HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await readUntil(tls, '\0\0\0\0');
    tls.destroy();
    expect((await fresh())[1]).toBe(
      `TCP_MISS_ABORTED/200 N GET https://${authority}/part - HIER_DIRECT/127.0.0.1 application/octet-stream`,
    );
  });

  test('whose origin breaks off within the reply is cut, never ended cleanly', async () => {
    handler = (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 30);
    };
    const fresh = await last(2);
    const reply = await get(await open(), authority, '/cut');
    expect(reply).toContain('half');
    expect(reply).not.toMatch(/\r\n0\r\n\r\n$/);
    expect((await fresh())[1]).toMatch(/^TCP_MISS_ABORTED\/200 N GET/);
  });

  test('whose origin never answers is answered 504', async () => {
    handler = () => undefined;
    const reply = await get(await open(), authority, '/never');
    expect(reply).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
    expect(reply).toContain('X-Squid-Error: ERR_READ_TIMEOUT');
  });

  test('whose body stalls is answered 408 and closed', async () => {
    handler = (request) => void request.resume();
    const tls = await open();
    tls.write(`POST /stall HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: 10\r\n\r\nabc`);
    expect(await readAll(tls)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test('is tried again when the kept connection turns out to be stale, unless it may not be repeated', async () => {
    let served = 0;
    handler = (request, response) => {
      served += 1;
      // The second exchange on a connection finds it closed without an answer.
      if (served % 2 === 0) request.socket.destroy();
      else response.end('fresh');
    };
    const tls = await open();
    let got = '';
    tls.on('data', (chunk: Buffer) => {
      got += chunk.toString();
    });
    tls.write(`GET /1 HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await until(() => got.includes('fresh'), 'the first reply');
    got = '';
    tls.write(`GET /2 HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await until(() => got.includes('fresh'), 'the repeated reply');
    expect(served).toBe(3);
    got = '';
    tls.write(`POST /3 HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: 0\r\n\r\n`);
    await until(() => got.includes('502 Bad Gateway'), 'the page');
    expect(served).toBe(4);
    tls.destroy();
  });
});

describe('an origin that misbehaves', () => {
  const cases = [
    ['a status of three zeros', 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a control character in the reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['garbage', 'what is this\r\n\r\n'],
    ['an unasked 101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['nothing', ''],
  ] as const;
  test.each(cases)('by %s is answered 502', async (_name, bytes) => {
    const origin = await tcpOrigin((socket) => socket.once('data', () => socket.end(bytes, 'latin1')));
    const rig = await startRig({ hosts, policy: { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow' }] } });
    const reply = await get(await dialProxy(rig.port), `ok.test:${origin.port}`, `http://ok.test:${origin.port}/`);
    expect(reply).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    await origin.close();
  });
});
