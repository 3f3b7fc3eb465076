import { describe, expect, test } from 'vitest';
import { duration, parseSize, parseTime } from '../../src/squid/units.ts';

describe('units of squid.conf', () => {
  test.each([
    ['30 seconds', 30_000],
    ['1 minute', 60_000],
    ['2 hours', 7_200_000],
    ['90', 90_000],
    ['5m', 300_000],
    ['500 milliseconds', 500],
    ['x', undefined],
    ['1 parsec', undefined],
  ])('time %s', (text, milliseconds) => {
    expect(parseTime(text.split(' '))).toBe(milliseconds);
  });

  test.each([
    ['4 MB', 4_194_304],
    ['4MB', 4_194_304],
    ['10 KB', 10_240],
    ['7', 7],
    ['many', undefined],
  ])('size %s', (text, bytes) => {
    expect(parseSize(text.split(' '))).toBe(bytes);
  });

  test.each([
    [60_000, '1m'],
    [3_600_000, '1h'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [9e12, '168h'],
    [0, '1ms'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });
});
