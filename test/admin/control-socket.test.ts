// Who has the path of a control socket, and how it changes hands.

import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askAdmin } from '../../src/admin/admin-client.ts';
import { holdSocket } from '../../src/admin/control-socket.ts';
import { startProgram } from '../support/program.ts';

const path = (): string => join(mkdtempSync(join(tmpdir(), 'socket-')), 'run', 'proxy.sock');

function server(text: string): Server {
  const made = createServer((_, response) => void response.end(text));
  onTestFinished(() => {
    made.close();
    made.closeAllConnections();
  });
  return made;
}

const heard = async (at: string): Promise<string> => (await askAdmin(at, 'GET', '/v1/status', 1_000)).body;

describe('a control socket', () => {
  test('is made with its folder, for this user only', async () => {
    const at = path();
    await holdSocket(server('here'), at, false);
    expect(await heard(at)).toBe('here');
    expect(statSync(at).mode & 0o777).toBe(0o600);
    expect(statSync(join(at, '..')).mode & 0o777).toBe(0o700);
  });

  test('that a dead process has left is replaced', async () => {
    const at = path();
    const dying = startProgram([
      '-e',
      `require('node:fs').mkdirSync(require('node:path').dirname('${at}'), { recursive: true });
       require('node:net').createServer().listen('${at}', () => process.kill(process.pid, 'SIGKILL'));`,
    ]);
    expect((await dying.ended).signal).toBe('SIGKILL');
    expect(statSync(at).isSocket()).toBe(true);
    await holdSocket(server('the next'), at, false);
    expect(await heard(at)).toBe('the next');
  });

  test.each([
    ['a proxy', '{"pid":4711,"config":"/etc/p.yaml"}', 'the proxy that runs as process 4711 with /etc/p.yaml'],
    ['something else', 'what?', 'another program'],
    ['something else that speaks JSON', '[]', 'another program'],
  ])('that %s answers at is an error that names it', async (_, text, name) => {
    const at = path();
    await holdSocket(server(text), at, false);
    await expect(holdSocket(server('second'), at, false)).rejects.toMatchObject({
      code: 'admin-failed',
      detail: `${at} belongs to ${name}: stop it first, or take over from it.`,
    });
    expect(await heard(at)).toBe(text);
  });

  test('that nobody answers at, though somebody has it, is left to it', async () => {
    const at = path();
    const { release } = await holdSocket(server('first'), at, false);
    await release();
    const silent = createTcp();
    await new Promise<void>((resolve) => silent.listen(at, resolve));
    onTestFinished(() => void silent.close());
    await expect(holdSocket(server('second'), at, false)).rejects.toMatchObject({
      detail: expect.stringMatching(/belongs to a process that does not answer \(no answer within 2000 ms\)/),
    });
  });

  test('is not made in the place of a file', async () => {
    const at = join(mkdtempSync(join(tmpdir(), 'socket-')), 'file');
    writeFileSync(at, 'somebody’s');
    await expect(holdSocket(server('x'), at, false)).rejects.toMatchObject({
      detail: `${at} is no socket: remove it, or name another path under admin.socket.`,
    });
  });

  test('can be taken from who has it, at no moment is nobody there, and it is not taken away by who had it', async () => {
    const at = path();
    const first = await holdSocket(server('first'), at, false);
    let asking = true;
    const answers: string[] = [];
    const load = (async () => {
      while (asking) answers.push(await heard(at));
    })();
    const second = await holdSocket(server('second'), at, true);
    expect(await heard(at)).toBe('second');
    asking = false;
    await load;
    expect(new Set(answers).size).toBeGreaterThan(0);
    await first.release();
    expect(await heard(at)).toBe('second');
    await second.release();
    expect(() => statSync(at)).toThrow('ENOENT');
  });

  test('has no path that is too long', async () => {
    const at = `/tmp/${'x'.repeat(110)}`;
    await expect(holdSocket(server('x'), at, false)).rejects.toMatchObject({
      detail: `${at}: the path of a socket has at most 107 bytes, and this one needs 115`,
    });
  });
});
