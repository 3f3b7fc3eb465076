import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHost } from '../../src/core/authority.ts';
import { HostMatcher } from '../../src/policy/host-matcher.ts';
import { type HostPattern, parseHostPattern } from '../../src/policy/host-pattern.ts';

function pattern(text: string): HostPattern {
  const parsed = parseHostPattern(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

function matcherOf(...texts: string[]): HostMatcher<string> {
  const matcher = new HostMatcher<string>();
  for (const text of texts) matcher.add(pattern(text), text);
  return matcher;
}

function find(matcher: HostMatcher<string>, text: string): string[] {
  const host = parseHost(text);
  if (!host.ok) throw new Error(host.reason);
  return matcher.find({ kind: host.value.kind, host: host.value.text }).flat();
}

const matches = (text: string, host: string): boolean => find(matcherOf(text), host).length > 0;

describe('which host a pattern matches', () => {
  test.each([
    ['ok.test', 'ok.test', true],
    ['ok.test', 'OK.Test.', true],
    ['ok.test', 'sub.ok.test', false],
    ['ok.test', 'evilok.test', false],
    ['ok.test', 'ok.test.evil.test', false],
    ['.ok.test', 'ok.test', true],
    ['.ok.test', 'a.b.ok.test', true],
    ['.ok.test', 'evilok.test', false],
    ['.ok.test', 'test', false],
    ['*.ok.test', 'ok.test', false],
    ['*.ok.test', 'a.ok.test', true],
    ['*.ok.test', 'a.b.ok.test', true],
    ['*.ok.test', 'evilok.test', false],
    ['api-*.ok.test', 'api-eu.ok.test', true],
    ['api-*.ok.test', 'api-eu.x.ok.test', false],
    ['api-*.ok.test', 'x.api-eu.ok.test', false],
    ['api-*.ok.test', 'api-.ok.test', true],
    ['api-*.ok.test', 'ok.test', false],
    ['web-*', 'web-1', true],
    ['web-*', 'a.web-1', false],
    ['*', 'anything.test', true],
    ['*', '192.0.2.7', true],
    ['*', '[::1]', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.70', false],
    ['[::1]', '[0:0::1]', true],
    ['.test', 'a.test', true],
  ])('%s matches %s: %s', (text, host, expected) => {
    expect(matches(text, host)).toBe(expected);
  });

  test('an address is found exactly or not at all', () => {
    const texts = ['.a1', '*.test', 'x*', '*', '192.0.2.7'];
    expect(find(matcherOf(...texts), '192.0.2.7').toSorted()).toEqual(['*', '192.0.2.7']);
  });

  test('values of one pattern keep their order', () => {
    const matcher = new HostMatcher<number>();
    for (const value of [3, 5, 9]) matcher.add(pattern('.ok.test'), value);
    expect(matcher.find({ kind: 'name', host: 'a.ok.test' })).toEqual([[3, 5, 9]]);
  });

  test('what is added after a host was looked for is found for it, too', () => {
    const matcher = matcherOf('.ok.test');
    expect(find(matcher, 'a.ok.test')).toEqual(['.ok.test']);
    matcher.add(pattern('a.ok.test'), 'a.ok.test');
    expect(find(matcher, 'a.ok.test').toSorted()).toEqual(['.ok.test', 'a.ok.test']);
  });

  test('an address is not taken for a name of the same spelling that was looked for before', () => {
    const matcher = matcherOf('.ok.test');
    expect(matcher.find({ kind: 'name', host: 'a.ok.test' })).toEqual([['.ok.test']]);
    expect(matcher.find({ kind: 'ipv4', host: 'a.ok.test' })).toEqual([]);
    expect(matcher.find({ kind: 'name', host: 'a.ok.test' })).toEqual([['.ok.test']]);
  });
});

describe('which pattern covers another', () => {
  test.each([
    [['*'], 'ok.test', '*'],
    [['*'], '*', '*'],
    [['.test'], '*', undefined],
    [['ok.test'], 'ok.test', 'ok.test'],
    [['ok.test'], '.ok.test', undefined],
    [['.ok.test'], 'ok.test', '.ok.test'],
    [['.ok.test'], '*.ok.test', '.ok.test'],
    [['.ok.test'], '.a.ok.test', '.ok.test'],
    [['.ok.test'], 'api-*.ok.test', '.ok.test'],
    [['*.ok.test'], '.ok.test', undefined],
    [['*.ok.test'], '*.ok.test', '*.ok.test'],
    [['*.ok.test'], '.a.ok.test', '*.ok.test'],
    [['*.ok.test'], 'api-*.ok.test', '*.ok.test'],
    [['*.ok.test'], 'ok.test', undefined],
    [['*.a.ok.test'], '*.ok.test', undefined],
    [['api-*.ok.test'], 'api-*.ok.test', 'api-*.ok.test'],
    [['api-*.ok.test'], 'api-eu.ok.test', 'api-*.ok.test'],
    [['api-*.ok.test'], '.api-*.ok.test', undefined],
    [['web-*'], 'web-*', 'web-*'],
    [['192.0.2.7'], '192.0.2.7', '192.0.2.7'],
    [['[::1]'], '[::1]', '[::1]'],
    [['.ok.test'], '192.0.2.7', undefined],
    [[], 'ok.test', undefined],
  ])('%j covers %s by %s', (texts, text, expected) => {
    expect(matcherOf(...texts).cover(pattern(text))).toBe(expected);
  });

  test('what is covered matches nothing that its cover does not', () => {
    const text = fc.constantFrom(
      'a.test',
      '.a.test',
      '*.a.test',
      'x-*.a.test',
      '.x-*.test',
      '.test',
      '*.test',
      'x-*',
      '*',
    );
    const label = fc.constantFrom('a', 'x-1', 'x-', 'test', 'b');
    const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(text, text, host, (over, under, name) => {
        const isCovered = matcherOf(over).cover(pattern(under)) !== undefined;
        if (isCovered && matches(under, name)) expect([over, name, matches(over, name)]).toEqual([over, name, true]);
      }),
      { numRuns: 1_000 },
    );
  });
});
