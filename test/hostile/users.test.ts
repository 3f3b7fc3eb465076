// Who poses as somebody: names made to be misread in the log, guessed passwords, and what that costs the others.

import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { httpOrigin } from '../support/origin.ts';
import { type Entry, type Rig, type RigOptions, readAll, startRig } from '../support/rig.ts';
import { basic, writeUsers } from '../support/users.ts';

interface World {
  readonly rig: Rig;
  /** The whole reply to a request by `from`, an address of loopback. */
  readonly ask: (fields: string, from?: string) => Promise<string>;
}

async function start(htpasswd: string, options: RigOptions = {}): Promise<World> {
  const origin = await httpOrigin((_, response) => response.end('here'));
  onTestFinished(() => origin.close());
  const rig = await startRig({
    hosts: { 'a.test': '127.0.0.1' },
    auth: { basic: { htpasswd, realm: 'r' }, groups: {} },
    policy: { rules: [{ name: 'known', hosts: ['a.test'], authenticated: true, action: 'allow' }] },
    ...options,
  });
  const target = `a.test:${origin.port}`;
  const ask = async (fields: string, from = '127.0.0.1'): Promise<string> => {
    const socket = await dialFrom(from, rig.port);
    socket.write(`GET http://${target}/ HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n${fields}\r\n`);
    return readAll(socket);
  };
  return { rig, ask };
}

function dialFrom(localAddress: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true }, () => resolve(socket));
    socket.on('error', reject);
    onTestFinished(() => void socket.destroy());
  });
}

const statusOf = (reply: string): string => reply.slice(9, 12);

describe('LOG-03: a user name', () => {
  const NAMES = [
    '-',
    'alice HIER_DIRECT/192.0.2.1',
    'alice TCP_MISS',
    '%2d',
    'a"b\\c',
    '[alice]',
    "a'b",
    'zoë 日本',
    'x'.repeat(256),
    '__proto__',
    'constructor',
  ];

  test('stays one field of one line, and can be read back from it', async () => {
    const { htpasswd } = writeUsers({});
    writeFileSync(htpasswd, NAMES.map((name) => `${name}:${hashSync('pw', 4)}\n`).join(''));
    const { rig, ask } = await start(htpasswd, { limits: { passwordsPerClient: 1_000 } });
    for (const name of NAMES) expect(statusOf(await ask(basic(name, 'pw')))).toBe('200');
    const entries = await rig.entries(NAMES.length);
    expect(entries.map(({ user }) => user)).toEqual(NAMES);
    const lines = (await readFile(join(rig.folder, 'access.log'), 'latin1')).trimEnd().split('\n');
    expect(lines).toHaveLength(NAMES.length);
    for (const [index, line] of lines.entries()) {
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      const fields = line.trim().split(/ +/);
      expect(fields).toHaveLength(10);
      const [user = '', hierarchy] = fields.slice(7, 9);
      expect(hierarchy).toBe('HIER_DIRECT/127.0.0.1');
      expect(user).not.toBe('-');
      if (!user.endsWith('%...')) expect(decodeURIComponent(user)).toBe(NAMES[index]);
    }
  });

  test('that nobody has is nowhere in the log, whatever it looks like', async () => {
    const { rig, ask } = await start(writeUsers({ alice: 'pw' }).htpasswd, { limits: { passwordsPerClient: 1_000 } });
    for (const name of [...NAMES, 'alice']) expect(statusOf(await ask(basic(name, 'guess')))).toBe('407');
    const entries = await rig.entries(NAMES.length + 1);
    expect(entries.filter((entry) => 'user' in entry)).toEqual([]);
    expect((await rig.lines(0)).every((line) => / - HIER_NONE\/- text\/html$/.test(line))).toBe(true);
  });
});

describe('guessing passwords', () => {
  const ATTACKER = '127.0.0.66';
  const limits = { passwordsPerClient: 2, handshakeTimeout: 1_000 };

  test('is bounded for each client, the right one among the guesses too, and others notice nothing', async () => {
    const { htpasswd } = writeUsers({});
    writeFileSync(htpasswd, `alice:${hashSync('right', 8)}\n`);
    const { rig, ask } = await start(htpasswd, { limits });
    const guesses = Array.from({ length: 100 }, (_, at) => basic('alice', at === 99 ? 'right' : `guess ${at}`));
    const begin = performance.now();
    const flood = Promise.all(guesses.map((guess) => ask(guess, ATTACKER)));
    const own = await ask(basic('alice', 'right'));
    const took = performance.now() - begin;
    expect(statusOf(own)).toBe('200');
    const replies = await flood;
    const counts = Map.groupBy(replies.map(statusOf), (status) => status);
    expect([...counts.keys()].sort()).toEqual(expect.arrayContaining(['407', '429']));
    const checked = (counts.get('407')?.length ?? 0) + (counts.get('200')?.length ?? 0);
    const elapsed = (performance.now() - begin) / 1_000;
    // Two seconds' worth at once, then two in a second; those that wait half a second for theirs are among them.
    expect(checked).toBeLessThanOrEqual(Math.ceil(2 * (2 + elapsed)) + 2);
    expect(replies.filter((reply) => /^HTTP\/1\.1 429 [\s\S]*Retry-After: 5/.test(reply))).toHaveLength(
      counts.get('429')?.length ?? -1,
    );
    const entries = await rig.entries(101);
    const refused = (entry: Entry) => entry['error'] === 'client-limit';
    expect(entries.filter(refused).every(({ client }) => client === ATTACKER)).toBe(true);
    expect(took).toBeLessThan(5_000);
  });

  test('costs nothing when the same wrong one comes again and again', async () => {
    const { ask } = await start(writeUsers({ alice: 'right' }).htpasswd, { limits });
    for (let i = 0; i < 50; i += 1) expect(statusOf(await ask(basic('alice', 'wrong'), ATTACKER))).toBe('407');
    expect(statusOf(await ask(basic('alice', 'right'), ATTACKER))).toBe('200');
  });

  test('keeps nobody out whom no rule asks', async () => {
    const { htpasswd } = writeUsers({ alice: 'right' });
    const { ask } = await start(htpasswd, {
      limits,
      policy: { rules: [{ name: 'all', hosts: ['a.test'], action: 'allow' }] },
    });
    const replies = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(basic('alice', `${at}`), ATTACKER)));
    expect(new Set(replies.map(statusOf))).toEqual(new Set(['200']));
  });
});
