import { expect, test } from 'vitest';
import { deepFreeze } from '../../src/config/deep-freeze.ts';

test('everything within is frozen, and it is the same object', () => {
  const value = { a: [{ b: 1 }], c: Object.assign(Object.create(null), { d: ['x'] }), e: 'text', f: undefined };
  expect(deepFreeze(value)).toBe(value);
  expect(() => Object.assign(value, { g: 1 })).toThrow(TypeError);
  expect(() => value.a.push({ b: 2 })).toThrow(TypeError);
  expect(() => Object.assign(value.a[0] ?? {}, { b: 2 })).toThrow(TypeError);
  expect(() => value.c.d.push('y')).toThrow(TypeError);
});

test.each([null, undefined, 1, 'x'])('%j passes through', (value) => {
  expect(deepFreeze(value)).toBe(value);
});
