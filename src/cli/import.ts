// `sallyport import squid.conf`: writes a config of ours, and says what is not in it as it was, and what to do about that.

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseConfig } from '../config/parse-config.ts';
import { printProblems } from '../config/problem.ts';
import { messageOf } from '../core/errors.ts';
import { printNotes } from '../squid/note.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

export interface ImportOptions {
  readonly output?: string;
  /** The config is for the service of the package, whose drop-in is written there. */
  readonly service?: string;
}

/** Exit code `failed` where a line is none of Squid's: the config is written, and lacks whatever that line was for. */
export async function importConfig(terminal: Terminal, file: string, options: ImportOptions): Promise<ExitCode> {
  const { output, service } = options;
  const { importSquid } = await import('../squid/import-squid.ts');
  const { yaml, notes, problems, dropIn } = await importSquid(file, { forService: service !== undefined });
  if (problems.length > 0) {
    terminal.err(problems.map((one) => `${one.file}:${one.line}  ${one.message}\n`).join(''));
    return EXIT.configInvalid;
  }
  if (output === undefined) terminal.out(yaml);
  // A password of a parent may stand in it.
  else if (!(await isWritten(terminal, output, yaml, 0o600))) return EXIT.failed;
  if (service !== undefined && !(await isWritten(terminal, service, dropIn ?? '', 0o644))) return EXIT.failed;
  terminal.err(printNotes(notes));
  const shown = output ?? 'the config';
  const parsed = parseConfig(yaml, resolve(output ?? file));
  if (!parsed.ok) {
    terminal.err(`\nMend this in ${shown}:\n${printProblems(shown, yaml, parsed.problems)}\n`);
    return EXIT.configInvalid;
  }
  if (output !== undefined) terminal.out(`${output} written: ${parsed.config.policy.rules.length} rules.\n`);
  return notes.some(({ kind }) => kind === 'unknown') ? EXIT.failed : EXIT.ok;
}

/** Never over what is there. */
async function isWritten(terminal: Terminal, file: string, text: string, mode: number): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx', mode });
    return true;
  } catch (cause) {
    terminal.err(`${file} cannot be written: ${messageOf(cause)}.\n`);
    return false;
  }
}
