import { expect, test } from 'vitest';
import { parseHtpasswd } from '../../src/auth/htpasswd.ts';

const SHA = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';
const lines = (...texts: string[]) => texts.map((text, index) => ({ line: index + 1, text }));

test('each line is a user and a hash, and a comment after a further colon is left out', () => {
  const read = parseHtpasswd(lines(`alice:${SHA}`, `bob smith:${SHA}:Bob from accounting`));
  expect(read.ok && [...read.value.keys()]).toEqual(['alice', 'bob smith']);
  expect(read.ok && read.value.get('bob smith')).toEqual({ kind: 'sha1', digest: SHA.slice(5) });
});

test('a file without users has none', () => {
  expect(parseHtpasswd([])).toEqual({ ok: true, value: new Map() });
});

test('all that is wrong is told by its line, and no password with it', () => {
  const read = parseHtpasswd(
    lines(`alice:${SHA}`, 'bob', 'carol:hunter2', 'dave:rqXexS6ZhobKA', `alice:${SHA}`, `:${SHA}`, 'erin:$y$j9T$a$b'),
  );
  expect(read).toMatchObject({ ok: false });
  const problems = read.ok ? [] : read.problems;
  expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
    '2 there is no colon: a line is user:hash',
    '3 user "carol": its password stands there in plain text, or its hash is damaged; make it anew: htpasswd -B FILE carol',
    expect.stringMatching(/^4 user "dave": its password is hashed by DES/),
    '5 user "alice" is there twice, first in line 1',
    '6 the user name cannot be one: it is empty',
    '7 user "erin": its hash is of a kind that is not taken; make it anew: htpasswd -B FILE erin',
  ]);
  expect(JSON.stringify(problems)).not.toContain('hunter2');
});
