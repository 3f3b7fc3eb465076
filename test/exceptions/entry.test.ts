import { describe, expect, test } from 'vitest';
import { type Entry, formatTarget, isExempted, pairKey, pairOf, readEntry } from '../../src/exceptions/entry.ts';

const pair = { client: '10.0.0.5', host: 'ok.test', port: 443 };
const entry: Entry = { ...pair, rule: 'all', recent: [{ time: 1, alert: 'none', confidence: 'suspected' }], count: 1 };

describe('an entry', () => {
  test('is read with what is known of it, and nothing else', () => {
    expect(readEntry({ ...entry, made: 5, expires: 'soon', banana: 1 })).toEqual({ ...entry, made: 5 });
  });

  test('is an exception when it was made and has an end', () => {
    expect([entry, { ...entry, made: 1 }, { ...entry, made: 1, expires: 2 }].map(isExempted)).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('whom it is about', () => {
  test('has a key that no other has', () => {
    const others = [pair, { ...pair, client: '10.0.0.6' }, { ...pair, host: 'a.test' }, { ...pair, port: 1 }];
    expect(new Set(others.map(pairKey)).size).toBe(4);
  });

  test.each([
    ['ok.test', 'ok.test:443'],
    ['192.0.2.1', '192.0.2.1:443'],
    ['2001:db8::1', '[2001:db8::1]:443'],
  ])('%s is shown as %s', (host, shown) => {
    expect(formatTarget(pairOf('10.0.0.5', { kind: 'name', host, port: 443 }))).toBe(shown);
  });
});
