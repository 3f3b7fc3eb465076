// What we tell the other side of a connection.

import { expect, test } from 'vitest';
import { CLIENT_OPTIONS, MAX_STREAMS, SERVER_OPTIONS } from '../../src/http/h2-options.ts';

test('what all streams of a connection may hold fits into its memory', () => {
  const held = (window = 0): number => (MAX_STREAMS * window) / 1_000_000;
  expect(held(SERVER_OPTIONS.settings?.initialWindowSize)).toBeLessThan(SERVER_OPTIONS.maxSessionMemory ?? 0);
  expect(held(CLIENT_OPTIONS.settings?.initialWindowSize)).toBeLessThan(CLIENT_OPTIONS.maxSessionMemory ?? 0);
});

test('an origin may push nothing', () => {
  expect(CLIENT_OPTIONS.settings?.enablePush).toBe(false);
});
