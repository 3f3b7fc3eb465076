// What --help says at every level, and that every word leads somewhere.

import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

const program = (): Command => commandLine(fakeTerminal(), () => undefined);

function every(command: Command, path: readonly string[] = []): [string, Command][] {
  return [[path.join(' '), command], ...command.commands.flatMap((inner) => every(inner, [...path, inner.name()]))];
}

async function help(words: string): Promise<string> {
  const terminal = fakeTerminal();
  const line = commandLine(terminal, () => undefined);
  await line.parseAsync([...words.split(' ').filter(Boolean), '--help'], { from: 'user' }).catch(() => undefined);
  return terminal.outText();
}

test('the list of commands fits one line each', async () => {
  const text = await help('');
  const list = text.slice(text.indexOf('Commands:'), text.indexOf('Exit codes:')).trim().split('\n').slice(1);
  expect(list.map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
    'up',
    'run',
    'init [file]',
    'import <squid.conf>',
    'check',
    'test <url>',
    'doctor [host]',
    'ca show|export',
    'exceptions list|revoke',
    'reload',
    'rotate',
    'drain',
    'stop',
    'status',
    'top',
    'version',
    'help [command]',
  ]);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

describe('help of', () => {
  test.each(every(program()).map(([path]) => path))(
    '"%s" says what it does and stays within 80 columns',
    async (path) => {
      const text = await help(path);
      expect(text).toMatch(new RegExp(`^Usage: sallyport ${path}`.trimEnd()));
      expect(text).toMatch(/\n\n[A-Z][^\n]{20,}/);
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  test('every command and option has a sentence', () => {
    for (const [path, command] of every(program())) {
      expect(command.description(), path).toMatch(/\.$/);
      for (const option of command.options) expect(option.description, `${path} ${option.flags}`).not.toBe('');
    }
  });

  test.each(['check', 'test', 'doctor', 'ca show', 'status', 'top', 'version'])('%s offers JSON', async (path) => {
    expect(await help(path)).toContain('--json');
  });

  test('the signals stand where they matter', async () => {
    expect(await help('run')).toMatch(/SIGTERM[\s\S]*SIGUSR1/);
  });
});

test('the exit code of a command is handed over', async () => {
  const codes: number[] = [];
  const terminal = fakeTerminal();
  const line = commandLine(terminal, (code) => codes.push(code));
  await line.parseAsync(['version'], { from: 'user' });
  expect(codes).toEqual([0]);
  expect(terminal.outText()).toMatch(/^sallyport /);
});
