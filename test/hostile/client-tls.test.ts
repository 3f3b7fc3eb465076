// TLS on both sides of the proxy: what we say to origins, whom of them we refuse, what clients may negotiate with us, and
// what else they put into a tunnel. Against openssl and raw sockets, nothing of ours vouches for ours.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { issue, openssl, temporaryFolder } from '../pki/fixtures.ts';
import {
  catchHello,
  extension,
  hello,
  hostNames,
  messageIn,
  numbers,
  records,
  vector,
} from '../support/client-hello.ts';
import { httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import {
  connectThrough,
  dialProxy,
  get,
  openRig,
  type Rig,
  readAll,
  readUntil,
  startRig,
  tlsThrough,
  until,
} from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';
import { type Recorder, record } from './recorder.ts';
import {
  CLIENT_OFFERS,
  FAKE_HELLOS,
  type FakeHello,
  NO_TLS,
  SERVER_NAMES,
  STRONG_SERVERS,
  WEAK_SERVERS,
  type WeakServer,
} from './tables/client-tls.ts';

const OPENSSL = findTool('openssl') ?? 'openssl';
const ca = new TestCa();
const folder = temporaryFolder();
/** How long half a hello is waited for, in milliseconds. */
const HANDSHAKE = 600;

let origin: Recorder;
let rig: Rig;
let anchor: string;
beforeAll(async () => {
  origin = await record('127.0.0.2', ca.leaf({ san: 'DNS:ok.test,IP:127.0.0.2' }));
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.2' },
    names: ['proxy.test'],
    policy: { rules: [{ name: 'all', hosts: ['.test', '127.0.0.2'], action: 'allow' }] },
  });
  anchor = join(folder, 'anchor.pem');
  writeFileSync(anchor, rig.ca);
  writeFileSync(join(folder, 'dh1024.pem'), openssl('dhparam', '1024'));
}, 120_000);
afterAll(async () => {
  await Promise.all([rig.proxy.close(0), origin.close()]);
});

/** The next entries of the log behind the first `before`. */
const news = async (before: number, count: number) => (await rig.entries(before + count)).slice(before);
const known = async (): Promise<number> => (await rig.entries(0)).length;

describe('an origin with weak TLS', () => {
  const pairs = new Map<string, string[]>();
  beforeAll(() => {
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const ec = ca.leaf({ san: 'DNS:ok.test' });
    pairs.set('ec', ['-cert', write('ec.pem', ec.cert), '-key', write('ec.key', ec.key)]);
    const issuer = { cert: ca.rootFile, key: join(ca.folder, 'root.key') };
    const extensions = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth', 'subjectAltName=DNS:ok.test'];
    for (const [name, key] of [
      ['rsa', 'RSA-2048'],
      ['rsa-1024', 'RSA-1024'],
    ] as const) {
      const rsa = issue(folder, name, { key, issuer, extensions });
      pairs.set(name, ['-cert', rsa.cert, '-key', rsa.key]);
    }
  });

  /** The port of `openssl s_server`; it answers any request with a page, and says on its output what it was sent. */
  async function serve({ words, key = 'ec' }: WeakServer): Promise<{ port: number; said: () => string }> {
    const pair = words.includes('-nocert') ? [] : (pairs.get(key) ?? []);
    const child: ChildProcess = spawn(OPENSSL, ['s_server', '-accept', '127.0.0.2:0', '-www', ...pair, ...words], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    onTestFinished(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    }
    await until(
      () => /ACCEPT [\d.]+:\d+/.test(said) || child.exitCode !== null,
      'the server',
      () => said,
    );
    return { port: Number(/ACCEPT [\d.]+:(\d+)/.exec(said)?.[1] ?? expect.fail(said)), said: () => said };
  }

  async function ask(port: number): Promise<string> {
    const tls = await tlsThrough(rig.port, `ok.test:${port}`, { ca: rig.ca });
    return get(tls, `ok.test:${port}`, '/secret');
  }

  test.each(WEAK_SERVERS)('$id: $name is refused', async ({ input, expected }) => {
    const before = await known();
    const { port } = await serve(input);
    expect(await ask(port)).toMatch(/^HTTP\/1\.1 503 /);
    const entries = await news(before, 2);
    for (const entry of entries) expect(entry['error']).toMatch(/^upstream-(?:tls|certificate)$/);
    expect(entries[1]?.['error_detail']).toMatch(expected);
    expect(entries[1]).toMatchObject({ status: 503, outcome: 'failed' });
  });

  test.each(STRONG_SERVERS)('$id: $name is taken', async ({ input, expected }) => {
    const before = await known();
    const { port } = await serve(input);
    expect(await ask(port)).toMatch(/^HTTP\/1\.\d 200 /i);
    expect((await news(before, 2))[1]).toMatchObject({ upstream_tls: { version: expect.stringMatching(expected) } });
  });

  test.each(FAKE_HELLOS)('$id: a ServerHello with $name is answered with an alert', async ({ input, expected }) => {
    const { alert, asked } = await answerWith(serverHello(input));
    expect(asked).toBe(0x16);
    expect(alert).toEqual([2, expected]);
  });

  test('TLSP-04: a ServerHello of TLS 1.2 without the mark is not answered at all, so the alerts above mean it', async () => {
    const { alert } = await answerWith(serverHello({ version: 0x0303, cipher: 0xc02b }), 300);
    expect(alert).toBeUndefined();
  });

  /** Says this to our ClientHello; `alert`: its level and description, if one comes. */
  async function answerWith(
    bytes: Uint8Array,
    patience = 5_000,
  ): Promise<{ asked: number | undefined; alert: number[] | undefined }> {
    let asked: number | undefined;
    const heard = Promise.withResolvers<number[] | undefined>();
    const fake = await tcpOrigin((socket) => {
      socket.once('data', (first: Buffer) => {
        asked = first[0];
        socket.write(bytes);
        socket.once('data', (answer: Buffer) =>
          heard.resolve(answer[0] === 0x15 ? [...answer.subarray(5, 7)] : [...answer]),
        );
        socket.once('close', () => heard.resolve(undefined));
      });
    }, '127.0.0.2');
    onTestFinished(() => fake.close());
    const { socket } = await connectThrough(rig.port, `ok.test:${fake.port}`);
    socket.write(hello({ extensions: [extension(0, hostNames('ok.test'))] }));
    const timer = setTimeout(() => heard.resolve(undefined), patience);
    const alert = await heard.promise;
    clearTimeout(timer);
    socket.destroy();
    return { asked, alert };
  }
});

function serverHello({ version, cipher, tail = '0102030405060708', compression = 0, selected }: FakeHello): Uint8Array {
  const random = [...Array.from({ length: 24 }, (_, at) => at + 1), ...Buffer.from(tail, 'hex')];
  const extensions = selected === undefined ? [extension(0xff01, [0])] : [extension(43, numbers(selected))];
  const body = [...numbers(version), ...random, 0, ...numbers(cipher), compression, ...vector(2, extensions.flat())];
  return records(Uint8Array.from([2, ...vector(3, body)]));
}

/** A ClientHello, taken apart here and not by the reader of the proxy. */
function dissect(bytes: Buffer) {
  const message = Buffer.from(messageIn(bytes));
  let at = 4;
  const take = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  const list = (lengthBytes: number): Buffer => take(take(lengthBytes).readUIntBE(0, lengthBytes));
  const words = (buffer: Buffer): number[] =>
    Array.from({ length: buffer.length / 2 }, (_, each) => buffer.readUInt16BE(each * 2));
  const version = take(2).readUInt16BE();
  take(32);
  const sessionId = list(1);
  const suites = words(list(2));
  const compressions = [...list(1)];
  const extensions = new Map<number, Buffer>();
  take(2);
  while (at < message.length) extensions.set(take(2).readUInt16BE(), list(2));
  return { recordVersion: bytes.readUInt16BE(1), version, sessionId, suites, compressions, extensions, words };
}

describe('the ClientHello that we send', () => {
  const helloFor = async (name: string): Promise<ReturnType<typeof dissect>> => {
    const one = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules: [{ name: 'all', hosts: ['ok.test', '127.0.0.1'], action: 'allow' }] },
    });
    const bytes = await catchHello((port) => {
      void connectThrough(one.port, `${name}:${port}`).then(({ socket }) =>
        socket.write(hello({ extensions: /^\d/.test(name) ? [] : [extension(0, hostNames('ok.test'))] })),
      );
    });
    return dissect(bytes);
  };

  test('TLSP-03: offers TLS 1.2 and 1.3, forward secrecy with AEAD, and nothing of the past', async () => {
    const { version, suites, compressions, extensions, words, sessionId } = await helloFor('ok.test');
    expect(version).toBe(0x0303);
    expect(words(extensions.get(43)?.subarray(1) ?? Buffer.alloc(0))).toEqual([0x0304, 0x0303]);
    expect(compressions).toEqual([0]);
    // TLS_AES_*, TLS_CHACHA20_*, ECDHE with GCM or ChaCha20; 0x00ff stands for secure renegotiation.
    const good = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x00ff];
    expect(suites.filter((suite) => !good.includes(suite))).toEqual([]);
    expect(suites).toEqual(expect.arrayContaining(good.slice(0, 9)));
    expect(suites.includes(0x00ff) || extensions.has(0xff01)).toBe(true);
    expect(extensions.has(23), 'extended master secret').toBe(true);
    const signatures = words(extensions.get(13)?.subarray(2) ?? Buffer.alloc(0));
    expect(signatures.length).toBeGreaterThan(5);
    // In the old form the upper byte is the hash: MD5 is 1, SHA-1 is 2.
    expect(signatures.filter((scheme) => [1, 2].includes(scheme >> 8))).toEqual([]);
    const groups = words(extensions.get(10)?.subarray(2) ?? Buffer.alloc(0));
    // P-192 and below, binary curves, secp256k1: none of them.
    expect(groups.filter((group) => group < 0x17)).toEqual([]);
    expect(extensions.get(0)?.toString('latin1').slice(5)).toBe('ok.test');
    // Nothing that would let one visit be joined to another: no ticket, no early data, no pre-shared key.
    expect(extensions.get(35)?.length ?? 0).toBe(0);
    expect([41, 42].filter((type) => extensions.has(type))).toEqual([]);
    expect(sessionId.length).toBe(32);
  });

  test('TLSP-03: has the name without its dot, in lower case', async () => {
    const { extensions } = await helloFor('OK.test.');
    expect(extensions.get(0)?.toString('latin1').slice(5)).toBe('ok.test');
  });

  test('TLSP-03: has no server name for an address', async () => {
    const { extensions } = await helloFor('127.0.0.1');
    expect(extensions.has(0)).toBe(false);
    expect(extensions.size).toBeGreaterThan(5);
  });
});

test('TLSP-05: TLS 1.2 to the origin and 1.3 to the client are both told as they are', async () => {
  const old: Origin = await httpsOrigin(
    { ...ca.leaf({ san: 'DNS:ok.test' }), ...{ maxVersion: 'TLSv1.2' } },
    (_, response) => response.end('old'),
    '127.0.0.2',
  );
  onTestFinished(() => old.close());
  const before = await known();
  const authority = `ok.test:${old.port}`;
  const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority);
  expect(reply).toMatch(/^HTTP\/1\.1 200 /);
  expect(reply).not.toMatch(/strict-transport|TLSv1|\r\nvia:.*tls/i);
  for (const entry of await news(before, 2)) {
    expect(entry).toMatchObject({
      client_tls: { version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_AES_/) },
      upstream_tls: { version: 'TLSv1.2', cipher: expect.stringMatching(/^TLS_ECDHE_ECDSA_.*GCM/) },
    });
  }
});

describe.each(['in a bumped tunnel', 'on the port of the proxy'] as const)('a client %s', (place) => {
  const tunnelled = place === 'in a bumped tunnel';
  const target = (): string[] =>
    tunnelled
      ? ['-proxy', `127.0.0.1:${rig.port}`, '-connect', `ok.test:${origin.port}`, '-servername', 'ok.test']
      : ['-connect', `127.0.0.1:${rig.port}`, '-servername', 'proxy.test'];

  test.each(CLIENT_OFFERS)('$id: that offers $name', async ({ input, expected }) => {
    const words = ['s_client', ...target(), '-CAfile', anchor, '-verify_return_error', ...input];
    const { code, out } = await run(OPENSSL, words);
    const [, version, cipher = ''] = /New, (TLSv[\d.]+), Cipher is (\S+)/.exec(out.toString()) ?? [];
    if (expected === undefined) {
      expect(code).not.toBe(0);
      expect(cipher).toBe('');
    } else {
      expect(code).toBe(0);
      expect(version).toBe(expected);
      expect(cipher).toMatch(/^(?:TLS_(?:AES|CHACHA20)|ECDHE-)/);
      expect(out.toString()).toMatch(/Verification: OK/);
      expect(out.toString()).toMatch(/Compression: NONE/);
    }
  });

  test('TLSP-07: that renegotiates is refused at the first try', async () => {
    const words = ['s_client', ...target(), '-CAfile', anchor, '-tls1_2'];
    const { out, err } = await run(OPENSSL, words, { input: 'R\nR\nR\n' });
    expect(out.toString()).toMatch(/New, TLSv1\.[02], Cipher is ECDHE/);
    expect(err.match(/RENEGOTIATING/g) ?? out.toString().match(/RENEGOTIATING/g)).toHaveLength(1);
    expect(err).toMatch(/no renegotiation/);
  });

  test('TLSP-07: that would send early data may not', async () => {
    const session = join(folder, 'session.pem');
    const early = join(folder, 'early.txt');
    writeFileSync(early, 'GET /early HTTP/1.1\r\nHost: ok.test\r\n\r\n');
    const first = await run(
      OPENSSL,
      ['s_client', ...target(), '-CAfile', anchor, '-tls1_3', '-sess_out', session, '-ign_eof'],
      {
        input: `GET /none HTTP/1.1\r\nHost: ok.test:${origin.port}\r\nConnection: close\r\n\r\n`,
      },
    );
    expect(first.out.toString()).toMatch(/Max Early Data: 0/);
    origin.forget();
    const second = await run(OPENSSL, [
      's_client',
      ...target(),
      '-CAfile',
      anchor,
      '-tls1_3',
      '-sess_in',
      session,
      '-early_data',
      early,
    ]);
    expect(second.out.toString()).not.toMatch(/Early data was accepted/);
    expect(origin.bytes()).not.toContain('early');
  });

  test('TLSP-07: whose hello has a session id of any bytes is answered as a new one', async () => {
    for (const sessionId of [[], [1], Array.from({ length: 32 }, (_, at) => 255 - at)]) {
      const answer = await firstAnswer(tunnelled, hello({ sessionId, extensions: usual() }));
      expect(answer[0]).toBe(0x16);
      expect(answer[5]).toBe(2);
    }
    const answer = await firstAnswer(tunnelled, hello({ sessionId: Array(33).fill(7), extensions: usual() }));
    expect(answer[0]).not.toBe(0x16);
  });

  test.each([
    ['one byte per segment', 'segments'],
    ['one byte per record', 'records'],
    ['records of ten bytes, in segments of seven', 'both'],
  ] as const)('TLSP-08: whose hello comes in %s', async (_name, how) => {
    // Between client and proxy somebody who cuts the first flight anew; the handshake messages stay the same.
    const cutter = await tcpOrigin((client) => {
      void (async () => {
        const proxy = await dialProxy(rig.port);
        const [first] = await once(client, 'data');
        client.pause();
        if (tunnelled) {
          const authority = `ok.test:${origin.port}`;
          proxy.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
          await readUntil(proxy, '\r\n\r\n');
        }
        const bytes = how === 'segments' ? first : Buffer.from(records(messageIn(first), how === 'both' ? 10 : 1));
        const step = how === 'segments' ? 1 : how === 'both' ? 7 : 1_000;
        proxy.setNoDelay(true);
        for (let at = 0; at < bytes.length; at += step) {
          await new Promise((resolve) => proxy.write(bytes.subarray(at, at + step), resolve));
        }
        proxy.pipe(client);
        client.pipe(proxy);
      })();
    });
    onTestFinished(() => cutter.close());
    // One key share only: a post-quantum one fills more than a segment.
    const servername = tunnelled ? 'ok.test' : 'proxy.test';
    const tls = connectTls({ host: '127.0.0.1', port: cutter.port, servername, ca: rig.ca, ecdhCurve: 'X25519' });
    await once(tls, 'secureConnect');
    expect(tls.getProtocol()).toBe('TLSv1.3');
    tls.destroy();
  });

  test('TLSP-08: with a post-quantum key share gets one', async () => {
    const options = { ca: rig.ca, ecdhCurve: 'X25519MLKEM768', servername: tunnelled ? 'ok.test' : 'proxy.test' };
    let tls: TLSSocket;
    if (tunnelled) tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, options);
    else {
      tls = connectTls({ host: '127.0.0.1', port: rig.port, ...options });
      await once(tls, 'secureConnect');
    }
    expect(tls.getProtocol()).toBe('TLSv1.3');
    tls.destroy();
  });

  test.each([
    ['16,000 bytes of padding', [extension(21, Array(16_000).fill(0))], [0xc02b, 0xc02f]],
    ['60,000 bytes of padding', [extension(21, Array(60_000).fill(0))], [0xc02b, 0xc02f]],
    ['GREASE in every list', [extension(0x0a0a, []), extension(0xfafa, [0])], [0x5a5a, 0xc02b, 0xc02f]],
    [
      '200 extensions that nobody knows',
      Array.from({ length: 200 }, (_, at) => extension(0x8000 + at, [1, 2])),
      [0xc02b, 0xc02f],
    ],
  ])('TLSP-08: whose hello has %s', async (_name, more, cipherSuites) => {
    const answer = await firstAnswer(tunnelled, hello({ cipherSuites, extensions: [...usual(), ...more] }));
    expect([answer[0], answer[5]]).toEqual([0x16, 2]);
  });

  /** What a hello of TLS 1.2 needs. */
  const usual = (): number[][] => [
    extension(0, hostNames(tunnelled ? 'ok.test' : 'proxy.test')),
    extension(10, vector(2, numbers(0x001d, 0x0017))),
    extension(11, [1, 0]),
    extension(13, vector(2, numbers(0x0403, 0x0804))),
  ];
});

/** The first bytes that the proxy says to this hello; none when it closes. */
async function firstAnswer(tunnelled: boolean, bytes: Uint8Array): Promise<Buffer> {
  const socket: Socket = tunnelled
    ? (await connectThrough(rig.port, `ok.test:${origin.port}`)).socket
    : await dialProxy(rig.port);
  const heard = Promise.withResolvers<Buffer>();
  const none = (): void => heard.resolve(Buffer.alloc(0));
  // Ours is half open, so that the end of the other side does not close it.
  socket
    .once('data', (chunk: Buffer) => heard.resolve(chunk))
    .once('end', none)
    .once('close', none);
  socket.write(bytes);
  socket.resume();
  const answer = await heard.promise;
  socket.destroy();
  return answer;
}

const sslscan = findTool('sslscan');
test.skipIf(!sslscan)(
  'TLSP-06: sslscan finds nothing weak on the port of the proxy (skipped where it is missing)',
  async () => {
    const { out } = await run(sslscan ?? '', ['--no-colour', `127.0.0.1:${rig.port}`]);
    const text = out.toString();
    expect(text).toMatch(/TLSv1\.2\s+enabled/);
    expect(text).toMatch(/TLSv1\.3\s+enabled/);
    for (const old of ['SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1']) expect(text).toContain(`${old.padEnd(9)} disabled`);
    expect(text).not.toMatch(/Compression enabled/);
    expect(text).toMatch(/renegotiation:\s+Session renegotiation not supported/);
    expect(text.match(/vulnerable to heartbleed/g)?.length).toBe(text.match(/not vulnerable to heartbleed/g)?.length);
    const accepted = [...text.matchAll(/^(?:Preferred|Accepted) +\S+ +\d+ bits +(\S+)/gm)].map(([, suite]) => suite);
    expect(accepted.length).toBeGreaterThan(3);
    expect(
      accepted.filter(
        (suite) => !/^(?:TLS_(?:AES|CHACHA20)|ECDHE-(?:ECDSA|RSA)-(?:AES(?:128|256)-GCM|CHACHA20))/.test(suite ?? ''),
      ),
    ).toEqual([]);
  },
);

describe('in a tunnel that is to be TLS', () => {
  let raw: Recorder;
  let patient: Rig;
  beforeAll(async () => {
    raw = await record('127.0.0.2');
    patient = await openRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.2', 'spliced.test': '127.0.0.2' },
      limits: { handshakeTimeout: HANDSHAKE },
      policy: {
        rules: [
          { name: 'bumped', hosts: ['ok.test'], action: 'allow' },
          { name: 'spliced', hosts: ['spliced.test'], action: 'allow', tls: 'splice' },
        ],
      },
    });
  });
  afterAll(async () => {
    await Promise.all([patient.proxy.close(0), raw.close()]);
  });

  test.each(NO_TLS.flatMap((row) => ['ok.test', 'spliced.test'].map((host) => ({ ...row, host }))))(
    '$id: $name is not passed on ($host)',
    async ({ input, expected, host }) => {
      const before = (await patient.entries(0)).length;
      const { socket } = await connectThrough(patient.port, `${host}:${raw.port}`);
      const begin = performance.now();
      if (input) socket.write(input, 'latin1');
      expect(await readAll(socket)).toBe('');
      expect(performance.now() - begin).toBeLessThan(HANDSHAKE + 1_000);
      expect((await patient.entries(before + 1))[before]).toMatchObject({
        error: expected,
        status: 200,
        outcome: expected === 'hello-timeout' ? 'timed_out' : 'terminated',
        hierarchy: 'HIER_NONE',
      });
      expect(raw.accepted).toBe(0);
    },
  );
});

describe('a server name', () => {
  test.each(SERVER_NAMES)('$id: $name in a tunnel', async ({ input, expected }) => {
    const before = await known();
    const accepted = origin.accepted;
    const files = readdirSync(rig.folder, { recursive: true }).sort();
    const { socket } = await connectThrough(rig.port, `ok.test:${origin.port}`);
    const names = input ? [extension(0, hostNames(...input.map((name) => Buffer.from(name, 'latin1'))))] : [];
    socket.end(hello({ extensions: names }));
    const answer = await readAll(socket);
    const [entry] = await news(before, 1);
    if (expected === 'bumped') {
      expect(entry?.['peer']).toBe('127.0.0.2');
      expect(entry?.['outcome']).not.toBe('terminated');
    } else {
      expect(answer).toBe('');
      expect(entry).toMatchObject({ outcome: 'terminated', error: expected, hierarchy: 'HIER_NONE' });
      expect(origin.accepted).toBe(accepted);
    }
    expect(readdirSync(rig.folder, { recursive: true }).sort()).toEqual(files);
    expect(readFileSync(join(rig.folder, 'access.log'), 'latin1')).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test.each(SERVER_NAMES)('$id: $name to the proxy itself changes nothing of its leaf', async ({ input }) => {
    const files = readdirSync(rig.folder, { recursive: true }).sort();
    const names = input ? [extension(0, hostNames(...input.map((name) => Buffer.from(name, 'latin1'))))] : [];
    const groups = [
      extension(10, vector(2, numbers(0x001d, 0x0017))),
      extension(13, vector(2, numbers(0x0403, 0x0804))),
    ];
    const answer = (await firstAnswer(false, hello({ extensions: [...names, ...groups] }))).toString('latin1');
    // A leaf in TLS 1.2 stands in the clear.
    if (answer.startsWith('\x16')) {
      expect(answer).toContain('proxy.test');
      for (const name of input ?? []) if (name !== '') expect(answer).not.toContain(name);
    } else expect(answer === '' || answer.startsWith('\x15')).toBe(true);
    expect(readdirSync(rig.folder, { recursive: true }).sort()).toEqual(files);
  });
});

test('afterwards the proxy serves a clean request at once', async () => {
  const authority = `ok.test:${origin.port}`;
  const begin = performance.now();
  expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toMatch(/^HTTP\/1\.1 200 /);
  expect(performance.now() - begin).toBeLessThan(1_000);
  await until(() => rig.proxy.connections === 0, 'all connections to be closed');
});
