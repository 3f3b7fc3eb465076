// Two workers and more behind one port, under load: what a death costs and what it does not, whose lines the shared log
// holds, and TLS sessions that do not ask which worker they meet. Each proxy is started as people start it.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { paced } from '../support/paced.ts';
import { configFolder, MAIN, type Program, startProgram } from '../support/program.ts';
import { childrenOf } from '../support/proxy-process.ts';
import { until } from '../support/rig.ts';
import { type Asked, linesByPath, WorkerClients } from '../support/worker-clients.ts';

const KILLS = 20;
/** Requests a second while workers are killed. */
const RATE = 200;
/** Milliseconds before its death in which the lines of a worker may not have been written: it gathers them for 20. */
const LAST_MOMENT = 1_000;
const LINES = 4_000;

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
}

async function start(workers: number, log = 'path: log/access.log', words: readonly string[] = []): Promise<Running> {
  const { folder, config } = configFolder(
    [
      `workers: ${workers}`,
      'listen: [{ address: 127.0.0.1, port: 0, names: [proxy.test] }]',
      'policy: { httpPorts: [1-65535], rules: [{ name: o, hosts: [origin.test], action: allow }] }',
      'upstream: { trust: [root.pem], allowAddresses: [127.0.0.0/8] }',
      'resolver: { hosts: { origin.test: 127.0.0.1 } }',
      `log: { access: { ${log} }, service: { level: debug } }`,
    ].join('\n'),
  );
  const program = startProgram([...words, MAIN, 'run', '--config', config], { folder });
  const [, port] = await program.err(/"port":(\d+),"msg":"listening"/);
  return { program, port: Number(port), folder };
}

const times = (text: string, part: string): number => text.split(part).length - 1;

describe.skipIf(process.platform !== 'linux')('several workers (skipped where there is no /proc)', () => {
  let origin: Origin;
  /** How often each body has come. */
  const came = new Map<string, number>();

  beforeAll(async () => {
    origin = await httpOrigin(async (incoming, response) => {
      let body = '';
      for await (const chunk of incoming.setEncoding('latin1')) body += chunk;
      if (body !== '') came.set(body, (came.get(body) ?? 0) + 1);
      await wait(20);
      response.end('ok');
    });
  });
  afterAll(() => origin.close());

  /** Resolves with the status; rejects when the connection breaks. */
  function ask(port: number, path: string, options: { body?: string; agent?: Agent } = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request({
        port,
        host: '127.0.0.1',
        method: options.body === undefined ? 'GET' : 'POST',
        path: `http://origin.test:${origin.port}${path}`,
        headers: { Host: `origin.test:${origin.port}` },
        agent: options.agent ?? false,
      });
      asked.once('error', reject).once('response', (response) => {
        response
          .resume()
          .once('error', reject)
          .once('end', () => resolve(response.statusCode ?? 0));
      });
      asked.end(options.body);
    });
  }

  test('REL-01: a worker that is killed costs its own requests, is replaced within a second, and no POST is repeated', {
    timeout: 180_000,
  }, async () => {
    const { program, port, folder } = await start(4, 'format: json');
    const clients = new WorkerClients(program.pid, port, `origin.test:${origin.port}`);
    const { asked } = clients;
    const deaths: { pid: number; begin: number; end: number }[] = [];
    const filled: number[] = [];
    let over = false;
    // In turn on connections that are kept, and on one of its own.
    const load = paced(
      RATE,
      () => over,
      (at) => clients.post(`/post-${at}`, at % 2 === 0),
    );
    await until(() => asked.length >= RATE / 2, 'the first answers', program.errText);

    // The one that has served longest comes first; the numbers of processes do not say it, since they begin anew.
    const serving: number[] = [];
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const [, spare] = await program.err(new RegExp(`(?:"workerPid":(\\d+),"msg":"a spare stands by"[^]*){${kill}}`));
      const children = childrenOf(program.pid).filter((pid) => pid !== Number(spare));
      serving.push(...children.filter((pid) => !serving.includes(pid)));
      const oldest = serving.shift() ?? 0;
      const begin = performance.now();
      process.kill(oldest, 'SIGKILL');
      await until(() => times(program.errText(), 'a worker has left') === kill, `death ${kill}`, program.errText);
      deaths.push({ pid: oldest, begin, end: performance.now() });
      await until(() => times(program.errText(), 'has taken the place') === kill, `worker ${kill}`, program.errText);
      filled.push(performance.now() - begin);
    }
    over = true;
    await load;
    clients.close();
    program.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });

    const deathOf = (worker = ''): { begin: number } | undefined =>
      deaths.find(({ pid }) => pid === clients.pids.get(worker));
    const isAfter = (moment: number, death: { begin: number } | undefined): boolean =>
      death !== undefined && moment >= death.begin;
    // On a connection of one that died; or on one that nobody had taken yet, while one did: until it is dead, which takes the
    // system a while, it is dealt connections as well.
    const isOfADeath = ({ worker, begin, end }: Asked): boolean =>
      worker === undefined
        ? deaths.some((death) => begin <= death.end && end >= death.begin)
        : isAfter(end, deathOf(worker));
    const failed = asked.filter(({ outcome }) => outcome !== 200);
    expect(failed.filter((one) => !isOfADeath(one))).toEqual([]);

    const lines = linesByPath(readFileSync(join(folder, 'log/access.log'), 'utf8'));
    const lost: Asked[] = [];
    const isWellTold = (one: Asked): boolean => {
      const told = lines.get(one.path) ?? [];
      // What was cut before its worker was known: not by one that lives, which would have its line.
      if (one.worker === undefined)
        return told.every(({ worker }) => deathOf(worker) !== undefined || !clients.pids.has(worker));
      const [line, ...more] = told.filter(({ method }) => method === 'POST');
      const isAnswered = one.outcome === 200;
      if (line) return more.length === 0 && line.worker === one.worker && (line.status === 200 || !isAnswered);
      if (!isAnswered) return true;
      lost.push(one);
      return isAfter(one.end + LAST_MOMENT, deathOf(one.worker));
    };
    expect(asked.filter((one) => !isWellTold(one))).toEqual([]);
    const paths = new Set(asked.map(({ path }) => path));
    expect([...lines.keys()].filter((path) => !paths.has(path))).toEqual([]);

    const cut = failed.filter(({ worker }) => worker !== undefined);
    if (process.env['WORKER_FIGURES']) {
      const counts = { asked: asked.length, failed: failed.length, cut: cut.length, lost: lost.length };
      process.stderr.write(`${JSON.stringify({ ...counts, filled: filled.map(Math.round) })}\n`);
    }
    expect(asked.length).toBeGreaterThan(1_000);
    expect(paths.size).toBe(asked.length);
    // Some were in flight: else all this would prove little.
    expect(cut.length).toBeGreaterThan(0);
    expect(asked.filter(({ outcome, path }) => outcome === 200 && came.get(path) !== 1)).toEqual([]);
    expect([...came.values()].filter((count) => count !== 1)).toEqual([]);
    // One in ten may have had to wait for a machine that is busy otherwise.
    expect(filled.toSorted((a, b) => a - b)[KILLS * 0.9 - 1]).toBeLessThan(1_000);
  });

  test('a fault in a worker is logged with its number, and another serves instead', async () => {
    const preload = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.cjs');
    writeFileSync(preload, "process.on('SIGUSR2', () => { throw new Error('a fault'); });");
    const { program, port } = await start(2, undefined, ['-r', preload]);
    const [first = 0] = childrenOf(program.pid);
    process.kill(first, 'SIGUSR2');
    await program.err(/"worker":1,"workerPid":\d+,"msg":"a worker has taken the place"/);
    expect(program.errText()).toMatch(/"pid":\d+,"worker":1,[^\n]*a fault[^\n]*"msg":"uncaught exception"/);
    expect(program.errText()).toMatch(/"worker":1,"reason":"a fault","delay":0,"msg":"a worker has left/);
    await until(() => !childrenOf(program.pid).includes(first), 'the end of the first', program.errText);
    for (let at = 0; at < 10; at += 1) expect(await ask(port, '/')).toBe(200);
  });

  test('end with the supervisor, however it ends', async () => {
    const { program, port } = await start(2);
    const children = childrenOf(program.pid);
    program.kill('SIGKILL');
    const isThere = (pid: number): boolean => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    await until(
      () => !children.some(isThere),
      'the end of all',
      () => children.filter(isThere).join(' '),
    );
    await expect(ask(port, '/')).rejects.toThrow('ECONNREFUSED');
  });

  test.each(['a file', 'a pipe'])('share %s as their log, line by line', { timeout: 60_000 }, async (kind) => {
    const { program, port, folder } = await start(2, kind === 'a pipe' ? 'path: stdout' : 'path: log/access.log');
    const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    onTestFinished(() => {
      for (const agent of agents) agent.destroy();
    });
    // Lines of all lengths up to half as long again as what one write into a pipe may hold.
    const pathOf = (at: number): string => `/${at}/${'x'.repeat((at * 37) % 6_000)}`;
    let next = 0;
    await Promise.all(
      agents.map(async (agent) => {
        for (let at = next++; at < LINES; at = next++) expect(await ask(port, pathOf(at), { agent })).toBe(200);
      }),
    );
    program.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    const text = kind === 'a pipe' ? program.outText() : readFileSync(join(folder, 'log/access.log'), 'utf8');
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    const line =
      /^\d{10}\.\d{3} +\d+ 127\.0\.0\.1 TCP_MISS\/200 \d+ GET http:\/\/origin\.test:\d+(\/(\d+)\/x*)(%\.\.\.)? - HIER_DIRECT\/127\.0\.0\.1 -$/;
    const read = lines.map((each) => {
      const [, path = '', at = '', cut] = line.exec(each) ?? [];
      // A cut line is as long as a line may be, and its path is the beginning of the one that was asked for.
      const whole =
        cut === undefined ? path === pathOf(Number(at)) : each.length === 4_095 && pathOf(Number(at)).startsWith(path);
      return at !== '' && whole ? Number(at) : each;
    });
    expect(read.filter((each) => typeof each === 'string')).toEqual([]);
    expect(new Set(read).size).toBe(LINES);
    expect(lines.filter((each) => each.includes('%...')).length > 0).toBe(kind === 'a pipe');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('resume a session of %s that any of them has made', async (maxVersion) => {
    const { port, folder } = await start(2);
    const ca = readFileSync(join(folder, 'certs/ca.pem'), 'utf8');
    const shake = async (options: ConnectionOptions) => {
      const socket = connectTls({ port, host: '127.0.0.1', servername: 'proxy.test', ca, maxVersion, ...options });
      onTestFinished(() => void socket.destroy());
      socket.resume();
      const session = once(socket, 'session');
      session.catch(() => undefined);
      await once(socket, 'secureConnect');
      return { socket, session };
    };
    const [session]: Buffer[] = await (await shake({})).session;
    if (!session) throw new Error('no session');
    const resumed = await Promise.all(Array.from({ length: 20 }, () => shake({ session })));
    // That all of them fell to one worker happens once in half a million runs.
    expect(resumed.map(({ socket }) => socket.isSessionReused())).toEqual(Array.from({ length: 20 }, () => true));
  });
});
