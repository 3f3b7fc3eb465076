import { describe, expect, test } from 'vitest';
import { SQUID_VERBS, squidWords } from '../../src/cli/squid-words.ts';

describe('the words of Squid', () => {
  test.each([
    ['-k parse', 'check'],
    ['-k check -f /etc/squid/squid.conf', 'alive --config /etc/squid/squid.conf'],
    ['-f x.conf -k reconfigure', 'reload --config x.conf'],
    ['-kreconfigure', 'reload'],
    ['-k rotate', 'rotate'],
    ['-k shutdown', 'drain'],
    ['-k interrupt', 'stop'],
    ['-N -d 1 -f x.conf', 'run --config x.conf'],
    ['-n name -k rotate', 'rotate'],
    ['run -f squid.conf', 'run --config squid.conf'],
    ['ca export -f der', 'ca export -f der'],
    ['-k nonsense', '-k nonsense'],
    ['-k', '-k'],
    ['up', 'up'],
    ['--version', '--version'],
    ['', ''],
  ])('%s', (words, ours) => {
    expect(squidWords(words.split(' ').filter(Boolean)).join(' ')).toBe(ours);
  });

  test('each has something that we do', () => {
    expect(SQUID_VERBS.every((verb) => squidWords(['-k', verb])[0] !== '-k')).toBe(true);
  });
});
