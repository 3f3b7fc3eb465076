// Real WebSocket clients through a bumping proxy to a real WebSocket server: 50 MB each way with equal hashes, and one line
// for each connection when it has closed.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { listening, type Origin } from '../support/origin.ts';
import { type Entry, openRig, type Rig, tlsThrough, until } from '../support/rig.ts';
import { findTool, NODE, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const CHROMIUM = findTool('chromium');
const PYTHON = findTool('python3');
/** Of one direction, in messages of a MB. */
const MESSAGES = 50;

const ca = new TestCa();
const block = randomBytes(1 << 20);
const SUM = ((): string => {
  const hash = createHash('sha256');
  for (let at = 0; at < MESSAGES; at += 1) hash.update(block);
  return hash.digest('hex');
})();

let rig: Rig;
let origin: Origin;
let sockets: WebSocketServer;
let url = '';
let trust = '';
/** What a page has told of itself. */
let report = Promise.withResolvers<string>();
let seen = 0;

const PAGE = `<!doctype html><title>t</title><script>
const bytes = new Uint8Array(1 << 20).fill(7), socket = new WebSocket('wss://' + location.host + '/', ['chat', 'superchat']);
let down = 0;
socket.binaryType = 'arraybuffer';
const tell = (text) => fetch('/report?' + encodeURIComponent(text));
socket.onopen = () => { for (let i = 0; i < 50; i += 1) socket.send(bytes); socket.send('sum'); };
socket.onmessage = ({ data }) => {
  if (typeof data !== 'string') { down += data.byteLength; return; }
  if (down === 0) { socket.up = data; socket.send('send'); } else { socket.close(1000, 'done'); }
};
socket.onclose = ({ code, reason }) => tell([socket.protocol, socket.extensions, socket.up, down, code, reason].join(' | '));
</script>`;

/** `sum` is answered with the hash of what came, `send` with 50 MB and their hash. */
function serve(socket: WebSocket): void {
  const hash = createHash('sha256');
  socket.on('error', () => undefined);
  socket.on('message', async (data: RawData, isBinary: boolean) => {
    if (isBinary && Buffer.isBuffer(data)) hash.update(data);
    else if (String(data) === 'sum') socket.send(hash.digest('hex'));
    else {
      for (let at = 0; at < MESSAGES; at += 1) await new Promise((sent) => socket.send(block, sent));
      socket.send(SUM);
    }
  });
}

beforeAll(async () => {
  const server = createServer(ca.leaf({ san: 'DNS:ok.test' }), (request, response) => {
    const [, text = ''] = (request.url ?? '').split('/report?');
    if (text) report.resolve(decodeURIComponent(text));
    response.setHeader('Content-Type', 'text/html');
    response.end(request.url === '/' ? PAGE : '');
  });
  const handleProtocols = (protocols: Set<string>): string | false =>
    protocols.has('superchat') ? 'superchat' : false;
  sockets = new WebSocketServer({ server, handleProtocols, perMessageDeflate: true });
  sockets.on('connection', serve);
  origin = await listening(server, '127.0.0.1');
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
  });
  url = `wss://ok.test:${origin.port}/`;
  trust = join(rig.folder, 'ca', 'ca.pem');
});
afterAll(async () => {
  await rig.proxy.close(0);
  await origin.close();
});

/** The line of what was upgraded since the last call. */
async function upgraded(): Promise<Entry | undefined> {
  await until(() => rig.proxy.connections === 0, 'the end of all connections');
  const entries = await rig.entries(0);
  const fresh = entries.slice(seen);
  seen = entries.length;
  const all = fresh.filter(({ status }) => status === 101);
  expect(all).toHaveLength(1);
  return all[0];
}

const WHOLE = {
  ...{ tag: 'TCP_TUNNEL', status: 101, method: 'GET', outcome: 'upgraded', rule: 'ok', hierarchy: 'HIER_DIRECT' },
};

/** More than the messages, for each frame has a head; masks make what is compressed no smaller. */
function expectWhole(entry: Entry | undefined): void {
  expect(entry).toMatchObject(WHOLE);
  expect(Number(entry?.['bytes'])).toBeGreaterThan(MESSAGES << 20);
  expect(Number(entry?.['bytes_in'])).toBeGreaterThan(MESSAGES << 20);
}

const NODE_CLIENT = `
const { createHash, randomBytes } = require('node:crypto');
const socket = new WebSocket(process.argv[1]);
socket.binaryType = 'arraybuffer';
const block = randomBytes(1 << 20), up = createHash('sha256'), down = createHash('sha256');
let told;
socket.onopen = async () => {
  for (let at = 0; at < ${MESSAGES}; at += 1) {
    socket.send(block);
    up.update(block);
    while (socket.bufferedAmount > 4 << 20) await new Promise((go) => setImmediate(go));
  }
  socket.send('sum');
};
socket.onmessage = ({ data }) => {
  if (typeof data !== 'string') down.update(new Uint8Array(data));
  else if (told === undefined) { told = data; socket.send('send'); }
  else { console.log(told === up.digest('hex'), data === down.digest('hex')); socket.close(); }
};
socket.onerror = (event) => { console.log(event.error); process.exit(1); };
`;

const PYTHON_CLIENT = `
import asyncio, hashlib, os, socket, ssl, sys, websockets
host, port, proxy, trust = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
async def main():
    sock = socket.create_connection(('127.0.0.1', proxy))
    sock.sendall(f'CONNECT {host}:{port} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n'.encode())
    head = b''
    while not head.endswith(b'\\r\\n\\r\\n'): head += sock.recv(1)
    context = ssl.create_default_context(cafile=trust)
    options = dict(sock=sock, ssl=context, server_hostname=host, max_size=None, compression=None)
    async with websockets.connect(f'wss://{host}:{port}/', **options) as client:
        block, up, down = os.urandom(1 << 20), hashlib.sha256(), hashlib.sha256()
        for _ in range(${MESSAGES}):
            await client.send(block)
            up.update(block)
        await client.send('sum')
        told = await client.recv()
        await client.send('send')
        while True:
            data = await client.recv()
            if isinstance(data, str): break
            down.update(data)
        print(told == up.hexdigest(), data == down.hexdigest())
asyncio.run(main())
`;

describe('a WebSocket', { timeout: 60_000 }, () => {
  test('of Node.js itself carries 50 MB each way', async () => {
    const proxy = `http://127.0.0.1:${rig.port}`;
    const env = { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy, NODE_EXTRA_CA_CERTS: trust };
    const ran = await run(NODE, ['-e', NODE_CLIENT, url], { env });
    expect([String(ran.out), ran.code]).toEqual(['true true\n', 0]);
    expectWhole(await upgraded());
    expect((await rig.lines(seen)).at(-1)).toBe(
      `TCP_TUNNEL/101 N GET https://ok.test:${origin.port}/ - HIER_DIRECT/127.0.0.1 -`,
    );
  });

  test('of the package ws carries 50 MB each way', async () => {
    const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: rig.ca });
    const client = new WebSocket(url, ['superchat'], {
      createConnection: () => tls,
      perMessageDeflate: false,
    });
    await once(client, 'open');
    expect([client.protocol, client.extensions]).toEqual(['superchat', '']);
    const down = createHash('sha256');
    const told: string[] = [];
    client.on('message', (data: RawData, isBinary: boolean) => {
      if (isBinary && Buffer.isBuffer(data)) down.update(data);
      else if (told.push(String(data)) === 1) client.send('send');
      else client.close();
    });
    for (let at = 0; at < MESSAGES; at += 1) await new Promise((sent) => client.send(block, sent));
    client.send('sum');
    const [code] = await once(client, 'close');
    expect([code, told, down.digest('hex')]).toEqual([1005, [SUM, SUM], SUM]);
    expectWhole(await upgraded());
  });

  const hasPython = PYTHON !== undefined;
  test.skipIf(!hasPython)(
    `of Python carries 50 MB each way${hasPython ? '' : ' (skipped: no python3 here)'}`,
    async (context) => {
      const there = await run(PYTHON ?? '', ['-c', 'import websockets']);
      context.skip(there.code !== 0, 'no python3-websockets here');
      const words = ['ok.test', String(origin.port), String(rig.port), trust];
      const ran = await run(PYTHON ?? '', ['-c', PYTHON_CLIENT, ...words]);
      expect([ran.err, String(ran.out)]).toEqual(['', 'True True\n']);
      expectWhole(await upgraded());
    },
  );

  const hasChromium = CHROMIUM !== undefined;
  test.skipIf(!hasChromium)(
    `of Chromium carries 50 MB each way${hasChromium ? '' : ' (skipped: no chromium here)'}`,
    async () => {
      report = Promise.withResolvers();
      const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: rig.ca });
      const key = tls.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' }) ?? '';
      tls.destroy();
      const folder = mkdtempSync(join(tmpdir(), 'chromium-'));
      const child = spawn(
        CHROMIUM ?? '',
        [
          ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${folder}`],
          ...['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
          `--proxy-server=http://127.0.0.1:${rig.port}`,
          `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`,
          '--remote-debugging-port=0',
          `https://ok.test:${origin.port}/`,
        ],
        { stdio: 'ignore' },
      );
      const sum = createHash('sha256');
      for (let at = 0; at < MESSAGES; at += 1) sum.update(Buffer.alloc(1 << 20, 7));
      try {
        const [protocol, extensions, up, down, code, reason] = (await report.promise).split(' | ');
        expect([protocol, extensions, up, down]).toEqual([
          ...['superchat', 'permessage-deflate', sum.digest('hex'), String(MESSAGES << 20)],
        ]);
        expect([code, reason]).toEqual(['1000', 'done']);
      } finally {
        child.kill();
        await once(child, 'exit');
        await rm(folder, { recursive: true, force: true });
      }
      const entry = await upgraded();
      expect(entry).toMatchObject(WHOLE);
      expect(Number(entry?.['bytes'])).toBeGreaterThan(MESSAGES << 20);
    },
  );
});

test('the server was asked by clients alone, and each of them was let go', () => {
  expect(sockets.clients.size).toBe(0);
});
