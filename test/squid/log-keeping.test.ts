import { describe, expect, test } from 'vitest';
import { keptOf, onFullOf, tellUnsaidFailure, tellUnsaidRotation } from '../../src/squid/log-keeping.ts';
import { Notes } from '../../src/squid/note.ts';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];
const LINE = { file: 'f', line: 1, name: 'access_log', words: [], rest: '', lists: new Map() };

/** Notes on logs alone. */
async function importLog(...lines: readonly string[]) {
  const { config, notes } = await importLines(...BASE, ...lines);
  const told = notes.filter(({ about }) => /^(?:access_log|logfile_rotate)$/.test(about));
  return { access: config.log.access, told: told.map(({ kind, line, about }) => `${kind} ${about}:${line}`) };
}

describe('where nobody says what becomes of a log that cannot be written, and how long its files are kept', () => {
  test.each([
    ['no log is named', [], ['differs access_log:0', 'differs logfile_rotate:0']],
    ['a log is', ['access_log /x/a.log'], ['differs access_log:3', 'differs logfile_rotate:0']],
    [
      'two are',
      ['access_log /x/a.log', 'access_log /x/b.log'],
      ['differs access_log:3', 'differs access_log:4', 'differs logfile_rotate:0'],
    ],
    ['it has no file', ['access_log stdio:/dev/stdout'], ['differs access_log:3']],
    ['one half of it', ['logfile_rotate 0', 'access_log /x/a.log'], ['differs access_log:4']],
    ['the other half', ['access_log /x/a.log logformat=squid on-error=drop'], ['differs logfile_rotate:0']],
    ['there is none', ['access_log none'], []],
  ])('that is told: %s', async (_, lines, told) => {
    expect((await importLog(...lines)).told.toSorted()).toEqual(told);
  });

  test('it is told what is so', async () => {
    const notes = new Notes();
    tellUnsaidFailure(undefined, notes);
    tellUnsaidRotation(notes);
    expect(notes.all.map(({ why }) => why)).toEqual([
      expect.stringContaining('the default of Squid is on-error=die'),
      expect.stringContaining('renames none'),
    ]);
    const { access } = await importLog();
    expect(access).toEqual([{ path: '/var/log/squid/access.log', format: 'squid' }]);
  });
});

test.each([
  ['rotate=3', { rotate: { keep: 3 } }, []],
  ['rotate=0', { rotate: { keep: 0 } }, []],
  ['rotate=-1', { rotate: { keep: 0 } }, []],
  ['rotate=5000', { rotate: { keep: 1000 } }, ['differs access_log:3']],
  ['rotate=3 on-error=die', { rotate: { keep: 3 }, onFull: 'exit' }, ['differs access_log:3']],
  ['rotate=3 on-error=DIE', { rotate: { keep: 3 }, onFull: 'exit' }, ['differs access_log:3']],
])('where it is said, it is so: %s', async (words, expected, told) => {
  const onError = words.includes('on-error') ? '' : ' on-error=drop';
  const found = await importLog(`access_log /x/a.log ${words}${onError}`);
  expect(found.access).toEqual([
    { path: '/x/a.log', format: 'squid', ...(onError ? { onFull: 'drop' } : {}), ...expected },
  ]);
  expect(found.told).toEqual(told);
});

test('what is no number, or no way to go on, is none of Squid’s', () => {
  const notes = new Notes();
  expect([keptOf(LINE, 'ten', notes), keptOf(LINE, '', notes), onFullOf(LINE, 'block', notes)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(notes.all.map(({ kind, why }) => `${kind} ${why}`)).toEqual([
    'unknown "ten" is no number of old files',
    'unknown "" is no number of old files',
    'unknown "on-error=block" is neither die nor drop',
  ]);
});
