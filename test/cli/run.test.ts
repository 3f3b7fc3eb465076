// The proxy as a process: it starts, stops on signals without dropping what is in flight, reopens its logs, and says in
// one line why it cannot start.

import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { run } from '../../src/cli/run.ts';
import { blackHole } from '../support/black-hole.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { httpOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { configFolder, MAIN, type Program, startProgram } from '../support/program.ts';
import { connectThrough, dialProxy, normalLine, readAll, readUntil, say, until } from '../support/rig.ts';

/** Longer than what counts as one signal that came twice. */
const LATER = 400;
/** Well within that. */
const SOON = 50;

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
  lines(file?: string): string[];
}

async function start(workers: number, policy = '{ rules: [] }', more = ''): Promise<Running> {
  const { folder, config } = configFolder(
    [
      `workers: ${workers}`,
      `policy: ${policy}`,
      'upstream: { trust: [root.pem], allowAddresses: [127.0.0.0/8] }',
      'resolver: { hosts: { origin.test: 127.0.0.1, splice.test: 127.0.0.1, bump.test: 127.0.0.1 } }',
      more,
    ].join('\n'),
  );
  const program = startProgram([MAIN, 'run', '--config', config], { folder });
  const [, port] = await program.err(/"port":(\d+),"msg":"listening"/);
  const lines = (file = 'log/access.log'): string[] =>
    readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1).map(normalLine);
  return { program, port: Number(port), folder, lines };
}

describe.each([1, 2])('stopping, with %i in "workers"', (workers) => {
  let slow: Origin;
  let echo: Origin;
  let open: string;
  let reply: ServerResponse;

  beforeAll(async () => {
    slow = await httpOrigin((_, response) => {
      reply = response;
      response.writeHead(200, { 'Content-Type': 'text/plain' }).write('begun');
    });
    echo = await tcpOrigin((socket) => socket.pipe(socket));
    open = `{ connectPorts: [${echo.port}], rules: [{ name: o, hosts: [origin.test], action: allow, tls: tunnel }] }`;
  });
  afterAll(async () => {
    await slow.close();
    await echo.close();
  });

  /** A tunnel and a download, both under way. */
  async function inFlight({ port }: Running) {
    const { socket: tunnel } = await connectThrough(port, `origin.test:${echo.port}`);
    tunnel.write('ping');
    await readUntil(tunnel, 'ping');
    const download = await dialProxy(port);
    download.write(`GET http://origin.test:${slow.port}/ HTTP/1.1\r\nHost: origin.test:${slow.port}\r\n\r\n`);
    await readUntil(download, 'begun');
    return { tunnel, download };
  }

  test('REL-03: what is in flight finishes, nobody else is let in, and every line is in the log', async () => {
    const running = await start(workers, open);
    const { program, port } = running;
    const { tunnel, download } = await inFlight(running);
    program.kill('SIGTERM');
    await program.err(/"connections":2,"msg":"stopping"/);
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
    tunnel.write('still here');
    await readUntil(tunnel, 'still here');
    tunnel.end();
    const rest = readAll(download);
    reply.end(', and ended');
    expect(await rest).toContain(', and ended');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(running.lines().sort()).toEqual([
      `NONE_NONE/200 0 CONNECT origin.test:${echo.port} - HIER_NONE/- -`,
      `TCP_MISS/200 N GET http://origin.test:${slow.port}/ - HIER_DIRECT/127.0.0.1 text/plain`,
      expect.stringMatching(/^TCP_TUNNEL\/200 N - origin\.test:\d+ - HIER_DIRECT\/127\.0\.0\.1 -$/),
    ]);
  });

  test('REL-03: a second signal cuts what is in flight, and logs it as cut', async () => {
    const running = await start(workers, open);
    const { program } = running;
    const { tunnel, download } = await inFlight(running);
    const cut = Promise.all([readAll(tunnel), readAll(download)]);
    program.kill('SIGINT');
    await program.err(/"msg":"stopping"/);
    await wait(LATER);
    program.kill('SIGINT');
    await cut;
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.errText()).toContain('"msg":"stopping at once"');
    expect(running.lines().map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['TCP_TUNNEL_ABORTED/200', 'TCP_MISS_ABORTED/200']),
    );
  });

  test('REL-03: a second signal cuts what is still dialling for its origin, each with a line of its own', async () => {
    const port = await blackHole('127.0.0.1');
    const rules = ['splice', 'bump'].map((tls) => `{ name: ${tls}, hosts: [${tls}.test], action: allow, tls: ${tls} }`);
    const plain = '{ name: plain, hosts: [origin.test], action: allow }';
    const running = await start(workers, `{ connectPorts: [${port}], rules: [${rules.join(', ')}, ${plain}] }`);
    const { program } = running;
    const dialling = ['splice', 'bump'].map(async (host) => {
      const { socket } = await connectThrough(running.port, `${host}.test:${port}`);
      connectTls({ socket, servername: `${host}.test` }).on('error', () => undefined);
      return socket;
    });
    const request = await dialProxy(running.port);
    request.write(`GET http://origin.test:${port}/ HTTP/1.1\r\nHost: origin.test:${port}\r\n\r\n`);
    await Promise.all(dialling);
    program.kill('SIGINT');
    await program.err(/"connections":3,"msg":"stopping"/);
    await wait(LATER);
    program.kill('SIGINT');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(running.lines().sort()).toEqual([
      `NONE_NONE_ABORTED/200 0 CONNECT bump.test:${port} - HIER_NONE/- -`,
      `NONE_NONE_ABORTED/200 0 CONNECT splice.test:${port} - HIER_NONE/- -`,
      `TCP_MISS_ABORTED/000 0 GET http://origin.test:${port}/ - HIER_NONE/- -`,
    ]);
  });

  test('what is in flight has as long as limits.drainTimeout says', async () => {
    const running = await start(workers, open, 'limits: { drainTimeout: 300ms }');
    const { program } = running;
    const { tunnel, download } = await inFlight(running);
    const cut = Promise.all([readAll(tunnel), readAll(download)]);
    const begin = performance.now();
    program.kill('SIGTERM');
    await cut;
    expect(performance.now() - begin).toBeGreaterThan(290);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.errText()).not.toContain('at once');
  });

  test('one Ctrl-C that comes twice, from the terminal and from npm, is one', async () => {
    const running = await start(workers, open);
    const { program } = running;
    const { tunnel, download } = await inFlight(running);
    program.kill('SIGINT');
    // The line is no sign to go by: with several workers it comes when all of them have answered.
    await wait(SOON);
    program.kill('SIGINT');
    await program.err(/"msg":"stopping"/);
    tunnel.end();
    const rest = readAll(download);
    reply.end(', and ended');
    expect(await rest).toContain(', and ended');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.errText()).not.toContain('at once');
  });
});

describe.each([1, 2])('other signals, with %i in "workers"', (workers) => {
  test('SIGUSR1 goes on in a new log file after a rotation', async () => {
    const { program, port, folder, lines } = await start(workers);
    await say(port, 'CONNECT before.test:443 HTTP/1.1\r\nHost: before.test:443\r\n\r\n');
    renameSync(join(folder, 'log/access.log'), join(folder, 'log/access.log.1'));
    program.kill('SIGUSR1');
    await program.err(/"msg":"logs reopened"/);
    await say(port, 'CONNECT after.test:443 HTTP/1.1\r\nHost: after.test:443\r\n\r\n');
    await until(() => lines().length > 0, 'a line in the new file');
    expect(lines('log/access.log.1')).toEqual([expect.stringContaining('before.test')]);
    expect(lines()).toEqual([expect.stringContaining('after.test')]);
  });

  test('SIGHUP has it read its config anew; SIGINT ends it while idle', async () => {
    const { program, port } = await start(workers);
    program.kill('SIGHUP');
    const [line] = await program.err(/.*the config is used anew.*/);
    expect(line).toContain('"by":"SIGHUP","generation":2,"changed":[]');
    const client = await dialProxy(port);
    client.write('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
    await readUntil(client, '</html>\n');
    client.destroy();
    program.kill('SIGINT');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.errText()).toMatch(/"signal":"SIGINT","connections":\d,"msg":"stopping"/);
    expect(program.errText().trimEnd()).toMatch(/"msg":"stopped"\}$/);
    expect(program.outText()).toBe('');
  });
});

describe('what keeps it from starting is one line on standard error', () => {
  /** As `run` is typed; this process gets no handlers from a start that fails. */
  async function fails(config: string): Promise<string> {
    const handlers = process.listenerCount('uncaughtException');
    const terminal = fakeTerminal();
    expect(await main(['run', '--config', config], terminal)).toBe(1);
    expect(terminal.outText()).toBe('');
    expect(process.listenerCount('uncaughtException')).toBe(handlers);
    return terminal.errText();
  }

  test.each([1, 2])('a port that is taken, with %i in "workers"', async (workers) => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const bound = other.address();
    const port = typeof bound === 'object' ? bound?.port : undefined;
    const { config } = configFolder(`workers: ${workers}\nlisten: [{ address: 127.0.0.1, port: ${port} }]`);
    expect(await fails(config)).toMatch(/^127\.0\.0\.1:\d+ is already in use: .*"listen"\.\n$/);
  });

  test.each([1, 2])('a log that cannot be opened, with %i in "workers"', async (workers) => {
    const { folder, config } = configFolder(`workers: ${workers}`);
    writeFileSync(join(folder, 'log'), 'a file where the folder should be');
    expect(await fails(config)).toMatch(/^\S+log\/access\.log: EEXIST: .*: make it writable .*"log"\.\n$/);
  });
});

test('a config that is not there is no start', async () => {
  await expect(run(fakeTerminal(), { config: '/no/such.yaml' })).rejects.toMatchObject({ code: 'config-invalid' });
});
