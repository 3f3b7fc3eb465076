// One proxy after another on the same port, under load: by a socket that a service manager keeps, and by taking over.

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIGRATES } from '../support/migrates.ts';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { dialProxy, until } from '../support/rig.ts';
import { findTool, NODE, run } from '../support/run.ts';
import { closedPort } from '../support/socket-pair.ts';

const SS = findTool('ss');
const ACTIVATION = join(import.meta.dirname, '../support/activation.py');
/** New connections a second. */
const RATE = 100;
const TIMES = process.env['FULL_COUNTS'] === '1' ? 10 : 2;

let origin: Origin;
beforeAll(async () => {
  origin = await httpOrigin((_, response) => void response.end('ok'));
});
afterAll(() => origin.close());

function configOf(workers: number, port: number, adminPort?: number): { folder: string; config: string } {
  return configFolder(
    [
      `workers: ${workers}`,
      `listen: [{ address: 127.0.0.1, port: ${port} }]`,
      ...(adminPort === undefined ? [] : [`admin: { listen: 127.0.0.1:${adminPort} }`]),
      'policy: { httpPorts: [1-65535], rules: [{ name: o, hosts: [origin.test], action: allow }] }',
      'upstream: { trust: [root.pem], allowAddresses: [127.0.0.0/8] }',
      'resolver: { hosts: { origin.test: 127.0.0.1 } }',
    ].join('\n'),
  );
}

function ask(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { Host: `origin.test:${origin.port}` };
    const path = `http://origin.test:${origin.port}/`;
    const asked = request({ port, host: '127.0.0.1', path, headers, agent: false });
    asked.once('error', reject).once('response', (response) => {
      response
        .resume()
        .once('error', reject)
        .once('end', () => resolve(response.statusCode ?? 0));
    });
    asked.end();
  });
}

/** A connection for each request, until it is stopped. */
function load(port: number) {
  const outcomes: (number | string)[] = [];
  const all: Promise<unknown>[] = [];
  let over = false;
  const ended = (async () => {
    while (!over) {
      const done = (outcome: number | string): void => void outcomes.push(outcome);
      all.push(ask(port).then(done, (error: Error) => done(error.message)));
      await wait(1_000 / RATE);
    }
    await Promise.all(all);
  })();
  return {
    stop: async (): Promise<(number | string)[]> => {
      over = true;
      await ended;
      return outcomes.filter((outcome) => outcome !== 200).concat(outcomes.length > 20 ? [] : ['too few']);
    },
  };
}

const times = (text: string, part: string): number => text.split(part).length - 1;

describe.skipIf(process.platform !== 'linux').each([1, 2])('with %i in "workers"', { timeout: 120_000 }, (workers) => {
  test('a socket that a service manager keeps: nobody is refused while no proxy is there', async () => {
    const port = await closedPort();
    const { folder, config } = configOf(workers, port);
    const fifo = join(folder, 'again');
    const shell = `mkfifo ${fifo}; exec python3 ${ACTIVATION} ${port} ${NODE} ${MAIN} run --config ${config} <> ${fifo}`;
    const program = startProgram(['-c', shell], { command: '/bin/sh', folder });
    await program.out(/port \d+/);
    writeFileSync(fifo, '\n');
    await program.err(/"msg":"listening"/);
    expect(await ask(port)).toBe(200);
    // As many may wait as its owner has said: listening on it anew would say 511, which a slow start overfills.
    if (SS) {
      const { out } = await run(SS, ['-ltnH', `sport = :${port}`]);
      expect(/^LISTEN +\d+ +(\d+)/.exec(out.toString())?.[1]).toBe('4096');
    }
    const requests = load(port);
    for (let time = 1; time <= TIMES; time += 1) {
      const pids = [...program.errText().matchAll(/"pid":(\d+)[^\n]*"msg":"listening"/g)].map((match) =>
        Number(match[1]),
      );
      process.kill(pids.at(-1) ?? 0, 'SIGTERM');
      await until(() => times(program.outText(), 'ended') === time, `end ${time}`, program.errText, 60_000);
      writeFileSync(fifo, '\n');
      await until(
        () => times(program.errText(), '"msg":"listening"') === time + 1,
        `start ${time}`,
        program.errText,
        60_000,
      );
    }
    expect(await requests.stop()).toEqual([]);
  });

  test('a proxy that takes over: nobody is refused, and the one before ends when it is done', async () => {
    const port = await closedPort();
    const adminPort = await closedPort();
    const { folder, config } = configOf(workers, port, adminPort);
    const words = [MAIN, 'run', '--config', config];
    let current = startProgram(words, { folder });
    await current.err(/"msg":"listening"/);
    const idle = await dialProxy(port);
    const requests = load(port);
    const pids = [current.pid];
    for (let time = 1; time <= TIMES; time += 1) {
      const next = startProgram([...words, '--takeover'], { folder });
      await next.err(/"msg":"listening"/);
      expect(next.errText()).toContain(`"before":${current.pid},"msg":"taken over`);
      // Also while the one before has somebody, and answers for itself no more.
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      expect(metrics).toMatch(/^sallyport_draining 0$/m);
      if (time === 1) idle.destroy();
      expect(await current.ended).toEqual({ code: 0, signal: null });
      current = next;
      pids.push(next.pid);
    }
    const failed = await requests.stop();
    if (MIGRATES) expect(failed).toEqual([]);
    else {
      expect(failed.filter((outcome) => !/ECONNRESET/.test(String(outcome)))).toEqual([]);
      expect(failed.length).toBeLessThanOrEqual(TIMES);
    }
    expect(current.errText().includes('net.ipv4.tcp_migrate_req=1')).toBe(!MIGRATES);
    expect(readFileSync(join(folder, 'log/audit.log'), 'utf8').match(/"audit":"drain"/g)).toHaveLength(TIMES);
    current.kill('SIGTERM');
    expect(await current.ended).toEqual({ code: 0, signal: null });
  });

  test('a second one, without taking over, is refused with the name of the first', async () => {
    const port = await closedPort();
    const { folder, config } = configOf(workers, port);
    const first = startProgram([MAIN, 'run', '--config', config], { folder });
    await first.err(/"msg":"listening"/);
    const second = startProgram([MAIN, 'run', '--config', config], { folder });
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.errText()).toContain(`belongs to the proxy that runs as process ${first.pid} with ${config}`);
  });
});
