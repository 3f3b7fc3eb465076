import { expect, test } from 'vitest';
import { isOn, optionsOf, texts } from '../../src/squid/translator.ts';

const line = (...words: readonly string[]) => ({
  file: 'f',
  line: 1,
  name: 'via',
  words: words.map((text) => ({ text, quoted: false })),
  rest: '',
  lists: new Map(),
});

test('words of a directive', () => {
  expect(texts(line('a', 'b'))).toEqual(['a', 'b']);
  expect([...optionsOf(['ssl-bump', 'cert=/x=y'])]).toEqual([
    ['ssl-bump', ''],
    ['cert', '/x=y'],
  ]);
  expect([isOn(line('on')), isOn(line('off')), isOn(line())]).toEqual([true, false, true]);
});
