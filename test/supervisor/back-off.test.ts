// How soon a place is filled again.

import { expect, test } from 'vitest';
import { BackOff } from '../../src/supervisor/back-off.ts';

const WELL = 10_000;
const after = (lives: readonly number[]): number[] => {
  const backOff = new BackOff();
  return lives.map((life) => backOff.after(life));
};

test('at once after a first death, however early it was', () => {
  expect(after([0])).toEqual([0]);
  expect(after([WELL * 100])).toEqual([0]);
});

test('twice as late each time that one dies early, up to half a minute', () => {
  expect(after(Array.from({ length: 15 }, () => WELL - 1))).toEqual([
    0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 30_000, 30_000,
  ]);
});

test('at once again when one was well before it died', () => {
  expect(after([0, 0, 0, WELL, 0, WELL, WELL])).toEqual([0, 10, 20, 0, 10, 0, 0]);
});
