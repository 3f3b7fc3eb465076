// The ledger on disk: shared by many, whole at any time, this user's alone, and no change without its line in the audit log.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Change, Ledger, Seen } from '../../src/exceptions/ledger.ts';
import { LedgerFile, type Opened } from '../../src/exceptions/ledger-file.ts';

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  const paths = { state: join(folder, 'state', 'exceptions.json'), audit: join(folder, 'log', 'audit.log') };
  return { folder, ...paths, file: new LedgerFile(paths) };
}

function seen(more: Partial<Seen> = {}): Seen {
  const time = Date.now();
  const how = { time, begin: time, alert: 'unknown_ca', confidence: 'certain', rule: 'all', byName: true } as const;
  return { client: '10.0.0.5', host: 'ok.test', port: 443, ...how, ...more };
}

/** Three rejections, and the change they make. */
function makeOne(ledger: Ledger) {
  const verdicts = [0, 1, 2].map(() => ledger.reject(seen(), true));
  return verdicts.flatMap(({ made }) => made ?? []);
}

/** What comes of a change, and whether the lock was still held when it was told. */
async function changed({ file, state }: ReturnType<typeof place>, edit: (ledger: Ledger) => readonly Change[]) {
  const { promise, resolve } = Promise.withResolvers<Opened & { readonly isLocked: boolean }>();
  await file.update(edit, (opened) => resolve({ ...opened, isLocked: existsSync(`${state}.lock`) }));
  return promise;
}

const lines = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);

describe('the file', () => {
  test('is made with its folder when there is something to keep, for this user alone', async () => {
    const { file, state } = place();
    await file.update(() => []);
    expect(existsSync(state)).toBe(false);
    await file.update((ledger) => {
      ledger.reject(seen(), false);
      return [];
    });
    expect(statSync(state).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, '..')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(state, '..'))).toEqual(['exceptions.json']);
    expect((await file.read()).ledger.size).toBe(1);
  });

  test('has another stamp after each change, and none where there is no file', async () => {
    const { file } = place();
    const stamps = [await file.stamp()];
    for (const host of ['a.test', 'b.test']) {
      await file.update((ledger) => {
        ledger.reject(seen({ host }), false);
        return [];
      });
      stamps.push(await file.stamp());
    }
    expect(stamps[0]).toBe('');
    expect(new Set(stamps).size).toBe(3);
  });

  test('says with what it was read or written which file that was, whatever has become of it since', async () => {
    const one = place();
    const { file, state } = one;
    const { stamp: none } = await file.read();
    expect(none).toBe('');
    const { stamp: written } = await changed(one, makeOne);
    expect([await file.stamp(), (await file.read()).stamp]).toEqual([written, written]);
    expect((await changed(one, () => [])).stamp).toBe(written);
    rmSync(state);
    expect(await file.stamp()).toBe(none);
  });

  test('says what has come of a change as soon as it is kept, before the lock is given back', async () => {
    const one = place();
    expect(await changed(one, makeOne)).toMatchObject({ isLocked: true, stamp: await one.file.stamp() });
    expect(existsSync(`${one.state}.lock`)).toBe(false);
  });

  test('keeps what many add to it at the same time', async () => {
    const { file, state, audit } = place();
    const files = Array.from({ length: 20 }, () => new LedgerFile({ state, audit }));
    await Promise.all(
      files.map((one, index) =>
        one.update((ledger) => {
          ledger.reject(seen({ client: `10.0.0.${index}` }), false);
          return [];
        }),
      ),
    );
    expect((await file.read()).ledger.size).toBe(20);
  });

  test('keeps what several processes add to it at the same time', async () => {
    const { file, state, audit } = place();
    const script = join(mkdtempSync(join(tmpdir(), 'writer-')), 'writer.ts');
    const module = join(import.meta.dirname, '../../src/exceptions/ledger-file.ts');
    writeFileSync(
      script,
      `import { LedgerFile, type Opened } from ${JSON.stringify(module)};
       const file = new LedgerFile(${JSON.stringify({ state, audit })});
       const seen = ${JSON.stringify(seen())};
       for (let i = 0; i < 10; i += 1) await file.update((ledger) => {
         ledger.reject({ ...seen, client: '10.0.' + process.argv[2] + '.' + i }, false);
         return [];
       });`,
    );
    const children = [1, 2, 3].map((number) => fork(script, [String(number)]));
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    expect((await file.read()).ledger.size).toBe(30);
  });

  test('is taken over from somebody who died with the lock', async () => {
    const { file, state } = place();
    mkdirSync(join(state, '..'), { recursive: true });
    writeFileSync(`${state}.lock`, '');
    utimesSync(`${state}.lock`, new Date(), new Date(Date.now() - 11_000));
    await file.update((stored) => makeOne(stored));
    expect((await file.read()).ledger.size).toBe(1);
    expect(existsSync(`${state}.lock`)).toBe(false);
  });

  test('is not waited for for ever', async () => {
    const { file, state } = place();
    mkdirSync(join(state, '..'), { recursive: true });
    writeFileSync(`${state}.lock`, '');
    await expect(file.update(() => [])).rejects.toThrow('EEXIST');
  });
});

describe('what cannot be trusted or read', () => {
  test.each<[string, (state: string) => void, RegExp]>([
    ['text that is no JSON', (state) => writeFileSync(state, '{', { mode: 0o600 }), /is damaged/],
    ['nothing', (state) => writeFileSync(state, '', { mode: 0o600 }), /is damaged/],
    [
      'zeros, as a crash leaves them',
      (state) => writeFileSync(state, Buffer.alloc(4096), { mode: 0o600 }),
      /is damaged/,
    ],
    [
      'more than a megabyte',
      (state) => writeFileSync(state, ' '.repeat(1024 * 1024 + 1), { mode: 0o600 }),
      /not a file of this user/,
    ],
    [
      'what others may write',
      (state) => {
        writeFileSync(state, '{"version":1,"entries":[]}');
        chmodSync(state, 0o666);
      },
      /not a file of this user/,
    ],
    ['a folder', (state) => mkdirSync(state), /not a file of this user/],
  ])('%s holds no exception, is told, and put aside', async (_name, spoil, says) => {
    const { file, state } = place();
    mkdirSync(join(state, '..'), { recursive: true });
    spoil(state);
    const opened = await file.read();
    expect(opened.ledger.size).toBe(0);
    expect(opened.damage).toMatch(says);
    await file.update((ledger) => makeOne(ledger));
    expect(await file.read()).toMatchObject({ damage: undefined, ledger: { size: 1 } });
    expect(existsSync(`${state}.damaged`)).toBe(true);
  });

  test('a symbolic link is not followed', async () => {
    const { file, state, folder } = place();
    mkdirSync(join(state, '..'), { recursive: true });
    writeFileSync(join(folder, 'elsewhere'), '{"version":1,"entries":[]}', { mode: 0o600 });
    symlinkSync(join(folder, 'elsewhere'), state);
    await expect(file.read()).rejects.toThrow('ELOOP');
  });
});

describe('the audit log', () => {
  test('has a line for each change, and none for evidence', async () => {
    const { file, audit } = place();
    await file.update((ledger) => {
      ledger.reject(seen({ host: 'other.test' }), false);
      return [];
    });
    expect(lines(audit)).toEqual([]);
    await file.update(makeOne);
    await file.update((ledger) => ledger.revoke(() => true, Date.now(), 'a test'));
    const told = lines(audit).map((line): Record<string, unknown> => JSON.parse(line));
    expect(told.map(({ change, by, host }) => [change, by, host])).toEqual([
      ['made', 'the proxy', 'ok.test:443'],
      ['revoked', 'a test', 'ok.test:443'],
    ]);
  });

  test('that cannot be written keeps the change from being made', async () => {
    const { file, audit } = place();
    mkdirSync(audit, { recursive: true });
    await expect(file.update(makeOne)).rejects.toThrow('EISDIR');
    expect((await file.read()).ledger.size).toBe(0);
    await file.update((ledger) => {
      ledger.reject(seen(), false);
      return [];
    });
    expect((await file.read()).ledger.size).toBe(1);
  });
});
