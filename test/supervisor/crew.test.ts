// The workers together: a place that becomes empty is filled, and the end comes, whatever a worker does.

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { handOver } from '../../src/pki/handed-ca.ts';
import { MASTER_LIFE } from '../../src/pki/ticket-keys.ts';
import { Crew, type CrewOptions } from '../../src/supervisor/crew.ts';
import { childrenOf } from '../support/proxy-process.ts';
import { dialProxy, rigConfig, say, until } from '../support/rig.ts';
import { serviceRecorder } from '../support/service-recorder.ts';
import { closedPort } from '../support/socket-pair.ts';

/** Three beats of a worker, in milliseconds: less than what is usual, so that nobody has to wait for that. */
const SILENCE = 3_000;

/** A worker, a spare and a shared port. */
async function start(options: Partial<Pick<CrewOptions, 'silence' | 'abandoned' | 'workers'>> = {}, given?: number) {
  const folder = mkdtempSync(join(tmpdir(), 'crew-'));
  const rig = rigConfig(folder);
  const { ca } = await openCertificateAuthority(rig.ca);
  const port = given ?? (await closedPort());
  const config = {
    ...rig,
    listen: [{ address: '127.0.0.1', port, names: ['proxy.test'] }],
    upstream: { ...rig.upstream, trust: [rig.ca.cert] },
  };
  const { log, said: all } = serviceRecorder();
  const said = () => all.filter(({ level }) => level !== 'debug');
  /** The workers that stand by, as they were told of. */
  const spares = () => all.flatMap(({ level, fields }) => (level === 'debug' ? [Number(fields['workerPid'])] : []));
  const before = new Set(childrenOf(process.pid));
  const crew = await Crew.start({ workers: 1, config, ca: handOver(ca), service: log, ...options });
  onTestFinished(() => crew.close(0));
  const children = (): number[] => childrenOf(process.pid).filter((pid) => !before.has(pid));
  const served = (): Promise<string> =>
    dialProxy(port).then(
      () => 'in',
      (error: Error) => error.message,
    );
  return { crew, said, spares, children, served, port, folder, ca: ca.anchor.toString() };
}

test('a worker that is killed is told, and the spare takes its place', async () => {
  const { said, spares, children, served } = await start();
  await until(() => spares().length === 1, 'the spare', undefined, 10_000);
  const [spare = 0] = spares();
  const [worker = 0] = children().filter((pid) => pid !== spare);
  process.kill(worker, 'SIGKILL');
  await until(() => said().length === 2, 'the next worker', undefined, 10_000);
  expect(said()).toEqual([
    {
      level: 'warn',
      fields: { worker: 1, reason: 'SIGKILL', delay: 0 },
      message: 'a worker has left, another takes its place',
    },
    { level: 'info', fields: { worker: 1, workerPid: spare }, message: 'a worker has taken the place' },
  ]);
  expect(await served()).toBe('in');
  await until(() => spares().length === 2, 'another spare', undefined, 10_000);
});

test('a worker is replaced though the log cannot be opened just then', { timeout: 60_000 }, async () => {
  const { said, spares, children, served, folder, port } = await start();
  await until(() => spares().length === 1, 'the spare', undefined, 30_000);
  const [spare = 0] = spares();
  const [worker = 0] = children().filter((pid) => pid !== spare);
  const path = join(folder, 'access.log');
  rmSync(path);
  mkdirSync(path);
  process.kill(worker, 'SIGKILL');
  await until(
    () => said().some(({ message }) => message === 'a worker has taken the place'),
    'the next worker',
    () => JSON.stringify(said()),
    30_000,
  );
  expect(await served()).toBe('in');
  expect(await say(port, 'GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200/);
});

test('a spare that is killed costs nothing, and the next worker is made from the start', async () => {
  const { said, spares, children, served } = await start();
  await until(() => spares().length === 1, 'the spare', undefined, 10_000);
  const [spare = 0] = spares();
  const [worker = 0] = children().filter((pid) => pid !== spare);
  process.kill(spare, 'SIGKILL');
  await until(() => children().length === 1, 'its end');
  expect([said(), await served()]).toEqual([[], 'in']);
  process.kill(worker, 'SIGKILL');
  await until(() => said().length === 2, 'the next worker', undefined, 15_000);
  expect(said()[1]?.message).toBe('a worker has taken the place');
  expect(await served()).toBe('in');
});

test('a worker that hangs is told, killed and replaced', async () => {
  const { said, spares, children, served } = await start({ silence: SILENCE });
  await until(() => spares().length === 1, 'the spare', undefined, 10_000);
  const [spare = 0] = spares();
  const [worker = 0] = children().filter((pid) => pid !== spare);
  const begin = performance.now();
  // It keeps its port, and is dealt connections.
  process.kill(worker, 'SIGSTOP');
  await until(() => said().length === 3, 'the next worker', undefined, 15_000);
  // A beat may just have come, or be due; the last look is one tenth late at most.
  expect(performance.now() - begin).toBeGreaterThan(SILENCE - 1_100);
  expect(said()).toEqual([
    {
      level: 'error',
      fields: { worker: 1, workerPid: worker, silence: SILENCE },
      message: 'a worker gives no sign of life and is killed',
    },
    {
      level: 'warn',
      fields: { worker: 1, reason: 'SIGKILL', delay: 0 },
      message: 'a worker has left, another takes its place',
    },
    { level: 'info', fields: { worker: 1, workerPid: spare }, message: 'a worker has taken the place' },
  ]);
  expect(await served()).toBe('in');
  expect(children()).not.toContain(worker);
});

test('a spare that hangs is killed as well', async () => {
  const { said, spares, children, served } = await start({ silence: SILENCE });
  await until(() => spares().length === 1, 'the spare', undefined, 10_000);
  const [spare = 0] = spares();
  process.kill(spare, 'SIGSTOP');
  await until(() => !children().includes(spare), 'its end', undefined, 15_000);
  expect(said()).toEqual([
    {
      level: 'error',
      fields: { worker: undefined, workerPid: spare, silence: SILENCE },
      message: 'a worker gives no sign of life and is killed',
    },
  ]);
  expect(await served()).toBe('in');
});

test('workers are not taken for dead because the supervisor stood still', async () => {
  const { said, spares, children } = await start({ silence: SILENCE });
  await until(() => spares().length === 1, 'the spare', undefined, 10_000);
  const before = children();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SILENCE * 1.5);
  await wait(SILENCE / 2);
  expect([said(), children()]).toEqual([[], before]);
});

test('a start that is abandoned leaves nobody behind', async () => {
  const asked = new AbortController();
  const before = new Set(childrenOf(process.pid));
  const children = (): number[] => childrenOf(process.pid).filter((pid) => !before.has(pid));
  const starting = start({ abandoned: asked.signal });
  starting.catch(() => undefined);
  await until(() => children().length === 1, 'the worker', undefined, 10_000);
  asked.abort('not wanted');
  await expect(starting).rejects.toBe('not wanted');
  expect(children()).toEqual([]);
  await expect(start({ abandoned: asked.signal })).rejects.toBe('not wanted');
  expect(children()).toEqual([]);
});

test.each([1, 2])(
  'a start of which %i of 2 workers end by the signal that abandons it, and first, was abandoned all the same',
  async (count) => {
    const before = new Set(childrenOf(process.pid));
    const asked = new AbortController();
    const children = (): number[] => childrenOf(process.pid).filter((pid) => !before.has(pid));
    const starting = start({ workers: 2, abandoned: asked.signal });
    const said = expect(starting).rejects.toBe('SIGTERM');
    await until(() => children().length === 2, 'the workers', undefined, 10_000);
    const first = children().slice(0, count);
    // They still load their code.
    for (const pid of first) process.kill(pid, 'SIGTERM');
    // An end is heard in the turn in which it is there; that of another, who is killed then, in a later one.
    while (children().some((pid) => first.includes(pid))) await new Promise((resolve) => setImmediate(resolve));
    asked.abort('SIGTERM');
    await said;
    expect(children()).toEqual([]);
  },
);

test('a start that is abandoned lets those finish who have come in meanwhile', async () => {
  const asked = new AbortController();
  const port = await closedPort();
  const before = new Set(childrenOf(process.pid));
  const children = (): number[] => childrenOf(process.pid).filter((pid) => !before.has(pid));
  const starting = start({ workers: 2, abandoned: asked.signal }, port);
  starting.catch(() => undefined);
  await until(() => children().length === 2, 'the workers', undefined, 10_000);
  // The one that keeps the start from being over.
  process.kill(children()[1] ?? 0, 'SIGSTOP');
  let client: Socket | undefined;
  while (!client) client = await dialProxy(port).catch(() => undefined);
  let reply = '';
  client
    .on('error', () => undefined)
    .on('data', (bytes) => {
      reply += bytes.toString('latin1');
    });
  client.write(`GET /ca.pem HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`);
  asked.abort('not wanted');
  // Until nobody is let in any more.
  for (let late: Socket | undefined = client; late; late = await dialProxy(port).catch(() => undefined)) {
    if (late !== client) late.destroy();
  }
  client.write('\r\n');
  await expect(starting).rejects.toBe('not wanted');
  expect(reply).toMatch(/^HTTP\/1\.1 200 /);
  expect(children()).toEqual([]);
}, 30_000);

test('once it accepts no more, no place is filled', async () => {
  const { crew, said, children, served } = await start();
  const [worker = 0] = children();
  expect(await served()).toBe('in');
  await crew.stopAccepting();
  expect(await served()).toContain('ECONNREFUSED');
  process.kill(worker, 'SIGKILL');
  await until(() => !children().includes(worker), 'its end');
  await crew.close(1_000);
  expect(children()).toEqual([]);
  expect(said()).toEqual([]);
});

test('a worker that does not obey is killed when the grace is over', async () => {
  const { crew, children } = await start();
  for (const pid of children()) process.kill(pid, 'SIGSTOP');
  const begin = performance.now();
  const first = crew.close(60_000);
  await crew.close(0);
  await first;
  expect(performance.now() - begin).toBeLessThan(10_000);
  expect(children()).toEqual([]);
});

test('the keys of session tickets are made anew twice a day', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { crew, port, ca } = await start();
  const shake = (session?: Buffer): TLSSocket => {
    const options = { port, host: '127.0.0.1', servername: 'proxy.test', ca };
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
  await crew.reopenLogs();
  expect(await resumes(session)).toBe(true);
  vi.advanceTimersByTime(1);
  // Orders are obeyed in turn.
  await crew.reopenLogs();
  expect(await resumes(session)).toBe(false);
});
