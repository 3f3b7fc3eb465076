// `worker` typed by a person.

import { expect, test } from 'vitest';
import { MAIN, startProgram } from '../support/program.ts';

test('a worker that nobody has started says who starts workers', async () => {
  const program = startProgram([MAIN, 'worker']);
  expect(await program.ended).toEqual({ code: 2, signal: null });
  expect(program.errText()).toBe('Workers are started by "run" and "up"; see "workers" in the config.\n');
});
