// Hints name a command that can be typed where the reader is.

import { expect, test } from 'vitest';
import { commandName } from '../../src/cli/command-name.ts';

test.each([
  ['npm start', 'start', 'npm run -s cli --'],
  ['npm run cli', 'cli', 'npm run -s cli --'],
  ['another script of npm', 'test', 'sallyport'],
  ['an install', '', 'sallyport'],
])('%s', (_, event, name) => {
  expect(commandName(event)).toBe(name);
});
