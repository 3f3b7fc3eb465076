// What comes from outside cannot steer a terminal; figures are short.

import { expect, test } from 'vitest';
import { inBytes, inRate, inTime, plainly } from '../../src/cli/plainly.ts';

test.each([
  ['plain text', 'plain text'],
  ['\u001b[2J\u001b]0;title\u0007gone', 'gone'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['a\r\nb\tc\u0000', 'a??b?c?'],
  ['\u202egnp.exe\u9b54', '?gnp.exe?'],
])('%j is shown as %j', (text, shown) => {
  expect(plainly(text)).toBe(shown);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [12_345, '12 kB'],
  [1_500_000_000, '1.5 GB'],
  [2e15, '2000 TB'],
])('%i bytes are %s', (bytes, text) => {
  expect(inBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_725_000, '1 h 2 min'],
  [86_400_000, '1 d'],
  [90_061_000, '1 d 1 h'],
  [86_460_000, '1 d'],
])('%i ms are %s', (time, text) => {
  expect(inTime(time)).toBe(text);
});

test.each([
  [0, '0'],
  [0.01, '<0.1'],
  [0.05, '0.1'],
  [9.94, '9.9'],
  [9.96, '10'],
  [1234.5, '1235'],
])('%d in a second are %s', (rate, text) => {
  expect(inRate(rate)).toBe(text);
});
