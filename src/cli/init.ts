// `sallyport init`: a commented config to start from. Never overwrites one.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { commandName } from './command-name.ts';
import { LOCAL_CONFIG, SHIPPED } from './default-config.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { shellWord } from './shown-path.ts';
import type { Terminal } from './terminal.ts';

/** Profile → shipped config. `audit` blocks nothing and shows what would be; `strict` denies what is not listed. */
const FILES = { audit: 'default.yaml', strict: 'strict.yaml' } as const;

export type Profile = keyof typeof FILES;
export const PROFILES = Object.keys(FILES);

export interface InitOptions {
  readonly profile: Profile;
}

export async function init(terminal: Terminal, file: string, { profile }: InitOptions): Promise<ExitCode> {
  const text = await readFile(join(SHIPPED, FILES[profile]), 'utf8');
  try {
    await mkdir(dirname(file), { recursive: true });
    // The shipped configs lie one folder below their certs and log; this one lies beside them.
    await writeFile(file, text.replaceAll(/\.\.\/(?=(?:certs|log|pages|run|state)\b)/g, ''), { flag: 'wx' });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const why = exists
      ? 'exists already: name another file, or move it away'
      : `cannot be written (${messageOf(cause)})`;
    terminal.err(`${file} ${why}.\n`);
    return EXIT.failed;
  }
  const option = file === LOCAL_CONFIG ? '' : ` --config ${shellWord(file)}`;
  const name = commandName();
  terminal.out(`${file} written (${profile}).\nEdit it, then: ${name} check${option} && ${name} up${option}\n`);
  return EXIT.ok;
}
