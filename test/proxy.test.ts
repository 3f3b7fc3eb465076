// One worker put together: what stops it from starting leaves nothing behind, and closing it is patient, final and asked
// for as often as one likes.

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../src/config/config.ts';
import type { ServiceLog } from '../src/log/service-log.ts';
import { createCa } from '../src/pki/create-ca.ts';
import { MASTER_LIFE } from '../src/pki/ticket-keys.ts';
import { policyOf, type RunningProxy, startProxy, upstreamOf } from '../src/proxy.ts';
import { tcpOrigin } from './support/origin.ts';
import {
  connectThrough,
  dialProxy,
  readAll,
  readUntil,
  rigConfig,
  say,
  startRig,
  until,
  WORKERS,
} from './support/rig.ts';
import { writeUsers } from './support/users.ts';

const DAY = 24 * 3_600_000;

interface Said {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function recorder(): { readonly log: ServiceLog; readonly said: Said[] } {
  const said: Said[] = [];
  const at = (level: string) => (fields: object, message: string) => void said.push({ level, fields, message });
  return { said, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

function setting(change: (config: Config, folder: string) => Partial<Config> = () => ({})): Config {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = rigConfig(folder);
  return { ...config, ...change(config, folder) };
}

async function start(config: Config, log = recorder().log): Promise<RunningProxy> {
  const proxy = await startProxy(config, log);
  onTestFinished(() => proxy.close(0));
  return proxy;
}

/** A port that is free now, and is asked for by number. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === 'object' && bound ? bound.port : 0;
}

describe('a start', () => {
  test('makes the CA once and says so', async () => {
    const config = setting();
    const first = await start(config);
    expect(first.caCreated).toBe(true);
    await first.close(0);
    const second = await start(config);
    expect(second.caCreated).toBe(false);
    expect(second.ca.fingerprint).toBe(first.ca.fingerprint);
  });

  test('warns of a CA that will not last', async () => {
    const config = setting((_, folder) => ({ ca: { cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') } }));
    const made = createCa({ now: new Date(Date.now() - 3640 * DAY) });
    writeFileSync(config.ca.cert, made.certificate);
    writeFileSync(config.ca.key, made.key, { mode: 0o600 });
    const { log, said } = recorder();
    await start(config, log);
    expect(said).toEqual([{ level: 'warn', fields: {}, message: expect.stringMatching(/expires in \d days/) }]);
  });

  test.each<[code: string, detail: RegExp, change: (config: Config, folder: string) => Partial<Config>]>([
    [
      'trust-unusable',
      /none\.pem cannot be read/,
      ({ upstream }) => ({ upstream: { ...upstream, trust: ['/none.pem'] } }),
    ],
    [
      'log-failed',
      /in-the-way\/access\.log: E\w+: .*: make it writable for this user, or name another path under "log"\.$/,
      ({ log }, folder) => {
        writeFileSync(join(folder, 'in-the-way'), '');
        return { log: { ...log, access: [{ path: join(folder, 'in-the-way/access.log'), format: 'squid' }] } };
      },
    ],
    [
      'config-invalid',
      /not an IP|range|address/,
      ({ upstream }) => ({ upstream: { ...upstream, allowAddresses: ['x'] } }),
    ],
    [
      'config-invalid',
      /"lb\.test" is not an IP address/,
      () => ({ listen: [{ address: '127.0.0.1', port: 0, names: [], proxyProtocol: { from: ['lb.test'] } }] }),
    ],
    [
      'config-invalid',
      /method "get" is not in upper case/,
      ({ policy }) => ({
        policy: { ...policy, rules: [{ name: 'r', hosts: ['a.test'], methods: ['get'], action: 'allow' }] },
      }),
    ],
  ])('that fails with %s opens no port', async (code, detail, change) => {
    const port = await freePort();
    const changed = setting(change);
    const config = { ...changed, listen: changed.listen.map((one) => ({ ...one, address: '127.0.0.1', port })) };
    await expect(startProxy(config, recorder().log)).rejects.toMatchObject({
      code,
      detail: expect.stringMatching(detail),
    });
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('that fails at its second port closes the first', async () => {
    const taken = await start(setting());
    const port = await freePort();
    const second = { address: '127.0.0.1', port: taken.addresses[0]?.port ?? 0, names: [] };
    const config = { ...setting(), listen: [{ address: '127.0.0.1', port, names: [] }, second] };
    await expect(startProxy(config, recorder().log)).rejects.toMatchObject({ code: 'listen-failed' });
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a log', () => {
  test('that fails later is told to the service log, and nobody is refused for it', async () => {
    const config = setting();
    const { log, said } = recorder();
    const proxy = await start(config, log);
    const path = config.log.access[0]?.path ?? '';
    rmSync(path);
    mkdirSync(path);
    await expect(proxy.reopenLogs()).rejects.toMatchObject({ code: 'log-failed' });
    expect(said).toEqual([
      { level: 'error', fields: { error: expect.stringContaining('EISDIR') }, message: 'access log' },
      expect.objectContaining({ level: 'error', fields: { log: path } }),
    ]);
    const reply = await say(proxy.addresses[0]?.port ?? 0, 'GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('closing', () => {
  const tunnelled = { rules: [{ name: 't', hosts: ['t.test'], action: 'allow', tls: 'tunnel' }] } as const;

  async function openTunnel() {
    const origin = await tcpOrigin((socket) => socket.pipe(socket));
    onTestFinished(() => origin.close());
    const rig = await startRig({ policy: tunnelled, hosts: { 't.test': '127.0.0.1' } });
    const { socket } = await connectThrough(rig.port, `t.test:${origin.port}`);
    socket.write('ping');
    await readUntil(socket, 'ping');
    return { rig, socket };
  }

  test('waits for what is in flight, but lets idle connections go at once', async () => {
    const { rig, socket } = await openTunnel();
    const idle = await dialProxy(rig.port);
    idle.write('GET / HTTP/1.1\r\nHost: me\r\n\r\n');
    await readUntil(idle, '</html>\n');
    const closed = rig.proxy.close(20_000);
    await readAll(idle);
    idle.destroy();
    socket.write('pong');
    await readUntil(socket, 'pong');
    socket.end();
    await closed;
    expect(rig.proxy.connections).toBe(0);
    expect(await rig.lines(3)).toContainEqual(expect.stringMatching(/^TCP_TUNNEL\/200 N - t\.test/));
  });

  test('cuts what is left when the grace is over, and logs it as cut', async () => {
    const { rig, socket } = await openTunnel();
    const rest = readAll(socket);
    await rig.proxy.close(50);
    await rest;
    expect(await rig.lines(2)).toContainEqual(expect.stringMatching(/^TCP_TUNNEL_ABORTED\/200 N - t\.test/));
  });

  // How many passwords are checked at once is each worker's.
  test.skipIf(WORKERS > 1)(
    'has a line for each CONNECT and each request whose password still waits to be checked',
    async () => {
      const { htpasswd } = writeUsers({ alice: 'right' });
      const rig = await startRig({
        auth: { basic: { htpasswd, realm: 'r' }, groups: {} },
        limits: { passwordsPerClient: 1, handshakeTimeout: 20_000 },
        policy: { rules: [{ name: 'known', hosts: ['a.test'], authenticated: true, action: 'allow' }] },
      });
      const ask = async (head: string, at: number): Promise<string> => {
        const socket = await dialProxy(rig.port);
        const asking = Buffer.from(`alice:guess ${at}`).toString('base64');
        socket.write(`${head} HTTP/1.1\r\nHost: a.test:443\r\nProxy-Authorization: Basic ${asking}\r\n\r\n`);
        return readAll(socket);
      };
      const heads = ['CONNECT a.test:443', 'GET http://a.test:443/'];
      const all = Array.from({ length: 12 }, (_, at) => ask(heads[at % 2] ?? '', at));
      // What may be checked at once.
      await rig.entries(2);
      await until(() => rig.proxy.connections === 12, 'all of them');
      await rig.proxy.close(0);
      await Promise.all(all);
      const entries = await rig.entries(12);
      expect(entries).toHaveLength(12);
      const cut = entries.filter(({ error }) => error === 'shutting-down');
      expect(new Set(cut.map(({ method, outcome, status }) => `${method} ${outcome} ${status}`))).toEqual(
        new Set(['CONNECT aborted 0', 'GET aborted 0']),
      );
    },
  );

  test('asked again with less grace is done sooner, for both who asked', async () => {
    const { rig, socket } = await openTunnel();
    const begin = performance.now();
    const rest = readAll(socket);
    const patient = rig.proxy.close(20_000);
    await rig.proxy.close(0);
    await patient;
    await rest;
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(readFileSync(join(rig.folder, 'access.log'), 'utf8')).toContain('TCP_TUNNEL_ABORTED/200');
  });

  test('asked again with more grace is not done later', async () => {
    const { rig } = await openTunnel();
    const begin = performance.now();
    await Promise.all([rig.proxy.close(50), rig.proxy.close(20_000)]);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});

test('counts the connections that are open', async () => {
  const rig = await startRig();
  expect(rig.proxy.connections).toBe(0);
  const socket = await dialProxy(rig.port);
  await until(() => rig.proxy.connections === 1, 'the connection');
  socket.destroy();
  await until(() => rig.proxy.connections === 0, 'its end');
});

test('never dials itself, by whichever name it is asked for', async () => {
  const rig = await startRig({ policy: { default: 'allow' }, hosts: { 'me.test': '127.0.0.1' } });
  const target = `me.test:${rig.port}`;
  const reply = await say(rig.port, `GET http://${target}/ HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`);
  expect(reply).toMatch(/^HTTP\/1\.1 403/);
  expect(reply).toContain('is this proxy itself');
});

test('policyOf gives the policy that the config describes', () => {
  const { policy } = rigConfig('/tmp', { policy: { default: 'allow' } });
  const decision = policyOf({ ...rigConfig('/tmp'), policy }).decideConnect({
    client: '192.0.2.1',
    authority: { kind: 'name', host: 'a.test', port: 443 },
  });
  expect(decision).toMatchObject({ action: 'allow', rule: 'default' });
});

test('upstreamOf asks whether an address is our own before it is dialled', async () => {
  const asked: string[] = [];
  const upstream = upstreamOf(rigConfig('/tmp', { hosts: { 'a.test': '127.0.0.1' } }), (address, port) => {
    asked.push(`${address}:${port}`);
    return true;
  });
  const authority = { kind: 'name', host: 'a.test', port: 443 } as const;
  const permit = policyOf(rigConfig('/tmp', { policy: { default: 'allow' } })).decideConnect({
    client: '192.0.2.1',
    authority,
  });
  if (permit.action !== 'allow') throw new Error('denied');
  await expect(upstream.locate(permit)).rejects.toMatchObject({ code: 'address-forbidden' });
  expect(asked).toEqual(['127.0.0.1:443']);
});

test.skipIf(WORKERS > 1)('a process alone makes the keys of session tickets anew twice a day', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const rig = await startRig({ names: ['proxy.test'] });
  const shake = (session?: Buffer): TLSSocket => {
    const options = { port: rig.port, host: '127.0.0.1', servername: 'proxy.test', ca: rig.ca };
    const client = connectTls(session ? { ...options, session } : options);
    onTestFinished(() => void client.destroy());
    return client.resume();
  };
  const resumes = async (session: Buffer): Promise<boolean> => {
    const client = shake(session);
    await once(client, 'secureConnect');
    return client.isSessionReused();
  };
  const [session] = await once(shake(), 'session');
  vi.advanceTimersByTime(MASTER_LIFE - 1);
  expect(await resumes(session)).toBe(true);
  vi.advanceTimersByTime(1);
  expect(await resumes(session)).toBe(false);
});
