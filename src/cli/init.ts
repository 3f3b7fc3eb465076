// `sallyport init`: a commented config to start from. Never overwrites one.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, ProxyError } from '../core/errors.ts';
import { SHIPPED } from './default-config.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** Profile → shipped config. `audit` blocks nothing and shows what would be; `strict` denies what is not listed. */
const FILES = { audit: 'default.yaml', strict: 'strict.yaml' } as const;

export const PROFILES = Object.keys(FILES);

export interface InitOptions {
  readonly profile: keyof typeof FILES;
}

export async function init(terminal: Terminal, file: string, { profile }: InitOptions): Promise<ExitCode> {
  const text = await readFile(join(SHIPPED, FILES[profile]), 'utf8');
  try {
    await mkdir(dirname(file), { recursive: true });
    // The shipped configs lie one folder below their certs and log; this one lies beside them.
    await writeFile(file, text.replaceAll('../certs/', 'certs/').replaceAll('../log/', 'log/'), { flag: 'wx' });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const why = exists ? `${file} exists already: name another file, or move it away.` : messageOf(cause);
    throw new ProxyError('config-invalid', why, { cause });
  }
  terminal.out(`${file} written (${profile}).\nNext: sallyport check -c ${file}, then sallyport up -c ${file}\n`);
  return EXIT.ok;
}
