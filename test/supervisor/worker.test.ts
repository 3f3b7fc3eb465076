// A worker from within, told by this test in place of its supervisor: what it obeys, what it ignores, and how it ends.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { handOver } from '../../src/pki/handed-ca.ts';
import { makeTicketMaster } from '../../src/pki/ticket-keys.ts';
import type { FromWorker, Start, ToWorker } from '../../src/supervisor/messages.ts';
import { work } from '../../src/supervisor/worker.ts';
import { MAIN } from '../support/program.ts';
import { dialProxy, readAll, readUntil, rigConfig, until } from '../support/rig.ts';
import { NODE } from '../support/run.ts';
import { closedPort } from '../support/socket-pair.ts';

interface Told {
  readonly child: ChildProcess;
  readonly port: number;
  /** PEM of the CA. */
  readonly ca: string;
  readonly ended: Promise<unknown[]>;
  tell(order: ToWorker): void;
  /** The next message of this type. */
  hears(type: FromWorker['type']): Promise<FromWorker>;
  said(): string;
}

async function begin(execArgv: readonly string[] = []): Promise<Told> {
  const child = fork(MAIN, ['worker'], {
    serialization: 'advanced',
    execPath: NODE,
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'exit');
  const rig = rigConfig(mkdtempSync(join(tmpdir(), 'worker-')));
  const { ca } = await openCertificateAuthority(rig.ca);
  const port = await closedPort();
  const start: Start = {
    type: 'start',
    worker: 7,
    workers: 8,
    config: {
      ...rig,
      listen: [{ address: '127.0.0.1', port, names: ['proxy.test'] }],
      upstream: { ...rig.upstream, trust: [rig.ca.cert] },
      log: { ...rig.log, service: { level: 'info' } },
      limits: { ...rig.limits, connectionsPerClient: 64 },
    },
    ca: handOver(ca),
    ticketMaster: makeTicketMaster(),
    given: new Map(),
    admin: undefined,
    later: false,
  };
  const tell = (order: ToWorker): void => void child.send(order);
  const hears = (type: FromWorker['type']): Promise<FromWorker> =>
    new Promise((resolve) => {
      const hear = (message: FromWorker): void => {
        if (message.type !== type) return;
        child.off('message', hear);
        resolve(message);
      };
      child.on('message', hear);
    });
  const listening = hears('listening');
  tell(start);
  await listening;
  return { child, port, ca: ca.anchor.toString(), ended, tell, hears, said: () => said };
}

/** Half a request: a connection that is in flight. */
async function inFlight(port: number): Promise<() => Promise<string>> {
  const socket = await dialProxy(port);
  socket.write('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
  await readUntil(socket, '</html>\n');
  socket.write('GET / HTTP/1.1\r\n');
  return () => {
    socket.write('Host: proxy\r\nConnection: close\r\n\r\n');
    return readAll(socket);
  };
}

/** TLS to the proxy itself. */
function proxyTls({ port, ca }: Told, options: ConnectionOptions = {}): TLSSocket {
  const client = connectTls({ port, host: '127.0.0.1', servername: 'proxy.test', ca, ...options });
  onTestFinished(() => void client.destroy());
  return client.resume();
}

async function newSession(told: Told): Promise<Buffer> {
  const [session] = await once(proxyTls(told), 'session');
  return session;
}

async function resumes(told: Told, session: Buffer): Promise<boolean> {
  const client = proxyTls(told, { session });
  await once(client, 'secureConnect');
  return client.isSessionReused();
}

describe('a worker', () => {
  test('ends when the supervisor is gone, once what is in flight has finished', async () => {
    const { child, port, ended } = await begin();
    const finish = await inFlight(port);
    child.disconnect();
    await expect
      .poll(() =>
        dialProxy(port).then(
          () => 'in',
          (error: Error) => error.message,
        ),
      )
      .toContain('ECONNREFUSED');
    expect(await finish()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ended).toEqual([0, null]);
  });

  test('leaves it to the supervisor what a signal means', async () => {
    const { child, port, ended, tell } = await begin();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) child.kill(signal);
    const finish = await inFlight(port);
    expect(await finish()).toMatch(/^HTTP\/1\.1 200 /);
    tell({ type: 'close', grace: 0 });
    expect(await ended).toEqual([0, null]);
  });

  test('after a fault says so, lets nobody in, finishes what it has, and fails', async () => {
    const preload = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.cjs');
    writeFileSync(preload, "process.on('SIGUSR2', () => { throw new Error('a fault'); });");
    const { child, port, ended, hears, said } = await begin(['-r', preload]);
    const finish = await inFlight(port);
    const leaving = hears('leaving');
    child.kill('SIGUSR2');
    await leaving;
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
    expect(await finish()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ended).toEqual([1, null]);
    expect(said()).toMatch(/"level":"error",[^\n]*"worker":7,[^\n]*a fault[^\n]*"msg":"uncaught exception"/);
  });

  test('gives a client its share of what the whole proxy would', async () => {
    const { port } = await begin();
    // An eighth of 64, since it is one of eight.
    for (let at = 0; at < 8; at += 1) await inFlight(port);
    expect(await readAll(await dialProxy(port))).toMatch(/^HTTP\/1\.1 429 /);
  });

  test('says again and again that it is alive, and nothing while it stands still', async () => {
    const { child, hears } = await begin();
    await hears('beat');
    await hears('beat');
    child.kill('SIGSTOP');
    await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')), 'its stand');
    // What was under way before.
    await wait(100);
    let beats = 0;
    child.on('message', () => {
      beats += 1;
    });
    await wait(1_500);
    expect(beats).toBe(0);
    const next = hears('beat');
    child.kill('SIGCONT');
    await next;
  });

  test('resumes TLS sessions until it is told another master', async () => {
    const told = await begin();
    const session = await newSession(told);
    expect(await resumes(told, session)).toBe(true);
    told.tell({ type: 'renew-tickets', ticketMaster: makeTicketMaster() });
    // Orders are obeyed in turn.
    const done = told.hears('logs-reopened');
    told.tell({ type: 'reopen-logs' });
    await done;
    expect(await resumes(told, session)).toBe(false);
    expect(await resumes(told, await newSession(told))).toBe(true);
  });
});

test('there is no worker without a supervisor', async () => {
  const { send } = process;
  Object.defineProperty(process, 'send', { value: undefined, configurable: true, writable: true });
  onTestFinished(
    () => void Object.defineProperty(process, 'send', { value: send, configurable: true, writable: true }),
  );
  expect(await work()).toBeUndefined();
});
