// What HTTP/1.1 has beside request and reply, by real clients, plain and bumped: interim replies, expectations, trailers,
// ranges, HEAD, codings passed untouched, HTTP/1.0 that keeps its connection, streams that arrive as they are sent.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listening, type Origin } from '../support/origin.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const CURL = findTool('curl') ?? '';
const PYTHON = findTool('python3') ?? '';
const missing = [CURL ? '' : 'curl', PYTHON ? '' : 'python3'].filter((name) => name !== '').join(' and no ');

const SIDES = ['plain', 'bumped'] as const;
const ca = new TestCa();
const folder = mkdtempSync(join(tmpdir(), 'semantics-'));
const FILE = join(folder, 'big.bin');
const big = randomBytes(50 << 20);
const sum = createHash('sha256').update(big).digest('hex');
const text = Buffer.from('the same text, again and again. '.repeat(1_000));
const CODED: Readonly<Record<string, Buffer>> = {
  gzip: gzipSync(text),
  br: brotliCompressSync(text),
  zstd: zstdCompressSync(text),
};

let rig: Rig;
const origins: Origin[] = [];
const places = { plain: '', bumped: '' };
/** The next event of a stream is sent when its last one has arrived. */
let next = Promise.withResolvers<void>();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  if (path === '/sink') {
    const hash = createHash('sha256');
    for await (const piece of request) hash.update(piece);
    response.end(
      `${hash.digest('hex')} ${request.headers.expect ?? '-'} ${request.headers['transfer-encoding'] ?? '-'}`,
    );
  } else if (path === '/trailers') {
    for await (const _piece of request);
    response.setHeader('Trailer', 'X-Sum, X-Got');
    response.write('with ');
    response.addTrailers({ 'X-Sum': 'abc', 'X-Got': request.trailers['x-sent'] ?? '-' });
    response.end('trailers');
  } else if (path === '/hints') {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.end('hinted');
  } else if (path === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    for (let at = 1; at <= 5; at += 1) {
      response.write(`data: ${at}\n\n`);
      await next.promise;
      next = Promise.withResolvers();
    }
    response.end();
  } else if (path.startsWith('/coded/')) {
    const coding = path.slice(7);
    response.setHeader('Content-Encoding', coding);
    response.end(CODED[coding]);
  } else if (path === '/big') {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const part = from === undefined ? big : big.subarray(Number(from), Number(to) + 1);
    if (from !== undefined) response.setHeader('Content-Range', `bytes ${from}-${to}/${big.length}`);
    response.writeHead(from === undefined ? 200 : 206, { 'Content-Length': part.length, 'Accept-Ranges': 'bytes' });
    response.end(request.method === 'HEAD' ? undefined : part);
  } else response.writeHead(Number(path.slice(1)) || 404).end();
}

beforeAll(async () => {
  await writeFile(FILE, big);
  const refusing = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/sink') response.writeContinue();
    else return void response.writeHead(417).end('not that');
    void serve(request, response);
  };
  const servers = [createServer(serve), createSecureServer(ca.leaf({ san: 'DNS:ok.test' }), serve)];
  for (const server of servers) origins.push(await listening(server.on('checkContinue', refusing), '127.0.0.1'));
  places.plain = `http://ok.test:${origins[0]?.port}`;
  places.bumped = `https://ok.test:${origins[1]?.port}`;
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  for (const origin of origins) await origin.close();
  await rm(folder, { recursive: true });
});

const base = (): string[] => [
  ...['-sS', '--max-time', '25', '-x', `http://127.0.0.1:${rig.port}`],
  ...['--cacert', join(rig.folder, 'ca', 'ca.pem')],
];
const curl = (...words: string[]): Promise<Ran> => run(CURL, [...base(), ...words]);
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const PYTHON_CLIENT = `
import http.client, ssl, sys
side, host, port, proxy, trust = sys.argv[1], 'ok.test', int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
version = 10 if sys.argv[5] == '1.0' else 11
if side == 'bumped':
    client = http.client.HTTPSConnection('127.0.0.1', proxy, context=ssl.create_default_context(cafile=trust))
    client.set_tunnel(host, port)
    prefix = ''
else:
    client = http.client.HTTPConnection('127.0.0.1', proxy)
    prefix = f'http://{host}:{port}'
client._http_vsn, client._http_vsn_str = version, f'HTTP/1.{version % 10}'
socks = set()
for path, method, body in (('/204', 'GET', None), ('/205', 'GET', None), ('/304', 'GET', None), ('/big', 'HEAD', None), ('/sink', 'POST', b'abc'), ('/sink', 'POST', iter([b'a', b'bc'])), ('/trailers', 'GET', None)):
    if version == 10 and not isinstance(body, (bytes, type(None))): continue
    headers = {'Host': f'{host}:{port}'}
    if version == 10: headers['Connection'] = 'keep-alive'
    client.request(method, prefix + path, body=body, headers=headers)
    socks.add(client.sock.fileno() if client.sock else None)
    reply = client.getresponse()
    print(path, reply.status, len(reply.read()))
    if version == 10 and client.sock is None: print('closed by', path)
print(len(socks))
`;

describe.skipIf(missing !== '')(`HTTP/1.1 by real clients${missing && ` (skipped: no ${missing} here)`}`, () => {
  describe.each(SIDES)('%s', (side) => {
    const at = (path: string): string => `${places[side]}${path}`;

    test('50 MB down and up have the same hash', async () => {
      const down = await curl(at('/big'));
      expect([down.err, hashOf(down.out)]).toEqual(['', sum]);
      expect(String((await curl('-T', FILE, '-H', 'Expect:', '-X', 'POST', at('/sink'))).out)).toBe(`${sum} - -`);
      const chunked = await curl('-T', '-', '-X', 'POST', '-H', 'Expect:', at('/sink'));
      expect(String(chunked.out)).toBe(`${hashOf(Buffer.alloc(0))} - chunked`);
    });

    test('a range is the part that was asked for', async () => {
      const ran = await curl('-r', '1000000-1999999', '-w', '%{stderr}%{http_code}', at('/big'));
      expect([ran.err, hashOf(ran.out)]).toEqual(['206', hashOf(big.subarray(1_000_000, 2_000_000))]);
    });

    test('HEAD has the length and nothing else', async () => {
      const ran = await curl('-I', at('/big'));
      expect(String(ran.out)).toMatch(
        /^(?:HTTP\/1\.1 200 [\s\S]*?\r\n\r\n)?HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 52428800\r\n[\s\S]*\r\n\r\n$/,
      );
    });

    test('a large body waits for the 100 of the origin', async () => {
      const wait = ['--expect100-timeout', '20', '-H', 'Expect: 100-continue', '-v'];
      const ran = await curl(...wait, '--data-binary', `@${FILE}`, at('/sink'));
      expect(ran.err).toContain('< HTTP/1.1 100 Continue');
      expect(String(ran.out)).toBe(`${sum} 100-continue -`);
    });

    test('a large body that the origin does not want is not sent', async () => {
      const wait = ['--expect100-timeout', '20', '-H', 'Expect: 100-continue', '-w', ' %{http_code} %{size_upload}'];
      const ran = await curl(...wait, '--data-binary', `@${FILE}`, at('/refused'));
      expect(String(ran.out)).toMatch(/not that.* 417 0$|not that.* 200 \d+$/);
    });

    test('early hints arrive before the reply, and not at HTTP/1.0', async () => {
      const ran = await curl('-i', at('/hints'));
      expect(String(ran.out)).toMatch(
        /HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
      );
      expect(String((await curl('-i', '--http1.0', at('/hints'))).out)).not.toContain('103');
    });

    test('trailers arrive behind the body', async () => {
      const ran = await curl('-v', '--raw', '-H', 'TE: trailers', '-H', 'Connection: TE', at('/trailers'));
      expect(String(ran.out)).toMatch(/trailers\r\n0\r\nX-Sum: abc\r\nX-Got: -\r\n\r\n$/);
      expect(ran.err).toContain('< Trailer: X-Sum, X-Got');
    });

    test.each(Object.keys(CODED))('what is coded as %s is not touched', async (coding) => {
      const ran = await curl(at(`/coded/${coding}`));
      expect([ran.err, ran.out]).toEqual(['', CODED[coding]]);
      const decoded = await curl('--compressed', at(`/coded/${coding}`));
      expect(decoded.out).toEqual(text);
    });

    test('each event arrives before the next one is sent', async () => {
      next = Promise.withResolvers();
      const child = spawn(CURL, ['-N', ...base(), at('/events')], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
      const order: string[] = [];
      child.stdout.on('data', (bytes: Buffer) => {
        order.push(String(bytes));
        next.resolve();
      });
      const [code] = await once(child, 'exit');
      expect([code, order]).toEqual([0, [1, 2, 3, 4, 5].map((one) => `data: ${one}\n\n`)]);
    });

    test.each(['1.1', '1.0'])('http.client of Python keeps one connection with HTTP/%s', async (version) => {
      const port = String(origins[SIDES.indexOf(side)]?.port);
      const trust = join(rig.folder, 'ca', 'ca.pem');
      const ran = await run(PYTHON, ['-c', PYTHON_CLIENT, side, port, String(rig.port), trust, version]);
      expect(ran.err).toBe('');
      const sink = hashOf(Buffer.from('abc')).length;
      expect(String(ran.out).trim().split('\n')).toEqual([
        ...['/204 204 0', '/205 205 0', '/304 304 0', '/big 200 0'],
        ...(version === '1.1' ? [`/sink 200 ${sink + 4}`, `/sink 200 ${sink + 10}`] : [`/sink 200 ${sink + 4}`]),
        '/trailers 200 13',
        ...(version === '1.1' ? [] : ['closed by /trailers']),
        '1',
      ]);
    });
  });
});
