// Variables in paths: what is filled in, and what is refused.

import { describe, expect, test } from 'vitest';
import { fillIn } from '../../src/config/environment.ts';

const environment = {
  CREDENTIALS_DIRECTORY: '/run/credentials/sallyport.service',
  EMPTY: '',
  A1_B: 'x',
  DOLLARS: `$& \${A1_B} $1`,
};

describe('a path', () => {
  test.each<[string, string, string]>([
    ['without variables stays as it is', '../certs/ca.pem', '../certs/ca.pem'],
    ['begins with one', `\${CREDENTIALS_DIRECTORY}/ca-key`, '/run/credentials/sallyport.service/ca-key'],
    ['has one in the midst', `a/\${A1_B}/b`, 'a/x/b'],
    ['has two', `\${A1_B}\${A1_B}`, 'xx'],
    ['prefers the variable to what stands behind it', `\${A1_B:-y}`, 'x'],
    ['takes what stands behind one that is not there', `\${NOT_THERE:-private}/key`, 'private/key'],
    ['takes what stands behind an empty one, as a shell does', `\${EMPTY:-private}/key`, 'private/key'],
    ['may lose one that is empty on purpose', `\${NOT_THERE:-}key`, 'key'],
    ['keeps other dollars', '$HOME/$/a$', '$HOME/$/a$'],
    ['keeps dollars of a value, and does not look for variables in it', `\${DOLLARS}`, `$& \${A1_B} $1`],
  ])('%s', (_, text, value) => {
    expect(fillIn(text, environment)).toEqual({ ok: true, value });
  });

  test.each<[string, string, string | RegExp]>([
    [
      'with an unknown variable',
      `\${NOT_THERE}/key`,
      `the environment has no NOT_THERE; \${NOT_THERE:-folder} would be taken instead`,
    ],
    ['with an empty one', `\${EMPTY}/key`, /^the environment has no EMPTY/],
    [
      'with a slip',
      `\${CREDENTIAL_DIRECTORY}/key`,
      'the environment has no CREDENTIAL_DIRECTORY: is it CREDENTIALS_DIRECTORY?',
    ],
    ['of nothing', `\${NOT_THERE:-}`, 'it is empty'],
    ['with an open brace', `\${A1_B`, /^a variable is written as/],
    ['with no name', `\${}`, /^a variable is written as/],
    ['with small letters', `\${home}`, /^a variable is written as/],
    ['with a digit first', `\${1A}`, /^a variable is written as/],
    ['with another operator of a shell', `\${A1_B:=x}`, /^a variable is written as/],
    ['with one variable in another', `\${NOT_THERE:-\${A1_B}}`, /^a variable is written as/],
  ])('%s is refused', (_, text, reason) => {
    const expected = typeof reason === 'string' ? reason : expect.stringMatching(reason);
    expect(fillIn(text, environment)).toEqual({ ok: false, reason: expected });
  });
});
