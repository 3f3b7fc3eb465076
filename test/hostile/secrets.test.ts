// What must never be seen: the key of the CA and its passphrase, and what clients send to prove who they are. Searched
// for in every log of every format, every page, every line on the standard streams.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { LOG_FORMATS } from '../../src/log/log-format.ts';
import { createServiceLog } from '../../src/log/service-log.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { type RunningProxy, startProxy } from '../../src/proxy.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { connectThrough, dialProxy, get, readAll, rigConfig, say, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { plainAnswer, type Recorder, record } from './recorder.ts';
import { fill } from './tables/row.ts';
import { MARK, PRIVATE_REQUESTS, SPOILED_CAS } from './tables/secrets.ts';

describe('a CA that cannot be relied on', () => {
  test.each(SPOILED_CAS)('$id: $name keeps the proxy from starting, and it says which file and why', async (row) => {
    const { folder, config } = configFolder('ca: { cert: ca/ca.pem, key: ca/ca-key.pem }');
    const where = join(folder, 'ca');
    mkdirSync(where, { mode: 0o700 });
    const files = { folder: where, cert: join(where, 'ca.pem'), key: join(where, 'ca-key.pem') };
    const made = createCa();
    writeFileSync(files.cert, made.certificate);
    writeFileSync(files.key, made.key, { mode: 0o600 });
    if (row.asRoot && process.geteuid?.() !== 0) return;
    row.input(files);
    const terminal = fakeTerminal();
    expect(await main(['run', '--config', config], terminal)).toBe(1);
    expect(terminal.errText()).toMatch(row.expected);
    expect(terminal.errText()).toContain(where);
    expect(terminal.errText()).not.toContain(made.key.split('\n')[1]);
    expect(terminal.errText().trimEnd()).not.toContain('\n');
  });
});

test('KEY-06: of a CA that ends in ten days the service log warns', async () => {
  const { folder, config } = configFolder('ca: { cert: ca.pem, key: ca-key.pem }');
  const made = createCa({ now: new Date(Date.now() - (3_649 - 1 - 10) * 24 * 3_600_000) });
  writeFileSync(join(folder, 'ca.pem'), made.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), made.key, { mode: 0o600 });
  const program = startProgram([MAIN, 'run', '--config', config], { folder });
  await program.err(/"level":"warn".*ca\.pem expires in (?:9|10) days, on \S+: replace it soon\./);
  await program.err(/"listening"/);
});

describe('a request with secrets', () => {
  const ca = new TestCa();
  let origins: Readonly<Record<'plain' | 'secure', Recorder>>;
  let proxy: RunningProxy;
  let folder: string;
  let anchor: string;
  let told = '';
  const port = (): number => proxy.addresses[0]?.port ?? 0;
  const logs = (): string => LOG_FORMATS.map((format) => readFileSync(join(folder, format), 'utf8')).join('') + told;
  /** Lines that are new and have something of a secret. */
  const news = (known: string): string[] => {
    const old = new Set(known.split('\n'));
    return logs()
      .split('\n')
      .filter((line) => line.includes(MARK) && !old.has(line));
  };
  const lines = (): number => readFileSync(join(folder, 'json'), 'utf8').split('\n').length - 1;

  beforeAll(async () => {
    origins = {
      plain: await record('127.0.0.2'),
      secure: await record('127.0.0.2', ca.leaf({ san: 'DNS:ok.test' })),
    };
    folder = configFolder().folder;
    const base = rigConfig(folder, {
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.2', 'wrong.test': '127.0.0.2', 'deny.test': '127.0.0.2', 'inner.test': '10.0.0.1' },
      allowAddresses: ['127.0.0.2'],
      policy: {
        rules: [
          { name: 'page', hosts: ['deny.test'], action: 'deny', refuse: 'page' },
          {
            name: 'denied',
            urls: [origins.plain, origins.secure].flatMap(({ port: at }) =>
              ['http', 'https'].map((scheme) => `${scheme}://ok.test:${at}/denied/**`),
            ),
            action: 'deny',
          },
          { name: 'ok', hosts: ['ok.test', 'wrong.test', 'inner.test'], action: 'allow' },
        ],
      },
    });
    const access = LOG_FORMATS.map((format) => ({ path: join(folder, format), format }));
    const service = createServiceLog(
      { level: 'debug' },
      {
        write: (text) => {
          told += text;
        },
      },
    );
    proxy = await startProxy({ ...base, log: { access, service: { level: 'debug' } } }, service);
    anchor = readFileSync(base.ca.cert, 'utf8');
  });
  afterAll(async () => {
    await Promise.all([proxy.close(0), origins.plain.close(), origins.secure.close()]);
  });

  test.each(PRIVATE_REQUESTS)('$id: $name shows none of them in a log or a page', async ({ input, expected }) => {
    const origin = input.inside ? origins.secure : origins.plain;
    const { reply: said } = input;
    origin.forget();
    origin.answer = said ? (_, socket) => void socket.end(said, 'latin1') : plainAnswer;
    const before = lines();
    const known = logs();
    const bytes = fill(input.bytes, { P: String(origin.port) });
    let reply: string;
    if (input.inside) {
      const tls = await tlsThrough(port(), `${input.inside}:${origin.port}`, { ca: anchor });
      tls.write(bytes, 'latin1');
      reply = await readAll(tls);
    } else reply = await say(port(), Buffer.from(bytes, 'latin1'));
    await until(() => lines() > before + (input.inside ? 1 : 0), 'the line');
    expect(Number(/^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1])).toBe(expected);
    // What the origin itself answers with is its own matter; it sends the target back.
    if (!origin.bytes() || said) expect(reply).not.toContain(MARK);
    expect(news(known)).toEqual([]);
    expect(bytes).toContain(MARK);
  });

  test('LOG-07: those that were passed on did reach the origin, so that the search above can fail', async () => {
    origins.plain.forget();
    origins.plain.answer = plainAnswer;
    await say(port(), fill(PRIVATE_REQUESTS[0]?.input.bytes ?? '', { P: String(origins.plain.port) }));
    expect(origins.plain.bytes()).toContain(`Bearer ${MARK}`);
    expect(origins.plain.bytes()).toContain(`token=${MARK}`);
    expect(origins.plain.bytes()).not.toContain('roxy-');
    expect(logs()).toContain('http://ok.test');
  });

  test.each([
    ['a path', 'GET http://no.test/%3Cb%3E<script>alert("1")</script> HTTP/1.1\r\nHost: no.test\r\n\r\n'],
    ['a host', 'GET http://<script>alert(1)</script>.test/ HTTP/1.1\r\nHost: no.test\r\n\r\n'],
    ['a CONNECT', 'CONNECT "><script>:443 HTTP/1.1\r\nHost: no.test\r\n\r\n'],
    ['a host with quotes', `GET http://no.test'onload='x"y/ HTTP/1.1\r\nHost: no.test\r\n\r\n`],
    ['a path with an apostrophe', `GET http://no.test/'onload='x HTTP/1.1\r\nHost: no.test\r\n\r\n`],
    ['Host', 'GET http://no.test/ HTTP/1.1\r\nHost: <script>"x\'\r\n\r\n'],
    ['Via', 'GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\nVia: 1.1 <script>"x\'\r\n\r\n'],
    ['User-Agent', 'GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\nUser-Agent: <script>"x\'\r\n\r\n'],
    ['a method', 'GET<script> http://no.test/ HTTP/1.1\r\nHost: no.test\r\n\r\n'],
    ['Expect', 'GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\nExpect: <script>"x\'\r\n\r\n'],
    ['Transfer-Encoding', 'GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\nTransfer-Encoding: <script>"x\'\r\n\r\n'],
    ['our own port', `GET /<script>'"x HTTP/1.1\r\nHost: x"<script>\r\n\r\n`],
  ])('LOG-08: a page for markup in %s has none of it', async (_where, request) => {
    const reply = await say(port(), request.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n'));
    expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /);
    const [head = '', body = ''] = reply.split('\r\n\r\n');
    expect(body).toContain('made by the proxy');
    // Our own markup is all there is: no script, no attribute but those of the template.
    expect(body).not.toMatch(/<script|onload=['"]|<b>/i);
    expect(body.match(/<[a-z]+[^>]*>/g)?.filter((tag) => !OUR_TAGS.test(tag))).toEqual([]);
    expect(head).not.toMatch(/<script/i);
    // Of fields, not even escaped: only the address that was asked for is told.
    if (
      /\r\n(?:Via|User-Agent|Expect|Transfer-Encoding|Host): [^\r]*</.test(request) &&
      !/^\S+ \S*[<"']/.test(request)
    ) {
      expect(body).not.toMatch(/script/);
    }
  });

  test('afterwards the proxy serves a clean request at once', async () => {
    origins.secure.answer = plainAnswer;
    const authority = `ok.test:${origins.secure.port}`;
    const begin = performance.now();
    const tls = await tlsThrough(port(), authority, { ca: anchor });
    expect(await get(tls, authority, '/clean')).toMatch(/^HTTP\/1\.1 200 /);
    expect(performance.now() - begin).toBeLessThan(1_000);
    await until(() => proxy.connections === 0, 'all connections to be closed');
  });
});

/** Tags that the page is made of. */
const OUR_TAGS =
  /^<(?:html lang="en"|head|meta (?:charset="utf-8"|name="[a-z]+" content="[a-z=-]+")|title|style|body|h[12]|dl|dt|dd|p|p class="say"|pre|footer)>$/;

describe('KEY-02/03: the key of the CA and its passphrase', () => {
  test('are in no log, page, argument or variable of a proxy at work, nor is there a door to its memory', async () => {
    const passphrase = 'opensesame-73f1';
    const { folder, config } = configFolder(
      [
        'ca: { cert: ca.pem, key: ca-key.pem, passphraseFile: pass }',
        'log: { access: [{ path: access.json, format: json }, { path: access.log, format: squid }], service: { level: debug } }',
        'policy: { rules: [{ name: ok, hosts: [ok.test], action: allow }] }',
        'resolver: { hosts: { ok.test: 127.0.0.2 } }',
      ].join('\n'),
    );
    writeFileSync(join(folder, 'pass'), `${passphrase}\n`, { mode: 0o600 });
    const program = startProgram([MAIN, 'run', '--config', config], { folder });
    const at = Number((await program.err(/"port":(\d+),"msg":"listening"/))[1]);
    const pem = readFileSync(join(folder, 'ca-key.pem'), 'utf8');
    expect(pem).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    const key = createPrivateKey({ key: pem, passphrase });
    const scalar = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
    expect(scalar).toHaveLength(32);
    const der = key.export({ format: 'der', type: 'pkcs8' });
    const needles = [
      passphrase,
      'PRIVATE KEY',
      scalar.toString('latin1'),
      ...[scalar, der].flatMap((bytes) =>
        (['hex', 'base64', 'base64url'] as const).map((coding) => bytes.toString(coding)),
      ),
      ...pem.split('\n').slice(1, -2),
    ];
    const found = (text: string): string[] =>
      needles.filter((needle) => needle !== '' && text.toLowerCase().includes(needle.toLowerCase()));
    expect(found(`x${pem}`).length).toBeGreaterThan(1);

    const seen: string[] = [];
    for (const path of ['/', '/ca.pem', '/ca.crt', '/ca.der', '/ca.p12', '/proxy.pac']) {
      const reply = await say(at, `GET ${path} HTTP/1.1\r\nHost: proxy.test:3128\r\nConnection: close\r\n\r\n`);
      expect(reply).toMatch(/^HTTP\/1\.1 200 /);
      seen.push(reply);
    }
    for (const path of SIDE_DOORS) {
      const reply = await say(at, `GET ${path} HTTP/1.1\r\nHost: proxy.test:3128\r\nConnection: close\r\n\r\n`);
      // The manager reports are there, but not by a foreign name.
      const status = path.startsWith('/squid-internal-mgr/') ? 403 : 400;
      expect([path, reply.slice(0, 12)]).toEqual([path, `HTTP/1.1 ${status}`]);
      seen.push(reply);
    }
    const { socket } = await connectThrough(at, 'ok.test:1');
    socket.end('nonsense');
    await readAll(socket);
    const dropped = await dialProxy(at);
    dropped.resetAndDestroy();
    // Node would open a debugger at the first, and write a report at the second if it were told to.
    for (const signal of ['SIGUSR1', 'SIGHUP'] as const) program.kill(signal);
    await program.err(/the config is used anew/);
    await program.err(/logs reopened/);
    expect(readFileSync(`/proc/${program.pid}/cmdline`, 'latin1')).not.toContain('inspect');
    seen.push(...['cmdline', 'environ'].map((name) => readFileSync(`/proc/${program.pid}/${name}`, 'latin1')));
    program.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    seen.push(program.outText(), program.errText());
    const names = readdirSync(folder);
    expect(names.filter((name) => /report|heap|core|\.tmp/i.test(name))).toEqual([]);
    seen.push(
      ...names.filter((name) => name.startsWith('access')).map((name) => readFileSync(join(folder, name), 'latin1')),
    );
    expect(seen.flatMap(found)).toEqual([]);
    expect(program.errText()).not.toMatch(/Debugger listening/);
  });

  test('are not in what a crash leaves on standard error', async () => {
    const passphrase = 'wrong-as-can-be-91';
    const { folder, config } = configFolder('ca: { cert: ca.pem, key: ca-key.pem, passphraseFile: pass }');
    const made = createCa({ passphrase: 'the right one' });
    writeFileSync(join(folder, 'ca.pem'), made.certificate);
    writeFileSync(join(folder, 'ca-key.pem'), made.key, { mode: 0o600 });
    writeFileSync(join(folder, 'pass'), passphrase, { mode: 0o600 });
    const program = startProgram([MAIN, 'run', '--config', config], { folder });
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.errText()).toMatch(/^\S+ca-key\.pem does not open with the passphrase in \S+pass; correct it\.\n$/);
    expect(program.errText() + program.outText()).not.toContain(passphrase);
    expect(new X509Certificate(made.certificate).ca).toBe(true);
  });
});

/** Where other servers have their keys, settings and memory. */
const SIDE_DOORS = [
  '/ca-key.pem',
  '/ca.key',
  '/../ca-key.pem',
  '/..%2fca-key.pem',
  '/certs/ca-key.pem',
  '/pass',
  '/json/list',
  '/debug/heap',
  '/debug/pprof/heap',
  '/heapdump',
  '/heapsnapshot',
  '/actuator/env',
  '/config',
  '/squid-internal-mgr/config',
];
