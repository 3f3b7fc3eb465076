// Watching a proxy of two workers from outside: by its admin server, and by the manager on the port that they share.

import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { AdminServer } from '../../src/admin/admin-server.ts';
import { watchRoutes } from '../../src/admin/watch-routes.ts';
import type { Served } from '../../src/proxy.ts';
import { startSupervised } from '../../src/supervisor/supervisor.ts';
import { samplesOf } from '../support/metric-lines.ts';
import { childrenOf } from '../support/proxy-process.ts';
import { rigConfig, say } from '../support/rig.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

const { log } = serviceRecorder();
const before = new Set(childrenOf(process.pid));
const children = (): number[] => childrenOf(process.pid).filter((pid) => !before.has(pid));

let served: Served;
let port: number;

beforeAll(async () => {
  served = await startSupervised(rigConfig(mkdtempSync(join(tmpdir(), 'watching-'))), log, 2);
  port = served.addresses[0]?.port ?? 0;
}, 60_000);
afterAll(() => served.close(0), 60_000);

const DENIED = 'CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n';
const CONNECTS = 'sallyport_requests_total{kind="connect"}';

async function metrics(): Promise<ReadonlyMap<string, number>> {
  return samplesOf(await served.overview.metrics());
}

/** Once they are so; a worker that is busy may be told of as it was a moment ago. */
async function until(name: string, value: number): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const samples = await metrics();
    if (samples.get(name) === value) return samples;
    await wait(50);
  }
}

describe('two workers', () => {
  test('are counted together, whichever of them is asked', async () => {
    for (let at = 0; at < 20; at += 1) await say(port, DENIED);
    const samples = await until(CONNECTS, 20);
    expect(samples.get('sallyport_refusals_total{reason="denied"}')).toBe(20);
    expect(samples.get('sallyport_workers')).toBe(2);
    // The system deals these out to both of them.
    for (let at = 0; at < 8; at += 1) {
      const report = await say(port, 'GET cache_object://localhost/counters HTTP/1.0\r\n\r\n');
      expect(Number(/client_http\.requests = (\d+)/.exec(report)?.[1])).toBeGreaterThanOrEqual(20);
    }
    const clients = await say(port, 'GET cache_object://localhost/client_list HTTP/1.0\r\n\r\n');
    expect(clients.match(/^Address: 127\.0\.0\.1$/gm)).toHaveLength(1);
    expect(clients).toContain('\n        TCP_DENIED                20 ');
  }, 60_000);

  test('are seen by probes and scrapers on the admin server, without a token', async () => {
    const options = {
      socket: undefined,
      named: true,
      listen: { address: '127.0.0.1', port: 0 },
      tokenFile: undefined,
    };
    const admin = await AdminServer.open({ options, routes: watchRoutes(served.overview), service: log });
    onTestFinished(() => admin.close());
    const ask = async (path: string) => {
      const request = httpGet({ port: admin.address?.port ?? 0, host: '127.0.0.1', path, agent: false });
      const [reply] = await once(request, 'response');
      const chunks: Buffer[] = [];
      for await (const chunk of reply) chunks.push(chunk);
      return { status: reply.statusCode, type: reply.headers['content-type'], text: Buffer.concat(chunks).toString() };
    };
    expect(await ask('/healthz')).toEqual({ status: 200, type: 'text/plain', text: 'ok\n' });
    const ready = await ask('/readyz');
    expect([ready.status, ready.type, JSON.parse(ready.text).ready]).toEqual([200, 'application/json', true]);
    const scraped = await ask('/metrics');
    expect([scraped.status, scraped.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(samplesOf(scraped.text).get('sallyport_workers')).toBe(2);
  }, 60_000);

  test('that are killed have counted what they have counted', async () => {
    const counted = (await until(CONNECTS, 20)).get('sallyport_client_connections_total');
    for (const pid of children()) process.kill(pid, 'SIGKILL');
    await until('sallyport_worker_exits_total', 2);
    const samples = await until('sallyport_workers_listening', 2);
    expect([samples.get(CONNECTS), samples.get('sallyport_client_connections_total')]).toEqual([20, counted]);
    expect(samples.get('sallyport_client_connections')).toBe(0);
  }, 60_000);

  test('are not ready any more when they drain', async () => {
    expect((await served.overview.readiness()).ready).toBe(true);
    await served.stopAccepting();
    const { ready, checks } = await served.overview.readiness();
    expect([ready, checks.draining.ok, checks.workers.ok]).toEqual([false, false, false]);
  }, 60_000);
});
