import { expect, test } from 'vitest';
import { groupsByUser, parseGroups } from '../../src/auth/groups.ts';

const lines = (...texts: string[]) => texts.map((text, index) => ({ line: index + 1, text }));

test('a line is a group and its users, and a group may go on in a further one', () => {
  const read = parseGroups(lines('ops: alice  bob', 'dev:carol', 'ops: dave', 'empty:'));
  expect(read.ok && [...read.value]).toEqual([
    ['ops', ['alice', 'bob', 'dave']],
    ['dev', ['carol']],
    ['empty', []],
  ]);
});

test('what is no such line is told', () => {
  const read = parseGroups(lines('ops alice', ': alice', 'dev: al\u200bice'));
  expect(read.ok ? [] : read.problems).toEqual([
    { line: 1, message: 'a line is GROUP: USER USER: there is no colon' },
    { line: 2, message: 'a line is GROUP: USER USER: it is empty' },
    { line: 3, message: 'a line is GROUP: USER USER: it holds a character that cannot be seen' },
  ]);
});

test('a user is in all groups that any source says', () => {
  const byUser = groupsByUser(
    new Map([['ops', ['alice', 'bob']]]),
    new Map([
      ['dev', ['alice']],
      ['ops', ['carol']],
    ]),
  );
  expect(byUser).toEqual(
    new Map([
      ['alice', new Set(['ops', 'dev'])],
      ['bob', new Set(['ops'])],
      ['carol', new Set(['ops'])],
    ]),
  );
});
