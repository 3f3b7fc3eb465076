import { expect, test } from 'vitest';
import { loggedName, MAX_NAME, nameProblem } from '../../src/core/identity.ts';

test.each([['alice'], ['DOMAIN\\alice'], ['alice@example.com'], ['Zoë'], ['o,u="x" y'], ['-'], ['x'.repeat(MAX_NAME)]])(
  '%j can be the name of a user',
  (name) => {
    expect(nameProblem(name)).toBeUndefined();
  },
);

test.each([
  ['', 'it is empty'],
  ['x'.repeat(MAX_NAME + 1), 'it is longer than 256 characters'],
  ['alice\n', 'it holds a character that cannot be seen'],
  ['ali\0ce', 'it holds a character that cannot be seen'],
  ['ali\u200bce', 'it holds a character that cannot be seen'],
  ['\u202eecila', 'it holds a character that cannot be seen'],
  ['ali\u2028ce', 'it holds a character that cannot be seen'],
  ['ali\ud800ce', 'it holds a character that cannot be seen'],
  ['ali\ufffdce', 'it holds a character that cannot be seen'],
])('%j cannot: %s', (name, reason) => {
  expect(nameProblem(name)).toBe(reason);
});

test('in the log a name has a character for each byte', () => {
  expect(loggedName('alice')).toBe('alice');
  expect(loggedName('zo\u00eb')).toBe('zo\u00c3\u00ab');
});
