import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSegment } from '../../src/policy/segment-glob.ts';
import { leastCpuTime } from './cpu-time.ts';

function matches(glob: string, segment: string): boolean {
  const compiled = compileSegment(glob);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.value(segment);
}

/** What a star means, with backtracking and without a thought for speed. */
function reference(glob: string, segment: string): boolean {
  if (glob === '*') return segment !== '';
  if (glob === '') return segment === '';
  if (!glob.startsWith('*')) return segment.startsWith(glob.charAt(0)) && rest(glob.slice(1), segment.slice(1));
  return rest(glob, segment);
}

function rest(glob: string, segment: string): boolean {
  if (glob === '') return segment === '';
  if (!glob.startsWith('*')) return glob.charAt(0) === segment.charAt(0) && rest(glob.slice(1), segment.slice(1));
  return rest(glob.slice(1), segment) || (segment !== '' && rest(glob, segment.slice(1)));
}

describe('a star in a segment', () => {
  test.each([
    ['api', 'api', true],
    ['api', 'API', false],
    ['*', 'x', true],
    ['*', '', false],
    ['api-*', 'api-', true],
    ['api-*', 'api-eu', true],
    ['api-*', 'api', false],
    ['*.tar.gz', 'a.tar.gz', true],
    ['*.tar.gz', '.tar.gz', true],
    ['*.tar.gz', 'a-tar-gz', false],
    ['*a*', 'a', true],
    ['*a*', 'b', false],
    ['*a*b', 'ab', true],
    ['*a*b', 'aab', true],
    ['*a*b', 'aba', false],
    ['x*y*z', 'xyz', true],
    ['x*y*z', 'xz', false],
    ['x*yz*yz', 'xyz', false],
    ['.*', '.hidden', true],
    ['*.*b', '.b', true],
    ['*.', '.', true],
    ['*', '.hidden', true],
    ['(a|b)*', '(a|b)c', true],
    ['(a|b)*', 'ac', false],
    ['a+*', 'a+', true],
    ['a+*', 'aaa', false],
    ['$*^', '$x^', true],
    ['!a*', '!ab', true],
    ['!a*', 'b', false],
    ['~*%2F', '~x%2F', true],
  ])('%s matches %j: %s', (glob, segment, expected) => {
    expect(matches(glob, segment)).toBe(expected);
  });

  test('means the same as a plain reference, whatever the signs beside it', () => {
    const sign = fc.constantFrom(...'aab.-+!@()|^$&,;=:~%_"\'`');
    const text = fc.array(sign, { maxLength: 4 }).map((signs) => signs.join(''));
    const glob = fc
      .array(
        text.filter((part) => part !== ''),
        { minLength: 1, maxLength: 3 },
      )
      .chain((parts) => fc.tuple(fc.constant(parts.slice(0, 2)), fc.boolean(), fc.boolean()))
      .map(([parts, first, last]) => (parts.length === 1 && first ? '*' : '') + parts.join('*') + (last ? '*' : ''))
      .filter((candidate) => candidate.split('*').length <= 3);
    const pair = fc
      .tuple(glob, fc.array(text, { minLength: 2, maxLength: 2 }), fc.boolean(), text)
      .map(([pattern, fill, isNear, far]) => {
        let turn = 0;
        const near = pattern.replace(/\*/g, () => fill[turn++] ?? '');
        return { pattern, segment: isNear ? near : far };
      });
    fc.assert(
      fc.property(pair, ({ pattern, segment }) => {
        expect([pattern, segment, matches(pattern, segment)]).toEqual([pattern, segment, reference(pattern, segment)]);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a**', '"**" in "a**" is more than a segment: only "/**/" may cross segments'],
    ['***', '"**" in "***" is more than a segment: only "/**/" may cross segments'],
    ['a*b*c*d', '"a*b*c*d" has 3 stars, one segment may have 2'],
  ])('%s is refused', (glob, message) => {
    expect(compileSegment(glob)).toEqual({ ok: false, message });
  });

  test.each([
    ['*a*b', 'a'.repeat(65_536)],
    ['a*a*b', 'a'.repeat(65_536)],
    ['*ab*ab', 'ab'.repeat(32_768).slice(0, -1)],
    ['*a', `${'a'.repeat(65_535)}b`],
    ['*b*', 'a'.repeat(65_536)],
    ['*aaaaaaab*', 'a'.repeat(65_536)],
  ])('DOS-09: %s against 64 KB takes less than 50 ms', (glob, segment) => {
    const compiled = compileSegment(glob);
    if (!compiled.ok) throw new Error(compiled.message);
    const { value: isMatch } = compiled;
    expect(isMatch(segment)).toBe(false);
    expect(leastCpuTime(() => isMatch(segment))).toBeLessThan(50);
  });
});
