import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePath } from '../../src/policy/path-glob.ts';
import { leastCpuTime } from './cpu-time.ts';

function matches(glob: string, path: string): boolean {
  const compiled = compilePath(glob);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.value(path);
}

/** Segments against segments, with backtracking at each `**`. */
function reference(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...others] = glob;
  if (first === undefined) return path.length === 0;
  if (first === '**') return reference(others, path) || (path.length > 0 && reference(glob, path.slice(1)));
  if (path.length === 0) return false;
  const segment = path[0] ?? '';
  const isSame = first === '*' ? segment !== '' : first === 'a*' ? segment.startsWith('a') : first === segment;
  return isSame && reference(others, path.slice(1));
}

describe('the glob of a path', () => {
  test.each([
    ['/', '/', true],
    ['/', '/x', false],
    ['/v2', '/v2', true],
    ['/v2', '/v2/', false],
    ['/v2', '/V2', false],
    ['/v2/', '/v2', false],
    ['/x/**', '/x', true],
    ['/x/**', '/x/', true],
    ['/x/**', '/x/y', true],
    ['/x/**', '/x/y/z', true],
    ['/x/**', '/x//y', true],
    ['/x/**', '/xy', false],
    ['/x/**', '/', false],
    ['/**', '/', true],
    ['/**', '/a/b', true],
    ['/**/', '/', true],
    ['/**/', '/a/', true],
    ['/**/', '/a', false],
    ['/*', '/a', true],
    ['/*', '/', false],
    ['/*', '/a/', false],
    ['/*', '/a/b', false],
    ['/*/b', '/a/b', true],
    ['/*/b', '/b', false],
    ['/x/*/', '/x/y/', true],
    ['/x/*/', '/x/y', false],
    ['/x/**/z', '/x/z', true],
    ['/x/**/z', '/x/a/b/z', true],
    ['/x/**/z', '/x/a/b/z/', false],
    ['/x/**/x', '/x', false],
    ['/**/a/b/**/c', '/a/a/b/c', true],
    ['/**/a/b/**/c', '/a/x/b/c', false],
    ['/**/**/x', '/x', true],
    ['/files/*.tar.gz', '/files/a.tar.gz', true],
    ['/files/*.tar.gz', '/files/a/b.tar.gz', false],
    ['/files/*.tar.gz', '/files/a%2Fb.tar.gz', true],
    ['/Foo_(bar)', '/Foo_(bar)', true],
    ['/*_(bar)', '/Foo_(bar)', true],
  ])('%s matches %s: %s', (glob, path, expected) => {
    expect(matches(glob, path)).toBe(expected);
  });

  test('means the same as a plain reference', () => {
    const globPart = fc.constantFrom('a', 'b', 'ab', '', '*', 'a*', '**', '**');
    const pathPart = fc.constantFrom('a', 'b', 'ab', '', 'aa');
    const globs = fc.array(globPart, { minLength: 1, maxLength: 6 });
    const paths = fc.array(pathPart, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(globs, paths, (glob, path) => {
        expect(matches(`/${glob.join('/')}`, `/${path.join('/')}`)).toBe(reference(glob, path));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['/a**', '"**" in "a**" is more than a segment: only "/**/" may cross segments'],
    ['/a*b*c*d', '"a*b*c*d" has 3 stars, one segment may have 2'],
    [`/*${'/a'.repeat(32)}`, `the path "/*${'/a'.repeat(32)}" has more than 32 segments`],
  ])('%s is refused', (glob, message) => {
    expect(compilePath(glob)).toEqual({ ok: false, message });
  });

  const paths: [name: string, path: string][] = [
    ['empty segments', '/'.repeat(65_536)],
    ['short segments', '/a'.repeat(32_768)],
    ['middling segments', `/${'a'.repeat(255)}`.repeat(256)],
    ['one segment', `/${'a'.repeat(65_535)}`],
  ];
  const globs: [name: string, glob: string][] = [
    ['many "**"', `/${'**/a/'.repeat(14)}c/**`],
    ['many "**" and "*"', `/${'**/a*/'.repeat(7)}c/**`],
    ['many "**" and "*" on both sides', `/${'**/*a*/'.repeat(4)}**/c/**`],
    ['the longest run', `/**${'/a'.repeat(29)}/c/**`],
    ['the longest run with stars', `/**${'/*a*'.repeat(7)}/c/**`],
    ['the longest run with open stars', `/**${'/a*'.repeat(13)}/c/**`],
    ['a star that searches', '/**/*a*b/**'],
    ['stars in each segment', `/${'*/'.repeat(15)}b`],
  ];
  test.each(globs.flatMap(([name, glob]) => paths.map(([kind, path]) => ({ name, kind, glob, path }))))(
    'DOS-09: $name against 64 KB of $kind takes less than 50 ms',
    ({ glob, path }) => {
      const compiled = compilePath(glob);
      if (!compiled.ok) throw new Error(compiled.message);
      const { value: isMatch } = compiled;
      expect(isMatch(path)).toBe(false);
      expect(leastCpuTime(() => isMatch(path))).toBeLessThan(50);
    },
  );
});
