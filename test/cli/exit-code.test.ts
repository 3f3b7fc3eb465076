// The numbers that scripts rely on.

import { expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-code.ts';

test('the exit codes are those that --help and the README promise', () => {
  expect(EXIT).toEqual({ ok: 0, failed: 1, usage: 2, configInvalid: 3, denied: 4, notRunning: 5 });
});
