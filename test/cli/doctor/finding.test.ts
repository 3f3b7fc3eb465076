// A check always ends, and says what it found.

import { describe, expect, test } from 'vitest';
import { examine, type Findings, failed, plain } from '../../../src/cli/doctor/finding.ts';
import { ProxyError } from '../../../src/core/errors.ts';

describe('a check', () => {
  test('gives what it found, one thing or several', async () => {
    const fine = { check: 'x', state: 'ok', reason: 'well' } as const;
    expect(await examine('x', () => fine)).toEqual([fine]);
    expect(await examine('x', async () => [fine, fine])).toEqual([fine, fine]);
    expect(await examine('x', () => [])).toEqual([]);
  });

  test('that throws has failed, by the words of the error', async () => {
    const thrown: readonly [unknown, string][] = [
      [new ProxyError('ca-unusable', 'x is gone; put it back.'), 'x is gone; put it back'],
      [new ProxyError('shutting-down'), 'The proxy is shutting down'],
      [Object.assign(new Error('no such thing'), { code: 'ENOENT' }), 'ENOENT: no such thing'],
    ];
    for (const [error, reason] of thrown) {
      const look = (): Findings => {
        throw error;
      };
      expect(await examine('x', look)).toEqual([{ check: 'x', state: 'failed', reason }]);
    }
  });

  test('that never ends is given up', async () => {
    const found = await examine('x', () => new Promise<Findings>(() => undefined), 20);
    expect(found).toEqual([{ check: 'x', state: 'failed', reason: 'no end of this check within 0.02 s' }]);
  });
});

test('a failure takes a mend along', () => {
  const error = new ProxyError('dns-failed', 'a.test: no addresses');
  expect(failed('DNS', error, 'look')).toEqual({
    check: 'DNS',
    state: 'failed',
    reason: 'a.test: no addresses',
    mend: 'look',
  });
});

test('a sentence becomes one line without its stop', () => {
  expect(plain(' a\n  b. ')).toBe('a b');
});
