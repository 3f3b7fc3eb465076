// Faults of our own and starts that cannot be: a throw in any handler costs one transaction and nothing else, and what
// cannot start says so and leaves nothing half open.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { OriginPools } from '../../src/http/origin-pools.ts';
import { OwnPages } from '../../src/http/own-pages.ts';
import { AccessLog } from '../../src/log/access-log.ts';
import { createServiceLog } from '../../src/log/service-log.ts';
import { PeerVerifier } from '../../src/net/peer-verifier.ts';
import { Resolver } from '../../src/net/resolver.ts';
import { Upstream } from '../../src/net/upstream.ts';
import { LeafContext } from '../../src/pki/leaf-context.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { AddressGuard } from '../../src/policy/address-guard.ts';
import { Policy } from '../../src/policy/policy.ts';
import { type RunningProxy, startProxy } from '../../src/proxy.ts';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import {
  connectThrough,
  dialProxy,
  type Entry,
  get,
  readAll,
  rigConfig,
  say,
  tlsThrough,
  until,
} from '../support/rig.ts';
import { NODE } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';
import { plainAnswer, type Recorder, record } from './recorder.ts';

const ca = new TestCa();

describe('a throw', () => {
  const pair = ca.leaf({ san: 'DNS:ok.test' });
  const faults: string[] = [];
  let uncaught = 0;
  let proxy: RunningProxy;
  let plain: Recorder;
  let secure: Recorder;
  let anchor: string;
  let entriesFile: string;
  const port = (): number => proxy.addresses[0]?.port ?? 0;
  const entries = (): Entry[] =>
    readFileSync(entriesFile, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line): Entry => JSON.parse(line));
  const onUncaught = (): void => {
    uncaught += 1;
  };

  beforeAll(async () => {
    process.on('uncaughtExceptionMonitor', onUncaught);
    plain = await record('127.0.0.2');
    const folder = configFolder().folder;
    const config = rigConfig(folder, {
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.2' },
      policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
    });
    entriesFile = join(folder, 'access.json');
    proxy = await startProxy(config, createServiceLog({ level: 'error' }, { write: (text) => faults.push(text) }));
    anchor = readFileSync(config.ca.cert, 'utf8');
  });
  afterAll(async () => {
    process.off('uncaughtExceptionMonitor', onUncaught);
    await Promise.all([proxy.close(0), plain.close()]);
  });
  beforeEach(async () => {
    // A new one each time, so that it has to be dialled and verified.
    secure = await record('127.0.0.2', pair);
    uncaught = 0;
    faults.length = 0;
    plain.answer = plainAnswer;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await secure.close();
  });

  const request = (): Promise<string> => {
    const host = `ok.test:${plain.port}`;
    return say(port(), `GET http://${host}/x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  };
  const bumped = async (): Promise<string> => {
    const authority = `ok.test:${secure.port}`;
    const tls = await tlsThrough(port(), authority, { ca: anchor });
    return get(tls, authority);
  };
  const failing = (how: () => Promise<string>): Promise<string> => how().catch((error: unknown) => `failed: ${error}`);
  const connect = async (): Promise<string> => {
    const authority = `ok.test:${secure.port}`;
    const socket = await dialProxy(port());
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    return readAll(socket);
  };
  const greet = async (): Promise<string> => {
    const { socket } = await connectThrough(port(), `ok.test:${secure.port}`);
    socket.write(hello({ extensions: [extension(0, hostNames('ok.test'))] }));
    return readAll(socket);
  };

  const distrusted = async (): Promise<string> => {
    const stranger = await record('127.0.0.2', new TestCa('Stranger').leaf({ san: 'DNS:ok.test' }));
    onTestFinished(() => stranger.close());
    const authority = `ok.test:${stranger.port}`;
    return get(await tlsThrough(port(), authority, { ca: anchor }), authority);
  };
  type Place = readonly [what: string, arm: () => { mock: { calls: unknown[] } }, how: () => Promise<string>];
  const injected = (): TypeError => new TypeError('injected');
  const fault = (): never => {
    throw injected();
  };
  /** A name is asked about only where it is not remembered: until the fault it is not. */
  const resolverFault = (): { mock: { calls: unknown[] } } => {
    const memory = vi.spyOn(Resolver.prototype, 'recall').mockReturnValue(undefined);
    return vi.spyOn(Resolver.prototype, 'resolve').mockImplementationOnce(() => {
      memory.mockRestore();
      throw injected();
    });
  };
  const own = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  const places: readonly Place[] = [
    [
      'the policy on a request',
      () => vi.spyOn(Policy.prototype, 'decideRequest').mockImplementationOnce(fault),
      request,
    ],
    [
      'the policy on a CONNECT',
      () => vi.spyOn(Policy.prototype, 'decideConnect').mockImplementationOnce(fault),
      connect,
    ],
    [
      'the policy on a server name',
      () => vi.spyOn(Policy.prototype, 'decideHello').mockImplementationOnce(fault),
      greet,
    ],
    ['the look at the CA', () => vi.spyOn(LeafStore.prototype, 'maySignFor').mockImplementationOnce(fault), connect],
    ['the mint', () => vi.spyOn(LeafStore.prototype, 'lend').mockRejectedValueOnce(injected()), greet],
    [
      'the mint for the port itself',
      () => vi.spyOn(LeafStore.prototype, 'lend').mockRejectedValueOnce(injected()),
      dialTls,
    ],
    [
      'the handshake with a client',
      () => vi.spyOn(LeafContext.prototype, 'lend').mockRejectedValueOnce(injected()),
      greet,
    ],
    [
      'the handshake with a client of the port itself',
      () => vi.spyOn(LeafContext.prototype, 'lend').mockRejectedValueOnce(injected()),
      dialTls,
    ],
    [
      'the memory of names, for a request',
      () => vi.spyOn(Resolver.prototype, 'recall').mockImplementationOnce(fault),
      request,
    ],
    [
      'the memory of names, for a CONNECT',
      () => vi.spyOn(Resolver.prototype, 'recall').mockImplementationOnce(fault),
      bumped,
    ],
    ['the resolver, for a request', resolverFault, request],
    ['the resolver, for a CONNECT', resolverFault, bumped],
    ['the address guard', () => vi.spyOn(AddressGuard.prototype, 'check').mockImplementationOnce(fault), request],
    ['the way to an origin', () => vi.spyOn(Upstream.prototype, 'locate').mockImplementationOnce(fault), request],
    ['the dial', () => vi.spyOn(Upstream.prototype, 'connect').mockImplementationOnce(fault), request],
    [
      'the handshake with an origin',
      () => vi.spyOn(Upstream.prototype, 'connectSecurely').mockImplementationOnce(fault),
      bumped,
    ],
    [
      'the look at its certificate',
      () => vi.spyOn(PeerVerifier.prototype, 'refusal').mockImplementationOnce(fault),
      bumped,
    ],
    [
      'the word on its bad certificate',
      () => vi.spyOn(PeerVerifier.prototype, 'explain').mockImplementationOnce(fault),
      distrusted,
    ],
    ['the pool of origins', () => vi.spyOn(OriginPools.prototype, 'ensure').mockImplementationOnce(fault), bumped],
    [
      'a page of ours',
      () => vi.spyOn(OwnPages.prototype, 'page').mockImplementationOnce(fault),
      () => say(port(), own('/')),
    ],
    [
      'the self-test',
      () => vi.spyOn(OwnPages.prototype, 'selfTest').mockImplementationOnce(fault),
      () => say(port(), own('http://sallyport.internal/').replace('Host: x', 'Host: sallyport.internal')),
    ],
    [
      'the log, for a request',
      () => vi.spyOn(AccessLog.prototype, 'write').mockImplementationOnce(fault),
      () => say(port(), own('/')),
    ],
    [
      'the log, for a refused CONNECT',
      () => vi.spyOn(AccessLog.prototype, 'write').mockImplementationOnce(fault),
      () => say(port(), 'CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\n\r\n'),
    ],
    [
      'the log, for what is no request',
      () => vi.spyOn(AccessLog.prototype, 'write').mockImplementationOnce(fault),
      () => say(port(), 'nonsense\r\n\r\n'),
    ],
  ];

  test.each(places)(
    'REL-02: in %s costs one transaction; those beside it and behind it go on',
    async (_what, arm, how) => {
      // A download that is under way all the while.
      const reply = Promise.withResolvers<Socket>();
      plain.answer = (_, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun');
        plain.answer = plainAnswer;
        reply.resolve(socket);
      };
      const beside = request();
      const slow = await reply.promise;
      const before = entries().length;
      const spy = arm();
      const answer = await failing(how);
      expect(spy.mock.calls.length).toBeGreaterThan(0);
      // Nobody outside is told what went wrong within.
      expect(answer).not.toMatch(/TypeError|\.ts:|at .*\(/);
      // Somebody inside is: by a line of the access log that is no success, or by the service log.
      const failed = (): Entry[] =>
        entries()
          .slice(before)
          .filter(({ error }) => error !== undefined);
      await until(() => faults.length > 0 || failed().length > 0, 'a word of it');
      expect(JSON.stringify([faults, failed()])).toMatch(/injected/);

      slow.write('ended');
      expect(await beside).toMatch(/begunended$/);
      expect(await request()).toMatch(/^HTTP\/1\.1 200 /);
      expect(await bumped()).toMatch(/^HTTP\/1\.1 200 /);
      expect(uncaught).toBe(0);
      await until(() => proxy.connections === 0, 'all connections to be closed');
      expect(faults.filter((text) => text.includes('internal fault')).length).toBeLessThan(2);
    },
  );

  async function dialTls(): Promise<string> {
    const socket = await dialProxy(port());
    socket.write(hello({ extensions: [extension(0, hostNames('localhost'))] }));
    return readAll(socket);
  }
});

describe('REL-13: a start', () => {
  /** Ends by itself; what it said. */
  async function fails(config: string, folder: string): Promise<string> {
    const program = startProgram([MAIN, 'run', '--config', config], { folder });
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.outText()).toBe('');
    expect(program.errText()).not.toMatch(/listening|\n\s+at /);
    expect(program.errText().trimEnd().split('\n')).toHaveLength(1);
    return program.errText();
  }

  test('of a second instance on the same port is refused, and the first one goes on', async () => {
    const { folder, config } = configFolder();
    const first = startProgram([MAIN, 'run', '--config', config], { folder });
    const port = Number((await first.err(/"port":(\d+),"msg":"listening"/))[1]);
    const second = configFolder(`listen: [{ address: 127.0.0.1, port: ${port} }]`);
    expect(await fails(second.config, second.folder)).toContain(`127.0.0.1:${port} is already in use`);
    expect(await say(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('whose second port is taken leaves the first one closed', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const bound = Object(taken.address()).port;
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const open = Object(free.address()).port;
    free.close();
    await once(free, 'close');
    const listen = `[{ address: 127.0.0.1, port: ${open} }, { address: 127.0.0.1, port: ${bound} }]`;
    const { folder, config } = configFolder(`listen: ${listen}`);
    expect(await fails(config, folder)).toContain(`127.0.0.1:${bound} is already in use`);
    await expect(dialProxy(open)).rejects.toThrow('ECONNREFUSED');
  });

  test('makes the folders that are missing, and keeps the one of the key to itself', async () => {
    const { folder, config } = configFolder(
      'ca: { cert: deep/er/ca.pem, key: deep/er/ca-key.pem }\nlog: { access: { path: also/deep/access.log, format: squid } }',
    );
    const program = startProgram([MAIN, 'run', '--config', config], { folder });
    await program.err(/"listening"/);
    expect(readdirSync(join(folder, 'deep', 'er')).sort()).toEqual(['ca-key.pem', 'ca.pem']);
    expect(existsSync(join(folder, 'also', 'deep', 'access.log'))).toBe(true);
  });

  test.each([
    ['a log', 'log: { access: { path: in-the-way/access.log, format: squid } }', /in-the-way\/access\.log: E\w+/],
    [
      'the CA',
      'ca: { cert: in-the-way/ca.pem, key: in-the-way/ca-key.pem }',
      /in-the-way\/ca\.pem cannot be looked up \(ENOTDIR/,
    ],
    ['roots', 'upstream: { trust: [none.pem] }', /none\.pem cannot be read \(ENOENT/],
  ])('with %s where there can be none is refused', async (_what, text, expected) => {
    const { folder, config } = configFolder(text);
    writeFileSync(join(folder, 'in-the-way'), 'a file');
    expect(await fails(config, folder)).toMatch(expected);
  });

  test.skipIf(process.geteuid?.() !== 0)('without the right to write is refused, and says where', async () => {
    const { folder, config } = configFolder('ca: { cert: shut/ca.pem, key: shut/ca-key.pem }');
    mkdirSync(join(folder, 'shut'));
    chmodSync(join(folder, 'shut'), 0o555);
    chmodSync(folder, 0o755);
    // Root may write anywhere, so somebody else starts it.
    const child = spawn(NODE, [MAIN, 'run', '--config', config], {
      uid: 65_534,
      gid: 65_534,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    expect(said).toMatch(/shut\/ca-key\.pem|shut belongs to another user/);
    const lines = said.trimEnd().split('\n');
    expect(lines.filter((line) => !/"level":"warn".*control socket/.test(line))).toHaveLength(1);
    expect(readdirSync(join(folder, 'shut'))).toEqual([]);
  });

  test('with standard output and error closed serves all the same', async () => {
    const port = await freePort();
    // One process: of several, the first may answer while the others start, and nobody could tell us when all are there.
    const { folder, config } = configFolder(`workers: 1\nlisten: [{ address: 127.0.0.1, port: ${port} }]`);
    const spawned = startProgram(['-c', `exec "$0" "${MAIN}" run --config "${config}" >&- 2>&-`, NODE], {
      command: 'bash',
      folder,
    });
    await until(() => existsSync(join(folder, 'log', 'access.log')), 'the log');
    const answered = async (): Promise<boolean> =>
      say(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n').then(
        (reply) => reply.startsWith('HTTP/1.1 200'),
        () => false,
      );
    while (!(await answered())) await new Promise((resolve) => setTimeout(resolve, 20));
    await until(() => /GET \/ /.test(readFileSync(join(folder, 'log', 'access.log'), 'utf8')), 'the line');
    spawned.kill('SIGTERM');
    expect(await spawned.ended).toEqual({ code: 0, signal: null });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = Object(server.address());
  server.close();
  await once(server, 'close');
  return Number(port);
}
