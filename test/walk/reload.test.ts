// A proxy that runs while its config changes: under load nothing fails, a config that is broken changes nothing, what passes
// unread becomes what policy.onReload says, and a stop lets what is in flight finish. FULL_COUNTS=1 for the counts of a release.

import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { askAdmin } from '../../src/admin/admin-client.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { MIGRATES } from '../support/migrates.ts';
import { httpOrigin, httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { configFolder, MAIN, type Program, startProgram } from '../support/program.ts';
import { connectThrough, get, normalLine, readAll, readUntil, say, tlsThrough, until } from '../support/rig.ts';
import { closedPort } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const FULL = process.env['FULL_COUNTS'] === '1';
const RELOADS = FULL ? 100 : 12;
const BROKEN = FULL ? 100 : 20;
const IN_FLIGHT = FULL ? 500 : 100;
/** Milliseconds for one of them, on a machine that runs other tests as well. */
const LIMIT = FULL ? 900_000 : 120_000;
/** Requests a second while the config changes. */
const RATE = 200;
/** Milliseconds between two reloads. */
const PAUSE = FULL ? 150 : 100;

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
  readonly config: string;
  readonly ca: string;
  write(text: string): void;
  ask(method: 'GET' | 'POST', path: string): Promise<{ status: number; answer: Record<string, unknown> }>;
  lines(): string[];
}

/** Replies that wait for a test. */
let held: (() => void)[] = [];
let testCa: TestCa;
let plain: Origin;
let secure: Origin;
let echo: Origin;

beforeAll(async () => {
  testCa = new TestCa();
  plain = await httpOrigin(async (incoming, response) => {
    const delay = Number(/delay=(\d+)/.exec(incoming.url ?? '')?.[1] ?? 0);
    if (delay > 0) await wait(delay);
    if (incoming.url === '/hold') held.push(() => void response.end('ok'));
    else response.end('ok');
  });
  secure = await httpsOrigin(testCa.leaf({ san: 'DNS:origin.test' }), (_, response) => void response.end('ok'));
  echo = await tcpOrigin((socket) => socket.pipe(socket));
});
afterAll(async () => {
  await Promise.all([plain.close(), secure.close(), echo.close()]);
});

const rule = (more: string): string => `- { name: o, hosts: [origin.test], action: allow${more} }`;

function textOf(workers: number, rules: readonly string[] = [rule('')], more: readonly string[] = []): string {
  return [
    'version: 1',
    `workers: ${workers}`,
    'listen: [{ address: 127.0.0.1, port: 0 }]',
    `upstream: { trust: [${testCa.rootFile}], allowAddresses: [127.0.0.0/8] }`,
    'resolver: { hosts: { origin.test: 127.0.0.1, other.test: 127.0.0.1 } }',
    'limits: { connectionsPerClient: 10000, handshakesPerClient: 1000, mintsPerClient: 1000 }',
    'policy:',
    '  connectPorts: [1-65535]',
    '  httpPorts: [1-65535]',
    ...more.map((line) => `  ${line}`),
    '  rules:',
    ...rules.map((each) => `    ${each}`),
    '',
  ].join('\n');
}

async function start(text: string): Promise<Running> {
  const { folder, config } = configFolder('');
  const write = (next: string): void => {
    // Whole at every moment: nobody shall read half of it.
    writeFileSync(`${config}.new`, next);
    renameSync(`${config}.new`, config);
  };
  write(text);
  const program = startProgram([MAIN, 'run', '--config', config], { folder });
  const [, port] = await program.err(/"port":(\d+),"msg":"listening"/);
  return {
    program,
    port: Number(port),
    folder,
    config,
    write,
    ca: readFileSync(join(folder, 'certs/ca.pem'), 'utf8'),
    ask: async (method, path) => {
      const { status, body } = await askAdmin(join(folder, 'run/sallyport.sock'), method, path, 30_000);
      return { status, answer: JSON.parse(body) };
    },
    lines: () => readFileSync(join(folder, 'log/access.log'), 'utf8').split('\n').slice(0, -1),
  };
}

function getPlain(port: number, path: string, agent: Agent | false = false, host = 'origin.test'): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: `http://${host}:${plain.port}${path}`,
      headers: { Host: `${host}:${plain.port}` },
      agent,
    });
    asked.once('error', reject).once('response', (response) => {
      response
        .resume()
        .once('error', reject)
        .once('end', () => resolve(response.statusCode ?? 0));
    });
    asked.end();
  });
}

async function getBumped({ port, ca }: Running): Promise<number> {
  const socket = await tlsThrough(port, `origin.test:${secure.port}`, { ca });
  const text = await get(socket, `origin.test:${secure.port}`);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
}

/** Kept connections, new ones and decrypted ones in turn, until it is stopped. */
function load(running: Running) {
  const outcomes: (number | string)[] = [];
  const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const all: Promise<void>[] = [];
  let over = false;
  const ended = (async () => {
    const begin = performance.now();
    for (let at = 0; !over; at += 1) {
      const way = at % 10;
      const agent = way < 6 ? (agents[at % agents.length] ?? false) : false;
      const asked = way === 9 ? getBumped(running) : getPlain(running.port, '/', agent);
      all.push(
        asked.then(
          (status) => void outcomes.push(status),
          (error: Error) => void outcomes.push(error.message),
        ),
      );
      await wait(Math.max(0, begin + ((at + 1) * 1_000) / RATE - performance.now()));
    }
    await Promise.all(all);
    for (const agent of agents) agent.destroy();
  })();
  return {
    stop: async () => {
      over = true;
      await ended;
      return outcomes;
    },
  };
}

const counted = (outcomes: readonly (number | string)[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
};

describe.each([1, 2])('a reload, with %i in "workers"', { timeout: LIMIT }, (workers) => {
  test(`REL-04: ${RELOADS} of them at ${RATE} requests a second: none fails, and each is in force when it is answered`, {
    timeout: LIMIT,
  }, async () => {
    const running = await start(textOf(workers));
    const { port } = running;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    expect(await getPlain(port, '/', agent, 'other.test')).toBe(403);
    const requests = load(running);
    const seen: number[] = [];
    for (let count = 1; count <= RELOADS; count += 1) {
      const allowed = count % 2 === 1;
      const other = `- { name: r${count}, hosts: [other.test], action: ${allowed ? 'allow' : 'deny'} }`;
      running.write(textOf(workers, [other, rule('')]));
      if (count % 3 === 0) {
        running.program.kill('SIGHUP');
        await until(() => times(running.program.errText(), 'the config is used anew') === count, `reload ${count}`);
      } else {
        const { status, answer } = await running.ask('POST', '/v1/reload');
        expect([status, answer]).toEqual([200, { ok: true, generation: count + 1, changed: ['policy'], waiting: [] }]);
      }
      // On a connection that is kept, too: a request is decided by the config of when it came.
      const statuses = await Promise.all([1, 2, 3, 4].map(() => getPlain(port, '/', agent, 'other.test')));
      seen.push(...statuses.filter((status) => status !== (allowed ? 200 : 403)));
      await wait(PAUSE);
    }
    const outcomes = await requests.stop();
    if (process.env['RELOAD_FIGURES']) process.stderr.write(`${JSON.stringify({ workers, ...counted(outcomes) })}\n`);
    expect(seen).toEqual([]);
    expect(counted(outcomes)).toEqual({ 200: outcomes.length });
    expect(outcomes.length).toBeGreaterThan(RELOADS * 10);
  });

  test(`REL-05: ${BROKEN} broken configs: the one before goes on, and says what is wrong`, {
    timeout: LIMIT,
  }, async () => {
    const running = await start(textOf(workers));
    const requests = load(running);
    const good = textOf(workers);
    const broken: readonly ((at: number) => string)[] = [
      () => '',
      (at) => good.slice(0, 20 + ((at * 37) % (good.length - 60))).concat('\n  x: ['),
      (at) => good.replace('action: allow', `action: allowed${at}`),
      (at) => good.replace('127.0.0.0/8', `127.0.0.${at}/99`),
      (at) => `${good}unknown${at}: 1\n`,
      (at) => good.replace(testCa.rootFile, `/none/${at}.pem`),
      () => good.replace('address: 127.0.0.1', 'address: 192.0.2.1'),
      () => good.replace('version: 1', 'version: 1\nca: { cert: none.pem, key: none.pem }'),
    ];
    const codes = new Set<unknown>();
    for (let at = 0; at < BROKEN; at += 1) {
      running.write(broken[at % broken.length]?.(at) ?? '');
      const { status, answer } = await running.ask('POST', '/v1/reload');
      expect([status, answer['ok']]).toEqual([422, false]);
      codes.add(answer['code']);
      const now = (await running.ask('GET', '/v1/status')).answer;
      expect(now).toMatchObject({ generation: 1, reload: { ok: false, error: answer['error'] } });
    }
    expect(codes).toEqual(new Set(['config-invalid', 'trust-unusable', 'listen-failed', 'ca-unusable']));
    running.write(good);
    expect((await running.ask('POST', '/v1/reload')).status).toBe(200);
    const outcomes = await requests.stop();
    expect(counted(outcomes)).toEqual({ 200: outcomes.length });
    expect(times(running.program.errText(), 'the config is not used: the one before still holds')).toBe(BROKEN);
  });

  test('what has begun ends as it began: a request in flight is answered under the policy that allowed it', async () => {
    const running = await start(textOf(workers));
    const slow = getPlain(running.port, '/?delay=500');
    await wait(100);
    running.write(textOf(workers, ['- { name: none, hosts: [origin.test], action: deny }']));
    expect((await running.ask('POST', '/v1/reload')).status).toBe(200);
    expect(await getPlain(running.port, '/')).toBe(403);
    expect(await slow).toBe(200);
  });

  test.each([
    ['keep', 'deny', 'goes on'],
    ['recheck', 'allow', 'goes on'],
    ['recheck', 'deny', 'is cut'],
    ['cut', 'allow', 'is cut'],
  ])('a long tunnel, with onReload %s and a policy that says %s, %s', async (onReload, action, then) => {
    const splice = (name: string, act: string): string =>
      `- { name: ${name}, hosts: [origin.test], action: ${act}${act === 'allow' ? ', tls: tunnel' : ''} }`;
    const running = await start(textOf(workers, [splice('first', 'allow')]));
    const { socket } = await connectThrough(running.port, `origin.test:${echo.port}`);
    socket.write('ping');
    await readUntil(socket, 'ping');
    // Its end would come unheard.
    const rest = then === 'is cut' ? readAll(socket) : undefined;
    running.write(textOf(workers, [splice('second', action)], [`onReload: ${onReload}`]));
    expect((await running.ask('POST', '/v1/reload')).status).toBe(200);
    if (then === 'goes on') {
      socket.write('again');
      await readUntil(socket, 'again');
      socket.end();
      await readAll(socket);
    }
    await rest;
    await until(
      () => running.lines().length === 2,
      'two lines',
      () => running.lines().join('\n'),
    );
    const tag = then === 'goes on' ? 'TCP_TUNNEL' : 'TCP_TUNNEL_ABORTED';
    expect(running.lines().map(normalLine)[1]).toMatch(new RegExp(`^${tag}/200 N - origin.test:${echo.port} `));
  });

  test.each([
    ['keep', 'deny', 'goes on'],
    ['recheck', 'allow', 'goes on'],
    ['recheck', 'deny', 'is cut'],
    ['cut', 'allow', 'is cut'],
  ])(
    'a tunnel that is being set up, with onReload %s and a policy that says %s, %s',
    async (onReload, action, then) => {
      const tunnel = (act: string): string =>
        `- { name: t, hosts: [origin.test], action: ${act}${act === 'allow' ? ', tls: tunnel' : ''} }`;
      const running = await start(textOf(workers, [tunnel('allow')]));
      // Answered, and not dialled until the client says something.
      const { socket } = await connectThrough(running.port, `origin.test:${echo.port}`);
      running.write(textOf(workers, [tunnel(action)], [`onReload: ${onReload}`]));
      expect((await running.ask('POST', '/v1/reload')).status).toBe(200);
      socket.write('ping');
      if (then === 'goes on') {
        await readUntil(socket, 'ping');
        socket.end();
      }
      expect(await readAll(socket)).toBe('');
      await until(
        () => running.lines().length === 2,
        'two lines',
        () => running.lines().join('\n'),
      );
      const tag = then === 'goes on' ? 'TCP_TUNNEL' : 'TCP_TUNNEL_ABORTED';
      expect(running.lines().map(normalLine)[1]).toMatch(new RegExp(`^${tag}/200 \\w+ - origin.test:${echo.port} `));
    },
  );

  test('the admin port is not dialled, also when the config names another one by now (ADM-02)', async () => {
    const [port, other] = [await closedPort(), await closedPort()];
    const everything = ['- { name: all, hosts: ["127.0.0.1"], action: allow }'];
    const text = (at: string): string => `${textOf(workers, everything)}admin: { ${at} }\n`;
    const running = await start(text(`listen: "127.0.0.1:${port}"`));
    const asked = async (at: number): Promise<string> => {
      const target = `127.0.0.1:${at}`;
      return say(running.port, `GET http://${target}/metrics HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`);
    };
    expect(await asked(port)).toContain('is this proxy itself');
    for (const now of [`listen: "127.0.0.1:${other}"`, 'socket: run/sallyport.sock']) {
      running.write(text(now));
      expect((await running.ask('POST', '/v1/reload')).answer).toMatchObject({ ok: true, waiting: ['admin'] });
      expect(await asked(port)).toMatch(/^HTTP\/1\.1 403 .*is this proxy itself/s);
    }
  });

  test('a CA takes the place of another: new leaves are of the new one, and the help page offers both', async () => {
    const running = await start(textOf(workers));
    expect(await getBumped(running)).toBe(200);
    const kept = await tlsThrough(running.port, `origin.test:${secure.port}`, { ca: running.ca });
    const made = createCa();
    writeFileSync(join(running.folder, 'new.pem'), made.certificate);
    writeFileSync(join(running.folder, 'new-key.pem'), made.key, { mode: 0o600 });
    running.write(`${textOf(workers)}ca: { cert: new.pem, key: new-key.pem, previous: certs/ca.pem }\n`);
    expect((await running.ask('POST', '/v1/reload')).answer).toMatchObject({ ok: true, changed: ['ca'] });
    await expect(getBumped(running)).rejects.toThrow(/certificate|issuer/);
    expect(await getBumped({ ...running, ca: made.certificate })).toBe(200);
    expect(await get(kept, `origin.test:${secure.port}`)).toMatch(/^HTTP\/1\.1 200/);
    const page = await say(running.port, 'GET / HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n');
    expect(page).toContain('ca-previous.pem');
    const old = await say(running.port, 'GET /ca-previous.pem HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n');
    expect(old).toContain(running.ca.trim());
    const now = await say(running.port, 'GET /ca.pem HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n');
    expect(now).toContain(made.certificate.trim());
  });

  test('a listener that is added is open, one that is gone is closed, and the one that stays never was', async () => {
    const running = await start(textOf(workers));
    const requests = load(running);
    const two = textOf(workers).replace(
      'listen: [{ address: 127.0.0.1, port: 0 }]',
      'listen: [{ address: 127.0.0.1, port: 0 }, { address: 127.0.0.2, port: 0 }]',
    );
    running.write(two);
    expect((await running.ask('POST', '/v1/reload')).status).toBe(200);
    const { addresses } = (await running.ask('GET', '/v1/status')).answer;
    expect(addresses).toEqual([
      { address: '127.0.0.1', port: running.port },
      { address: '127.0.0.2', port: expect.any(Number) },
    ]);
    const added = Array.isArray(addresses) ? Number(addresses[1]?.port) : 0;
    const through = `GET / HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n`;
    expect(await sayTo('127.0.0.2', added, through)).toMatch(/^HTTP\/1\.1 200/);
    running.write(textOf(workers));
    expect((await running.ask('POST', '/v1/reload')).status).toBe(200);
    await expect(sayTo('127.0.0.2', added, through)).rejects.toThrow('ECONNREFUSED');
    const outcomes = await requests.stop();
    expect(counted(outcomes)).toEqual({ 200: outcomes.length });
  });

  test(`REL-03: ${IN_FLIGHT} in flight at a SIGTERM: all of them finish, each with its line, and it ends by itself`, {
    timeout: LIMIT,
  }, async () => {
    const running = await start(textOf(workers));
    const { program, port } = running;
    held = [];
    const settled = Promise.allSettled(Array.from({ length: IN_FLIGHT }, () => getPlain(port, '/hold')));
    await until(
      () => held.length === IN_FLIGHT,
      'all of them at the origin',
      () => `${held.length}`,
      60_000,
    );
    program.kill('SIGTERM');
    await program.err(new RegExp(`"connections":${IN_FLIGHT},"msg":"stopping"`));
    for (const answer of held) answer();
    const outcomes = (await settled).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)));
    expect(counted(outcomes)).toEqual({ 200: IN_FLIGHT });
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(
      running
        .lines()
        .map(normalLine)
        .filter((line) => line.startsWith('TCP_MISS/200 ')),
    ).toHaveLength(IN_FLIGHT);
  });
});

describe('workers', { timeout: LIMIT }, () => {
  test('can be more and fewer after a reload, and none of their requests fails', { timeout: 60_000 }, async () => {
    const running = await start(textOf(2));
    const requests = load(running);
    for (const workers of [3, 2, 3]) {
      running.write(textOf(workers));
      const { answer } = await running.ask('POST', '/v1/reload');
      expect(answer).toMatchObject({ ok: true, waiting: [] });
      await wait(500);
    }
    const outcomes = await requests.stop();
    const served = counted(outcomes)[200] ?? 0;
    // Where one leaves and the kernel may not hand over who waits at its port.
    expect(outcomes.length - served).toBeLessThanOrEqual(MIGRATES ? 0 : 1);
  });

  test('wait for a restart where there was one process', async () => {
    const running = await start(textOf(1));
    running.write(textOf(2));
    expect((await running.ask('POST', '/v1/reload')).answer).toEqual({
      ok: true,
      generation: 2,
      changed: ['workers'],
      waiting: ['workers'],
    });
  });
});

const times = (text: string, part: string): number => text.split(part).length - 1;

async function sayTo(host: string, port: number, bytes: string): Promise<string> {
  const socket = connect({ host, port });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes);
  return readAll(socket);
}
