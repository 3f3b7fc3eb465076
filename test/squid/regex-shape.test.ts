import { describe, expect, test } from 'vitest';
import { type Shape, shapesOf } from '../../src/squid/regex-shape.ts';

/** `^`, text, `.` for one and `*` for many, `$`. */
const spelled = ({ fromStart, toEnd, pieces }: Shape): string =>
  `${fromStart ? '^' : ''}${pieces.map((piece) => (piece.is === 'text' ? piece.text : piece.is === 'one' ? '?' : '*')).join('')}${toEnd ? '$' : ''}`;

describe('the shape of a regular expression', () => {
  test.each([
    ['\\.example\\.com$', ['.example.com$']],
    ['^www\\.example\\.com$', ['^www.example.com$']],
    ['(^|\\.)example[.]com$', ['^example.com$', '.example.com$']],
    ['^(.*\\.)?example\\.com$', ['^example.com$', '.example.com$']],
    ['example.com', ['example?com']],
    ['^https?://a/', ['^http://a/', '^https://a/']],
    ['a|b', ['a', 'b']],
    ['^.*a.*$', ['a']],
    ['a.+b', ['a?*b']],
    ['.*', ['']],
  ])('%s', (source, shapes) => {
    expect(shapesOf(source)?.map(spelled)).toEqual(shapes);
  });

  test.each(['[a-z]', 'a*', 'a{2}', '\\d', '(a', 'a)', '(?:a)', 'a^b', '[^a]', '\\', 'a++'])(
    '%s has none',
    (source) => {
      expect(shapesOf(source)).toBeUndefined();
    },
  );

  test('every prefix is read or refused', () => {
    const source = '^(www\\.|[.])?ex.*mple(a|b)\\.com$';
    for (let end = 0; end <= source.length; end += 1) expect(() => shapesOf(source.slice(0, end))).not.toThrow();
  });
});
