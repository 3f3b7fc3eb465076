// Which Authorization field shows the token.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OperatorToken } from '../../src/admin/operator-token.ts';

test.each<[string | undefined, boolean]>([
  ['Bearer 0123456789abcdef', true],
  ['bearer 0123456789abcdef', true],
  ['Bearer   0123456789abcdef ', true],
  ['Bearer 0123456789abcde', false],
  ['Bearer 0123456789abcdef0', false],
  ['Bearer 0123456789ABCDEF', false],
  ['Bearer 0123456789abcdef x', false],
  ['Bearer ', false],
  ['0123456789abcdef', false],
  ['', false],
  [undefined, false],
])('%s: %s', async (field, expected) => {
  const file = join(mkdtempSync(join(tmpdir(), 'token-')), 't');
  writeFileSync(file, '0123456789abcdef\n');
  expect((await OperatorToken.read(file)).fits(field)).toBe(expected);
});
