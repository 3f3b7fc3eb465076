// Programs of others that speak HTTP/2 to the proxy itself: Chromium with an https proxy, its WebSocket over HTTP/2 to an
// origin that opens such, and the Python package h2 with many tunnels on one connection.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { h2Origin } from '../support/h2.ts';
import { tlsToProxy } from '../support/h2-proxy.ts';
import type { Origin } from '../support/origin.ts';
import { openRig, type Rig, until } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const CHROMIUM = findTool('chromium');
const PYTHON = findTool('python3');

const ca = new TestCa();
let rig: Rig;
let origin: Origin;
let report = Promise.withResolvers<string>();
const opened: IncomingHttpHeaders[] = [];

const PAGE = `<!doctype html><title>t</title><script>
const tell = (text) => fetch('/report?' + encodeURIComponent(text));
const ask = async () => {
  await fetch('https://b.test:' + location.port + '/b', { mode: 'no-cors' });
  const socket = new WebSocket('wss://' + location.host + '/chat', ['chat']);
  socket.onopen = () => socket.send('a word');
  socket.onmessage = ({ data }) => { socket.said = data; socket.close(1000, 'done'); };
  socket.onerror = () => tell('failed');
  socket.onclose = ({ code }) => tell([socket.protocol, socket.said, code].join(' | '));
};
ask();
</script>`;

/** Says each short message back, until it has been closed: RFC 6455 section 5.2 in little. */
function speak(stream: ServerHttp2Stream): void {
  let held = Buffer.alloc(0);
  stream.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 6 && held.length >= 6 + ((held[1] ?? 0) & 127)) {
      const length = (held[1] ?? 0) & 127;
      const mask = held.subarray(2, 6);
      const word = held.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
      stream.write(Buffer.concat([Buffer.from([held[0] ?? 0, length]), word]));
      if (((held[0] ?? 0) & 15) === 8) stream.end();
      held = held.subarray(6 + length);
    }
  });
}

beforeAll(async () => {
  origin = await h2Origin(
    ca.leaf({ san: 'DNS:a.test,DNS:b.test' }),
    (stream, headers) => {
      const path = headers[':path'] ?? '';
      if (headers[':protocol'] === 'websocket') {
        opened.push(headers);
        stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
        speak(stream);
        return;
      }
      const [, text = ''] = path.split('/report?');
      if (text) report.resolve(decodeURIComponent(text));
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end(path === '/' ? PAGE : 'ok');
    },
    { settings: { enableConnectProtocol: true } },
  );
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'a.test': '127.0.0.1', 'b.test': '127.0.0.1' },
    policy: { rules: [{ name: 'test', hosts: ['a.test', 'b.test'], action: 'allow' }] },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await origin.close();
  rmSync(ca.folder, { recursive: true });
});

const hasChromium = CHROMIUM !== undefined;
test.skipIf(!hasChromium)(
  `Chromium goes through by HTTP/2, and opens a WebSocket over it${hasChromium ? '' : ' (skipped: no chromium here)'}`,
  async () => {
    report = Promise.withResolvers();
    const tls = await tlsToProxy(rig);
    const key = tls.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' }) ?? '';
    tls.destroy();
    const before = (await rig.entries(0)).length;
    const folder = mkdtempSync(join(tmpdir(), 'chromium-'));
    const child = spawn(
      CHROMIUM ?? '',
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${folder}`],
        ...['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
        `--proxy-server=https://localhost:${rig.port}`,
        `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`,
        '--remote-debugging-port=0',
        `https://a.test:${origin.port}/`,
      ],
      { stdio: 'ignore' },
    );
    try {
      expect(await report.promise).toBe('chat | a word | 1000');
    } finally {
      child.kill();
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    }
    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    const entries = (await rig.entries(0)).slice(before);
    const told = (entry: object | undefined) => expect.objectContaining({ ...entry });
    expect(entries).toContainEqual(
      told({ status: 101, outcome: 'upgraded', url: `https://a.test:${origin.port}/chat` }),
    );
    expect(opened).toHaveLength(1);
    // Tunnels to both hosts, on one connection.
    const tunnels = entries.filter(({ method, outcome }) => method === 'CONNECT' && outcome === 'bumped');
    expect(new Set(tunnels.map(({ url }) => url)).size).toBe(2);
    expect(new Set(tunnels.map(({ session }) => session)).size).toBe(1);
  },
  60_000,
);

const PYTHON_CLIENT = `
import socket, ssl, sys, h2.connection, h2.config, h2.events
port, trust, target, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
outer = ssl.create_default_context(cafile=trust)
outer.set_alpn_protocols(['h2'])
sock = outer.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname='localhost')
assert sock.selected_alpn_protocol() == 'h2'
conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding='utf-8', validate_outbound_headers=False))
conn.initiate_connection()
class Tunnel: pass
inner = ssl.create_default_context(cafile=trust)
tunnels = {}
for _ in range(count):
    t = Tunnel()
    t.id, t.status, t.shaken, t.got = conn.get_next_available_stream_id(), None, False, b''
    t.incoming, t.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    t.tls = inner.wrap_bio(t.incoming, t.outgoing, server_hostname=target.split(':')[0])
    conn.send_headers(t.id, [(':method', 'CONNECT'), (':authority', target)])
    tunnels[t.id] = t
def turn(t):
    try:
        if not t.shaken:
            t.tls.do_handshake()
            t.shaken = True
            t.tls.write(f'GET /{t.id} HTTP/1.1\\r\\nHost: {target}\\r\\nConnection: close\\r\\n\\r\\n'.encode())
        while True:
            piece = t.tls.read(65536)
            if not piece: break
            t.got += piece
    except ssl.SSLWantReadError: pass
    except ssl.SSLZeroReturnError: pass
    if t.outgoing.pending: conn.send_data(t.id, t.outgoing.read())
ended = set()
while len(ended) < count:
    sock.sendall(conn.data_to_send())
    data = sock.recv(65536)
    if not data: break
    for event in conn.receive_data(data):
        if isinstance(event, h2.events.ResponseReceived):
            t = tunnels[event.stream_id]
            t.status = dict(event.headers)[':status']
            turn(t)
        elif isinstance(event, h2.events.DataReceived):
            conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            t = tunnels[event.stream_id]
            t.incoming.write(event.data)
            turn(t)
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)): ended.add(event.stream_id)
ok = [t for t in tunnels.values() if t.status == '200' and t.got.startswith(b'HTTP/1.1 200 ') and b'ok' in t.got]
print(len(ok))
`;

describe('the Python package h2', () => {
  test.skipIf(PYTHON === undefined)(
    `has fifty tunnels on one connection${PYTHON ? '' : ' (skipped: no python3 here)'}`,
    async (context) => {
      const there = await run(PYTHON ?? '', ['-c', 'import h2']);
      context.skip(there.code !== 0, 'no python3-h2 here');
      const before = (await rig.entries(0)).length;
      const words = [String(rig.port), join(rig.folder, 'ca', 'ca.pem'), `a.test:${origin.port}`, '50'];
      const ran = await run(PYTHON ?? '', ['-c', PYTHON_CLIENT, ...words]);
      expect([ran.err, String(ran.out)]).toEqual(['', '50\n']);
      const entries = (await rig.entries(before + 100)).slice(before);
      expect(new Set(entries.map(({ session }) => session)).size).toBe(1);
      expect(new Set(entries.map(({ tunnel }) => tunnel)).size).toBe(50);
      expect(entries.filter(({ status, method }) => status === 200 && method === 'GET')).toHaveLength(50);
    },
    60_000,
  );
});
