import { describe, expect, test } from 'vitest';
import { readManagerTarget } from '../../src/http/manager-target.ts';

describe('a target of the manager', () => {
  test.each([
    ['/squid-internal-mgr/info', 'info', undefined, '/squid-internal-mgr/info'],
    ['/squid-internal-mgr/', '', undefined, '/squid-internal-mgr/'],
    ['/squid-internal-mgr', '', undefined, '/squid-internal-mgr'],
    ['/squid-internal-mgr/info?x=1', 'info', undefined, '/squid-internal-mgr/info'],
    ['/squid-internal-mgr/info@sesame', 'info', 'sesame', '/squid-internal-mgr/info'],
    ['cache_object://localhost/counters', 'counters', undefined, 'cache_object://localhost/counters'],
    ['CACHE_OBJECT://localhost/counters', 'counters', undefined, 'CACHE_OBJECT://localhost/counters'],
    ['cache_object://localhost/', '', undefined, 'cache_object://localhost/'],
    ['cache_object://localhost', '', undefined, 'cache_object://localhost'],
    ['cache_object://[::1]:3128/info', 'info', undefined, 'cache_object://[::1]:3128/info'],
    ['cache_object://h/info@a%40b', 'info', 'a@b', 'cache_object://h/info'],
    ['cache_object://h/info@a%zz', 'info', 'a%zz', 'cache_object://h/info'],
    ['cache_object://h/info@one@two', 'info', 'one@two', 'cache_object://h/info'],
    ['cache_object://h/a/b', 'a/b', undefined, 'cache_object://h/a/b'],
  ])('%s asks for %j', (target, report, password, url) => {
    expect(readManagerTarget(target)).toEqual({ report, password, url });
  });

  test.each([
    '/squid-internal-mgrx/info',
    '/squid-internal',
    '/',
    '/other/squid-internal-mgr/info',
    'http://localhost/squid-internal-mgr/info',
    'cache_object:/info',
    'cache_object://user@host/info',
    'cache_objects://host/info',
  ])('is not %s', (target) => {
    expect(readManagerTarget(target)).toBeUndefined();
  });

  test('never has its password in what is logged, however much of it came', () => {
    const whole = 'cache_object://localhost/info@sesame';
    for (let length = 0; length <= whole.length; length += 1) {
      const read = readManagerTarget(whole.slice(0, length));
      expect(read?.url ?? '').not.toContain('ses');
      expect(read?.report ?? '').not.toContain('@');
    }
  });
});
