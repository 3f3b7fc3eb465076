import { describe, expect, test } from 'vitest';
import { bothHosts, hasHosts, hostPattern, isEveryHost, tidyHosts } from '../../src/squid/hosts.ts';

const hosts = (...texts: readonly string[]) => texts.flatMap((text) => hostPattern(text) ?? []);

describe('sets of hosts', () => {
  test.each([
    [['.a.test'], ['www.a.test', 'b.test'], ['www.a.test']],
    [['.a.test'], ['.x.a.test'], ['.x.a.test']],
    [['.a.test'], ['*.a.test'], ['*.a.test']],
    [['*'], ['a.test'], ['a.test']],
    [['a.test'], ['b.test'], []],
    [['api-*.a.test'], ['.a.test'], ['api-*.a.test']],
    [['api-*.a.test'], ['api-1.a.test', 'web.a.test'], ['api-1.a.test']],
  ])('%j and %j have in common %j', (a, b, both) => {
    expect(bothHosts(hosts(...a), hosts(...b))?.map(({ text }) => text)).toEqual(both);
    expect(bothHosts(hosts(...b), hosts(...a))?.map(({ text }) => text)).toEqual(both);
  });

  test('what two stars have in common is not said', () => {
    expect(bothHosts(hosts('a*.x.test'), hosts('*b.x.test'))).toBeUndefined();
  });

  test('hold each other, and are tidied', () => {
    expect([hasHosts(hosts('.a.test'), hosts('x.a.test')), hasHosts(hosts('x.a.test'), hosts('.a.test'))]).toEqual([
      true,
      false,
    ]);
    expect(tidyHosts(hosts('.a.test', 'x.a.test', '.a.test')).map(({ text }) => text)).toEqual(['.a.test']);
    expect(isEveryHost(tidyHosts(hosts('a.test', '*')))).toBe(true);
  });
});
