// The README keeps its word: its tables are those of the code, its configs load, its commands exist.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../src/cli/command-line.ts';
import { loadConfig } from '../src/config/load.ts';
import { ERROR_KINDS } from '../src/core/error-kinds.ts';
import { DEFAULT_SHARES, DEFAULT_WAITS } from '../src/core/limits.ts';
import { fakeTerminal } from './support/fake-terminal.ts';

const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');

describe('the README', () => {
  test('lists every error code with its status, side and sentence', () => {
    const rows = Object.entries(ERROR_KINDS).map(
      ([code, { status, side, sentence }]) => `| \`${code}\` | ${status} | ${side} | ${sentence} |`,
    );
    const table = /<!-- errors.*-->\n\|.*\n\|.*\n([\s\S]*?)\n?<!-- \/errors -->/.exec(readme)?.[1];
    expect(table?.split('\n')).toEqual(rows);
  });

  test('lists every limit with its default', () => {
    const spell = (ms: number): string => (ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000}m` : `${ms / 1000}s`);
    for (const [name, ms] of Object.entries(DEFAULT_WAITS)) expect(readme).toContain(`| \`${name}\` | ${spell(ms)} |`);
    for (const [name, value] of Object.entries(DEFAULT_SHARES)) expect(readme).toContain(`| \`${name}\` | ${value} |`);
  });

  test('lists every command that the help lists, with its options', () => {
    const table = /\n## Commands\n[^|]*((?:\|.*\n)*)/.exec(readme)?.[1] ?? '';
    const cells = table.split('\n').map((row) => row.split(/(?<!\\)\|/)[1] ?? '');
    const entries = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
    const program = commandLine(fakeTerminal(), () => undefined);
    const shown = program.createHelp().visibleCommands(program);
    for (const command of shown.filter((one) => one.name() !== 'help')) {
      for (const inner of command.commands.length > 0 ? command.commands : [command]) {
        const words = inner === command ? inner.name() : `${command.name()} ${inner.name()}`;
        const entry = entries.find((one) => `${one} `.startsWith(`${words} `));
        expect(entry, words).toBeDefined();
        const options = inner.options.map(({ long }) => long ?? '').filter((one) => !/^--(?:config|json)$/.test(one));
        const missing = options.filter((one) => !entry?.includes(one));
        expect(missing, words).toEqual([]);
      }
    }
  });

  test('shows configs that load', async () => {
    const shown = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    expect(shown.length).toBeGreaterThan(0);
    for (const text of shown) {
      const file = join(mkdtempSync(join(tmpdir(), 'readme-')), 'proxy.yaml');
      writeFileSync(file, text);
      expect((await loadConfig(file)).policy.rules.length).toBeGreaterThan(0);
    }
  });

  test('names only files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect(() => readFileSync(join(import.meta.dirname, '..', link))).not.toThrow();
  });
});
