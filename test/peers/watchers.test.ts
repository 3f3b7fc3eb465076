// Real programs that watch a proxy, unchanged: squidclient and the Prometheus exporter made for Squid by the manager's
// reports, promtool by our own metrics; and what they say beside a real Squid.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { samplesOf } from '../support/metric-lines.ts';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { hasSquid, type Squid, startSquid } from '../support/squid.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const hasSquidclient = findTool('squidclient') !== undefined;
const hasExporter = findTool('prometheus-squid-exporter') !== undefined;
const hasPromtool = findTool('promtool') !== undefined;

const RULES = [{ name: 'all', hosts: ['.test'], action: 'allow' as const }];
const HOSTS = { 'ok.test': '127.0.0.1' };
/** Requests through each of them, of which the last one is denied. */
const SERVED = 5;

/** Sends a request, in a hook too, and waits for the end of the answer. */
async function ask(port: number, request: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  await new Promise((resolve) => socket.on('error', resolve).on('close', resolve).resume());
}

let origin: Origin;
let rig: Rig;
let squid: Squid | undefined;

beforeAll(async () => {
  origin = await httpOrigin((_request, response) => response.end('x'.repeat(10_000)));
  rig = await openRig({ policy: { rules: RULES }, hosts: HOSTS });
  if (hasSquid) {
    squid = await startSquid({
      ca: { cert: ca.rootFile, key: join(ca.folder, 'root.key') },
      trust: ca.rootFile,
      hosts: HOSTS,
      rules: RULES,
      first: ['http_access allow localhost manager', 'http_access deny manager'],
    });
  }
  for (const port of [rig.port, squid?.port]) {
    if (port === undefined) continue;
    for (let at = 0; at < SERVED; at += 1) {
      const host = at === SERVED - 1 ? 'denied.example' : `ok.test:${origin.port}`;
      await ask(port, `GET http://${host}/ HTTP/1.0\r\n\r\n`);
    }
  }
  await rig.lines(SERVED);
}, 30_000);
afterAll(async () => {
  await rig.proxy.close(0);
  await squid?.stop();
  await origin.close();
});

describe.skipIf(!hasSquidclient)('squidclient (skipped where it is missing)', () => {
  const squidclient = async (port: number, ...words: string[]): Promise<string> => {
    const { out } = await run('squidclient', ['-h', '127.0.0.1', '-p', String(port), ...words]);
    return out.toString();
  };
  const bodyOf = (reply: string): string => reply.slice(reply.search(/\r?\n\r?\n/)).trim();

  test.each(['info', 'counters', 'menu', 'utilization', '5min', '60min', 'service_times', 'client_list', 'ipcache'])(
    'shows mgr:%s',
    async (report) => {
      const reply = await squidclient(rig.port, `mgr:${report}`);
      expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r?\n/);
      expect(bodyOf(reply).length).toBeGreaterThan(100);
    },
  );

  test.skipIf(!hasSquid)('finds in each of them what it finds in that of Squid', async () => {
    for (const report of ['info', 'counters', '5min', '60min', 'service_times']) {
      const [ours, squids] = [
        await squidclient(rig.port, `mgr:${report}`),
        await squidclient(squid?.port ?? 0, `mgr:${report}`),
      ];
      expect(labelsOf(bodyOf(ours)), report).toEqual(labelsOf(bodyOf(squids)));
      if (report === 'service_times') expect(shapeOf(ours)).toBe(shapeOf(squids));
    }
  });

  test.skipIf(!hasSquid)('counts the same requests as Squid does', async () => {
    const figures = ['client_http.requests', 'client_http.errors', 'server.all.requests', 'client_http.hits'];
    const read = async (port: number): Promise<(string | undefined)[]> => {
      const text = await squidclient(port, 'mgr:counters');
      return figures.map((name) => new RegExp(`^${name.replace('.', '\\.')} = (\\d+)$`, 'm').exec(text)?.[1]);
    };
    const [ours, squids] = [await read(rig.port), await read(squid?.port ?? 0)];
    // Each counts the questions for its reports too, of which there were as many.
    expect(ours.slice(1)).toEqual(squids.slice(1));
    expect(Number(ours[0])).toBeGreaterThanOrEqual(SERVED);
  });
});

/** A table whose digits say nothing. */
function shapeOf(reply: string): string {
  return reply.slice(reply.indexOf('Service Time')).replace(/\d/g, '0').trim();
}

/** The words of a report without its figures, line by line. */
function labelsOf(report: string): string[] {
  return report
    .split(/\r?\n/)
    .map((line) => line.replace(/[:=].*$/, '').trim())
    .filter((line) => !/^(?:Squid Object Cache|Build Info|\d+ |sample_)/.test(line))
    .map((line) => line.replace(/ for \w+$/, ' for it'));
}

describe.skipIf(!hasExporter)('prometheus-squid-exporter (skipped where it is missing)', () => {
  test('has the figures of the proxy as it has those of Squid, without a word of complaint', async () => {
    const scraped = [];
    for (const port of [rig.port, squid?.port]) if (port !== undefined) scraped.push(await scrape(port));
    for (const { samples, said } of scraped) {
      expect(samples.get('squid_client_http_requests_total')).toBeGreaterThanOrEqual(SERVED);
      expect(said).not.toMatch(/could not|error/i);
    }
    const [ours, squids] = scraped.map(({ samples }) =>
      [...samples.keys()].filter((name) => name.startsWith('squid_')),
    );
    expect(ours?.length).toBeGreaterThan(20);
    if (squids) expect(ours?.sort()).toEqual(squids.sort());
  });
});

async function scrape(port: number): Promise<{ samples: ReadonlyMap<string, number>; said: string }> {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const bound = free.address();
  const at = typeof bound === 'object' && bound ? bound.port : 0;
  await new Promise((resolve) => free.close(resolve));
  const words = ['-listen', `127.0.0.1:${at}`, '-squid-hostname', '127.0.0.1', '-squid-port', String(port)];
  const child = spawn('prometheus-squid-exporter', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill());
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  for (let tries = 0; tries < 100; tries += 1) {
    const reply = await fetch(`http://127.0.0.1:${at}/metrics`).catch(() => undefined);
    if (reply) return { samples: samplesOf(await reply.text()), said };
    await wait(50);
  }
  throw new Error(`the exporter does not answer: ${said}`);
}

test.skipIf(!hasPromtool)('promtool has nothing to say against the metrics (skipped where it is missing)', async () => {
  const text = await rig.proxy.overview.metrics();
  expect(text).toContain('sallyport_requests_total{kind="request"} ');
  const file = join(rig.folder, 'metrics');
  writeFileSync(file, text);
  const { code, out, err } = await run('sh', ['-c', 'exec promtool check metrics < "$0"', file]);
  expect([code, out.toString(), err]).toEqual([0, '', '']);
});
