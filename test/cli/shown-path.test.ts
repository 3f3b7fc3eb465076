// Paths as they are shown and pasted.

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { shellWord, shownPath } from '../../src/cli/shown-path.ts';

describe('a path is shown', () => {
  test.each([
    ['relative below', '/srv/proxy/certs/ca.pem', 'certs/ca.pem'],
    ['whole beside', '/srv/other/ca.pem', '/srv/other/ca.pem'],
    ['whole above', '/srv', '/srv'],
    ['whole when it is the folder itself', '/srv/proxy', '/srv/proxy'],
    ['relative when its name begins with dots', '/srv/proxy/..ca.pem', '..ca.pem'],
  ])('%s', (_, path, shown) => {
    expect(shownPath(path, '/srv/proxy')).toBe(shown);
  });
});

describe('a shell takes as one word', () => {
  test.each(['certs/ca.pem', 'my certs/ca.pem', "it's", '$HOME', 'a;b', '*', '~', '', 'ä'])('%j', (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  });

  test('what needs no quotes has none', () => {
    expect(shellWord('certs/ca-1.pem')).toBe('certs/ca-1.pem');
  });
});
