import { describe, expect, test } from 'vitest';
import { MAX_DURATION, parseDuration } from '../../src/config/duration.ts';

describe('a duration', () => {
  test.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['0090s', 90_000],
    ['168h', MAX_DURATION],
  ])('%s is %i milliseconds', (text, value) => {
    expect(parseDuration(text)).toEqual({ ok: true, value });
  });

  test.each([
    '',
    '10',
    's',
    '1.5h',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1s ',
    '1s\n',
    '1S',
    '1d',
    '1h30m',
    '1e3s',
    '٣s',
    '99999999999s',
  ])('%j is refused for its form', (text) => {
    expect(parseDuration(text)).toEqual({ ok: false, reason: 'a duration is a whole number with ms, s, m or h' });
  });

  test.each(['169h', '604801s', '604800001ms', '9999999999h'])('%s is refused for its length', (text) => {
    expect(parseDuration(text)).toEqual({ ok: false, reason: 'a duration is at most 168h' });
  });

  test('the longest one is within what a timer can wait', () => {
    expect(MAX_DURATION).toBeLessThan(2 ** 31);
  });
});
