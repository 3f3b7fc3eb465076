// The command line: runs what was typed, and says what each failure means to whoever typed it. Called by src/main.ts.

import { CommanderError } from 'commander';
import { asProxyError } from '../core/errors.ts';
import { commandLine } from './command-line.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { squidWords } from './squid-words.ts';
import { terminal as ours, type Terminal } from './terminal.ts';

/** Runs one command to its end. Never rejects: whatever fails is told on stderr and becomes an exit code. */
export async function main(words: readonly string[], terminal: Terminal = ours): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  try {
    const program = commandLine(terminal, (result) => {
      code = result;
    });
    await program.parseAsync([...squidWords(words)], { from: 'user' });
    return code;
  } catch (thrown) {
    // Help that was asked for ends by an error too.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = asProxyError(thrown);
    terminal.err(`${(error.detail || error.message).trimEnd()}\n`);
    return error.code === 'config-invalid' ? EXIT.configInvalid : EXIT.failed;
  }
}
