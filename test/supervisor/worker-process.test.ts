// A worker seen from above: it begins, or says why not, answers, and its end is never missed.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { type HandedCa, handOver } from '../../src/pki/handed-ca.ts';
import { makeTicketMaster } from '../../src/pki/ticket-keys.ts';
import { WorkerProcess } from '../../src/supervisor/worker-process.ts';
import { dialProxy, readUntil, rigConfig, until } from '../support/rig.ts';
import { closedPort } from '../support/socket-pair.ts';

let config: Config;
let ca: HandedCa;

beforeAll(async () => {
  const rig = rigConfig(mkdtempSync(join(tmpdir(), 'worker-')));
  config = { ...rig, upstream: { ...rig.upstream, trust: [rig.ca.cert] } };
  ca = handOver((await openCertificateAuthority(config.ca)).ca);
});

async function fork(change: Partial<Config> = {}): Promise<{ worker: WorkerProcess; port: number }> {
  const worker = new WorkerProcess();
  onTestFinished(() => worker.kill());
  const port = await closedPort();
  const listen = [{ address: '127.0.0.1', port, names: [] }];
  const ticketMaster = makeTicketMaster();
  worker.begin({
    type: 'start',
    worker: 1,
    workers: 1,
    config: { ...config, listen, ...change },
    ca,
    ticketMaster,
    given: new Map(),
    admin: undefined,
    later: false,
  });
  return { worker, port };
}

describe('a worker process', () => {
  test('opens its ports, tells how many connections it has, and ends when it is told', async () => {
    const { worker, port } = await fork();
    await worker.listening;
    const client = await dialProxy(port);
    client.write('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    await readUntil(client, '</html>\n');
    client.write('GET /');
    expect(await worker.stopAccepting()).toBe(1);
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
    await worker.reopenLogs();
    worker.tell({ type: 'close', grace: 0 });
    expect(await worker.left).toBe('exit code 0');
    await worker.ended;
  });

  test('that cannot begin says what a process alone would say', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'worker-')), 'file');
    writeFileSync(file, '');
    const { worker } = await fork({
      log: { ...config.log, access: [{ path: `${file}/access.log`, format: 'squid' }] },
    });
    await expect(worker.listening).rejects.toMatchObject({
      name: 'ProxyError',
      code: 'log-failed',
      detail: expect.stringMatching(/access\.log: E.*name another path under "log"\.$/),
    });
    expect(await worker.left).toBe('exit code 1');
  });

  test('is looked at in vain when it stands still, and only then', async () => {
    const { worker } = await fork();
    expect([worker.isReady, worker.number, worker.look(), worker.look()]).toEqual([false, 1, 0, 0]);
    await worker.listening;
    expect(worker.isReady).toBe(true);
    worker.look();
    worker.look();
    // Its next beat comes within a second.
    await until(() => worker.look() === 1, 'a beat');
    process.kill(worker.pid ?? 0, 'SIGSTOP');
    for (let at = 0; at < 15; at += 1) {
      worker.look();
      await wait(100);
    }
    expect(worker.look()).toBeGreaterThan(10);
  });

  test('that is late with one config is not taken to have the next, and uses neither unasked', async () => {
    const { worker, port } = await fork();
    await worker.listening;
    const [late, next] = [await closedPort(), await closedPort()];
    const offered = (offer: number, at: number) => {
      const listen = [{ address: '127.0.0.1', port: at, names: [] }];
      return { offer, workers: 1, config: { ...config, listen }, ca };
    };
    process.kill(worker.pid ?? 0, 'SIGSTOP');
    const failure = await worker.prepare(offered(1, late), 200);
    expect([failure?.code, failure?.detail]).toEqual(['internal', 'Worker 1 does not answer.']);
    await worker.abandon(1, 100);
    // Its answer to the first is on its way when the second is asked for.
    const second = worker.prepare(offered(2, next));
    process.kill(worker.pid ?? 0, 'SIGCONT');
    expect(await second).toBeUndefined();
    await worker.commit(2);
    (await dialProxy(next)).destroy();
    for (const gone of [port, late]) await expect(dialProxy(gone)).rejects.toThrow('ECONNREFUSED');
  });

  test('that does not come to use a config is killed: another would begin with it', async () => {
    const { worker } = await fork();
    await worker.listening;
    process.kill(worker.pid ?? 0, 'SIGSTOP');
    await worker.commit(1, 100);
    expect(await worker.left).toBe('SIGKILL');
  });

  test('that dies before it listens has not begun, and nobody waits for its answers', async () => {
    const { worker } = await fork();
    const asked = Promise.all([worker.reopenLogs(), worker.stopAccepting()]);
    worker.kill();
    await expect(worker.listening).rejects.toMatchObject({
      code: 'internal',
      detail: expect.stringContaining('SIGKILL'),
    });
    expect(await worker.left).toBe('SIGKILL');
    expect(await asked).toEqual([undefined, 0]);
    await worker.ended;
    expect(await worker.stopAccepting()).toBe(0);
    worker.tell({ type: 'reopen-logs' });
  });
});
