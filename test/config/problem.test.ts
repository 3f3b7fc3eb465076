import { describe, expect, test } from 'vitest';
import { printProblems } from '../../src/config/problem.ts';

describe('a printed problem', () => {
  test('is the place, the setting, the message, the line, and a caret with the hint', () => {
    const text = 'version: 1\npolicy:\n  default: denny\n';
    const problem = { line: 3, column: 12, path: 'policy.default', message: 'expected deny or allow, got "denny"' };
    expect(printProblems('proxy.yaml', text, [{ ...problem, hint: 'did you mean "deny"?' }])).toBe(
      [
        'proxy.yaml:3:12  policy.default  expected deny or allow, got "denny"',
        '   3 |   default: denny',
        '     |            ^ did you mean "deny"?',
      ].join('\n'),
    );
  });

  test.each([
    ['      password: hunter2 # the old one', '      password: *********************', 11],
    ['  - { "password": "a, b", nam: hq }', '  - { "password": *****************', 27],
    ['    url: http://me:p@ss/word@proxy.test:3128/', '    url: http://************@proxy.test:3128/', 10],
    ['    passwordFile: hq.password', '    passwordFile: hq.password', 19],
  ])('shows no secret of %j, and its caret stands where it stood', (line, shown, column) => {
    expect(printProblems('a', line, [{ line: 1, column, path: '', message: 'm' }])).toBe(
      `a:1:${column}  m\n   1 | ${shown}\n     | ${' '.repeat(column - 1)}^`,
    );
  });

  test('has no gap where there is no path, and nothing after the caret where there is no hint', () => {
    expect(printProblems('a.yaml', 'x', [{ line: 1, column: 1, path: '', message: 'wrong' }])).toBe(
      'a.yaml:1:1  wrong\n   1 | x\n     | ^',
    );
  });

  test('comes in the order of the file', () => {
    const at = (line: number, column: number) => ({ line, column, path: '', message: `m${line}${column}` });
    const report = printProblems('a', 'one\ntwo', [at(2, 1), at(1, 3), at(1, 2)]);
    expect(report.match(/m\d\d/g)).toEqual(['m12', 'm13', 'm21']);
  });

  test.each(['\r\n', '\n', '\r'])('finds its line when lines end with %j', (end) => {
    expect(printProblems('a', ['one', 'two'].join(end), [{ line: 2, column: 2, path: '', message: 'm' }])).toBe(
      'a:2:2  m\n   2 | two\n     |  ^',
    );
  });

  test('keeps tabs before the caret, so that it stands below its character', () => {
    expect(printProblems('a', '\tab\tcd', [{ line: 1, column: 5, path: '', message: 'm' }])).toBe(
      'a:1:5  m\n   1 | \tab\tcd\n     | \t  \t^',
    );
  });

  test('shows the part of a long line that the caret is in', () => {
    const report = printProblems('a', `${'x'.repeat(500)}HERE${'y'.repeat(500)}`, [
      { line: 1, column: 501, path: '', message: 'm' },
    ]);
    const [, excerpt, caret] = report.split('\n');
    expect(excerpt?.indexOf('HERE')).toBe(caret?.indexOf('^'));
    expect(excerpt?.length).toBeLessThan(140);
  });

  test('stands at the end of the text when the mistake is that it ends', () => {
    expect(printProblems('a', 'x: [1', [{ line: 1, column: 6, path: '', message: 'm' }])).toContain('     |      ^');
    expect(printProblems('a', 'x', [{ line: 9, column: 1, path: '', message: 'm' }])).toBe(
      'a:9:1  m\n   9 |\n     | ^',
    );
  });

  test('never sends a control or direction character to the terminal', () => {
    const report = printProblems('a', 'a\x1b[31m\u202e\x00\x9bb', [
      { line: 1, column: 1, path: '\x1b]0;x', message: 'm\x07\u2028', hint: 'h\x1b' },
    ]);
    expect(report).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e]/);
    expect(report).toContain('a\ufffd[31m\ufffd\ufffd\ufffdb');
  });

  test('stays short when a key or a tag is as long as the file', () => {
    const long = 'x'.repeat(100_000);
    const report = printProblems('a', long, [{ line: 1, column: 1, path: long, message: long, hint: long }]);
    expect(report.length).toBeLessThan(1_200);
    expect(report.split('\n')).toHaveLength(3);
  });

  test('ends after fifty, with the count of the others', () => {
    const problems = Array.from({ length: 53 }, (_, index) => ({ line: index + 1, column: 1, path: '', message: 'm' }));
    const report = printProblems('a', '', problems);
    expect(report.match(/^a:\d/gm)).toHaveLength(50);
    expect(report.endsWith('\nand 3 more')).toBe(true);
  });
});
