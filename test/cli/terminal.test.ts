// Colours for people only, and columns that stay straight with them.

import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { columns, terminal } from '../../src/cli/terminal.ts';
import { ROOT } from '../support/program.ts';
import { NODE } from '../support/run.ts';

const GREEN = '\x1b[32m';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('colours', () => {
  const script =
    "const { terminal } = await import('./src/cli/terminal.ts'); terminal.out(terminal.style('green', 'x') + terminal.watched.out);";
  const words = [NODE, '--input-type=module', '-e', script];
  /** A real terminal, since it is Node that decides what a terminal is. */
  const onTerminal = ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])', ...words];

  test.each([
    ['on a terminal are there', onTerminal, {}, `${GREEN}x\x1b[39mtrue`],
    ['on a terminal are not there with NO_COLOR', onTerminal, { NO_COLOR: '1' }, 'xtrue'],
    ['in a pipe are not there', words, {}, 'xfalse'],
  ])('%s', (_, [command = '', ...rest], env, expected) => {
    const clean = { PATH: process.env['PATH'] ?? '', TERM: 'xterm', ...env };
    expect(execFileSync(command, rest, { cwd: ROOT, env: clean, encoding: 'utf8' })).toBe(expected);
  });
});

test('bytes and text go out as they are', () => {
  const written: unknown[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written.push(chunk);
    return true;
  });
  terminal.out('ä');
  terminal.out(Uint8Array.of(0, 255));
  expect(written).toEqual(['ä', Uint8Array.of(0, 255)]);
});

test('columns pad every cell but the last to the widest', () => {
  const rows = [
    ['a', 'bb', 'the rest, however long'],
    ['aaa', '', 'c'],
  ];
  expect(columns(rows)).toBe('a    bb  the rest, however long\naaa      c\n');
  expect(columns(rows, 1)).toBe('a   bb the rest, however long\naaa    c\n');
});

test('colours take no room in a column, and no line ends in blanks', () => {
  const rows = [
    [`${GREEN}x\x1b[39m`, '1'],
    ['long', ''],
  ];
  expect(columns(rows)).toBe(`${GREEN}x\x1b[39m     1\nlong\n`);
});
