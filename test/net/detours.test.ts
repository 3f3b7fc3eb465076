// Which parent has led to an authority lately.

import { expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import { Detours } from '../../src/net/detours.ts';

const at = (host: string, port = 443): Authority => ({ kind: 'name', host, port });

test('a detour is one of its authority, port included, for a minute', () => {
  let now = 0;
  const detours = new Detours<string>(() => now);
  expect(detours.of(at('a.test'))).toBeUndefined();
  detours.remember(at('a.test'), 'spare');
  now = 59_999;
  expect(detours.of(at('a.test'))).toBe('spare');
  expect(detours.of(at('b.test'))).toBeUndefined();
  expect(detours.of(at('a.test', 8443))).toBeUndefined();
  now = 60_000;
  expect(detours.of(at('a.test'))).toBeUndefined();
});

test('a later detour takes the place of an earlier one', () => {
  const detours = new Detours<string>();
  detours.remember(at('a.test'), 'one');
  detours.remember(at('a.test'), 'two');
  expect(detours.of(at('a.test'))).toBe('two');
});

test('a thousand are remembered, the latest', () => {
  const detours = new Detours<string>();
  for (let index = 0; index < 1_500; index += 1) detours.remember(at(`h${index}.test`), 'spare');
  const known = Array.from({ length: 1_500 }, (_, index) => detours.of(at(`h${index}.test`)) !== undefined);
  expect(known.indexOf(true)).toBe(500);
  expect(known.filter(Boolean)).toHaveLength(1_000);
});
