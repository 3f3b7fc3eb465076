// Moments by strftime formats, held against the system's own `date`.

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { strftime, unknownConversion } from '../../src/log/strftime.ts';

/** Begins and ends of years, leap days, weeks that belong to another year. */
const MOMENTS = [
  '2026-11-22T06:47:05Z',
  '2024-02-29T00:00:00Z',
  '2024-12-30T23:59:59Z',
  '2021-01-03T12:00:00Z',
  '2027-01-01T00:30:00Z',
  '1999-12-31T13:01:02Z',
].map((text) => Date.parse(text));

const LETTERS = [...'AaBbCcDdeFGgHhIjklMmPpRSsTUuVWwXxYyzZ%'];

describe('strftime', () => {
  test('prints each conversion as the system does', () => {
    const format = LETTERS.map((letter) => `%${letter}`).join('|');
    for (const time of MOMENTS) {
      const env = { TZ: 'UTC', LC_ALL: 'C' };
      const theirs = execFileSync('date', ['-u', '-d', `@${time / 1000}`, `+${format}`], { env, encoding: 'utf8' });
      expect(strftime(format, time, 'utc').replace('|GMT|', '|UTC|')).toBe(theirs.trimEnd());
    }
  });

  test('prints local time by the zone of the process', () => {
    const [time = 0] = MOMENTS;
    const format = '%d/%b/%Y:%H:%M:%S %z';
    const theirs = execFileSync('date', ['-d', `@${time / 1000}`, `+${format}`], { encoding: 'utf8' });
    expect(strftime(format, time, 'local')).toBe(theirs.trimEnd());
  });

  test.each([
    ['%Y-%m-%d', undefined],
    ['100%%', undefined],
    ['%Ey %Od', undefined],
    ['%Q', '%Q'],
    ['%Y %', '%'],
  ])('knows what is unknown in %s', (format, unknown) => {
    expect(unknownConversion(format)).toBe(unknown);
  });

  test('never makes two lines of one', () => {
    expect(strftime('a%nb%tc', 0, 'utc')).toBe('a b c');
  });
});
