import { describe, expect, test } from 'vitest';
import { readDocument } from '../../src/config/document.ts';

/** `line:column path: message (hint)` of each problem. */
const told = (text: string): string[] =>
  readDocument(text).problems.map(
    ({ line, column, path, message, hint }) =>
      `${line}:${column} ${path}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );

describe('the data', () => {
  test('is what the text says, in YAML 1.2', () => {
    const { data, problems } = readDocument('a: [1, two, 0x10, 010]\nb: { c: off, d: no, e: true, f: }\n"g h": ~\n');
    expect(problems).toEqual([]);
    expect(data).toEqual({ a: [1, 'two', 16, 10], b: { c: 'off', d: 'no', e: true, f: null }, 'g h': null });
  });

  test('keeps ports with a colon, dates and merge keys as they stand', () => {
    expect(readDocument('a: 22:22\nb: 2026-01-01\n<<: { c: 1 }').data).toEqual({
      a: '22:22',
      b: '2026-01-01',
      '<<': { c: 1 },
    });
  });

  test.each(['', '# only a comment\n', '---\n', '~'])('of %j is null', (text) => {
    expect(readDocument(text).data).toBeNull();
    expect(told(text)).toEqual([]);
  });

  test('has no prototype to be reached through', () => {
    const { data } = readDocument('constructor: { prototype: 1 }\ntoString: 2\n');
    expect(Object.getPrototypeOf(data)).toBeNull();
    expect(data).toEqual({ constructor: { prototype: 1 }, toString: 2 });
  });

  test('repeats what an alias names', () => {
    const text = 'a: &list [x, y]\nb: *list\n';
    expect(readDocument(text).data).toEqual({ a: ['x', 'y'], b: ['x', 'y'] });
    expect(told(text)).toEqual([]);
  });
});

describe('broken syntax is told, and nothing is guessed from it', () => {
  test.each([
    ['a tab as indentation', 'a:\n\tb: 1', ['2:1 : tabs are not allowed as indentation (indent with spaces)']],
    ['a quote without end', 'a: "x\n', ['2:1 : the closing quote is missing']],
    [
      'a bracket without end',
      'a: [1, 2\nb: 3\n',
      ['2:1 : flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'a colon within a plain value',
      'a: b: c\n',
      ['1:4 : nested mappings are not allowed in compact mappings (put a value that holds a colon in quotes)'],
    ],
    [
      'a value that begins with an at sign',
      'a: @b',
      ['1:4 : plain value cannot start with reserved character @ (put the value in quotes)'],
    ],
    [
      'a second document',
      'a: 1\n---\nb: 2\n',
      ['2:1 : a second document begins here (one file holds one config: remove the "---" line)'],
    ],
    [
      'a tag',
      'a: !secret x',
      ['1:4 : unresolved tag: !secret (a config has no tags: put a text that starts with ! in quotes)'],
    ],
    ['a YAML 1.1 directive', '%YAML 1.1\n---\na: off\n', ['1:1 : a config is YAML 1.2 (remove the %YAML line)']],
  ])('%s', (_, text, problems) => {
    expect(told(text)).toEqual(problems);
    expect(readDocument(text).data).toBeUndefined();
  });

  test('a key that is no text', () => {
    expect(told('? [a]\n: 1\n')).toEqual(['1:3 : a key is text, and no list, mapping or alias']);
  });

  test('several mistakes at once', () => {
    expect(told('a: @b\nc: `d\n')).toHaveLength(2);
  });
});

describe('what YAML allows and a config does not', () => {
  test('a key twice: the first one counts until it is mended', () => {
    const text = 'a:\n  b: 1\n  c: 2\n  b: 3\n';
    expect(told(text)).toEqual(['4:3 a.b: this key is set twice, first in line 2 (keep one of them)']);
    expect(readDocument(text).data).toEqual({ a: { b: 1, c: 2 } });
  });

  test('a key without end: the first two hundred problems are told', () => {
    expect(told('a: 1\n'.repeat(1_000))).toHaveLength(200);
  });

  test('a key that would set the prototype', () => {
    const text = 'a: { __proto__: { b: 1 } }\n"__proto__": 2\n';
    expect(told(text)).toEqual(['1:6 a.__proto__: unknown key "__proto__"', '2:1 __proto__: unknown key "__proto__"']);
    expect(readDocument(text).data).toEqual({ a: {} });
  });

  test('a host pattern without quotes, which is an alias to YAML', () => {
    const text = 'hosts: [a.example, *.example.com]\n';
    expect(told(text)).toEqual([
      '1:20 hosts[1]: YAML reads *.example.com as an alias of an anchor that is not there (put it in quotes: "*.example.com")',
    ]);
    expect(readDocument(text).data).toEqual({ hosts: ['a.example', '*.example.com'] });
  });

  test('aliases that multiply', () => {
    const rows = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let index = 1; index < 10; index += 1) {
      rows.push(`a${index}: &a${index} [${Array.from({ length: 9 }, () => `*a${index - 1}`).join(', ')}]`);
    }
    expect(told(rows.join('\n'))).toEqual([expect.stringContaining('more than 100 aliases')]);
  });

  test('an alias of what it stands in', () => {
    expect(told('a: &a [*a]')).toEqual([expect.stringContaining('nested too deeply')]);
  });

  test('lists within lists without end', () => {
    expect(told(`a: ${'['.repeat(40)}${']'.repeat(40)}`)).toEqual(['1:36 a[0][0]: nested too deeply']);
    expect(told(`a: ${'{b: '.repeat(2_000)}1${'}'.repeat(2_000)}`)).toEqual([
      expect.stringMatching(/nested too deeply$/),
    ]);
  });

  test('nesting that exhausts the stack of the YAML reader', () => {
    expect(told('- '.repeat(20_000))).toEqual([expect.stringMatching(/^1:\d+ : nested too deeply$/)]);
  });
});

describe('the place of a setting', () => {
  const text = ['version: 1', 'policy:', '  rules:', '    - name: a', '      hosts: [x, y]', '    - *none'].join('\n');
  const place = (path: (string | number)[], side?: 'key' | 'value'): string => {
    const { line, column } = readDocument(text).problemAt(path, 'm', undefined, side);
    return `${line}:${column}`;
  };

  test.each<[string, (string | number)[], 'key' | 'value', string]>([
    ['a value', ['policy', 'rules', 0, 'hosts', 1], 'value', '5:18'],
    ['a list', ['policy', 'rules', 0, 'hosts'], 'value', '5:14'],
    ['a key', ['policy', 'rules', 0, 'hosts'], 'key', '5:7'],
    ['an item asked for its key', ['policy', 'rules', 0], 'key', '4:7'],
    ['a key that is absent: the key of the section it lacks in', ['policy', 'mode'], 'value', '2:1'],
    ['a key absent in an item: the item', ['policy', 'rules', 0, 'action'], 'value', '4:7'],
    ['an index that is absent', ['policy', 'rules', 7, 'name'], 'value', '3:3'],
    ['a section that is absent', ['log', 'access', 'path'], 'value', '1:1'],
    ['the root', [], 'value', '1:1'],
  ])('%s', (_, path, side, expected) => {
    expect(place(path, side)).toBe(expected);
  });

  test('leads through an alias to where the value is written', () => {
    const aliased = readDocument('a: &x { b: 1 }\nc: *x\n');
    expect(aliased.problemAt(['c', 'b'], 'm')).toMatchObject({ line: 1, column: 12, path: 'c.b' });
    expect(aliased.problemAt(['c'], 'm')).toMatchObject({ line: 2, column: 4 });
  });

  test('carries message and hint', () => {
    expect(readDocument('a: 1').problemAt(['a'], 'wrong', 'mend it')).toEqual({
      line: 1,
      column: 4,
      path: 'a',
      message: 'wrong',
      hint: 'mend it',
    });
  });
});

test('twenty thousand keys in one mapping are read in seconds, not minutes', { timeout: 30_000 }, () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `  host${index}.example: 192.0.2.1`);
  const { data, problems } = readDocument(`hosts:\n${rows.join('\n')}\n`);
  expect(problems).toEqual([]);
  expect(data).toHaveProperty(['hosts', 'host19999.example'], '192.0.2.1');
});
