// From the path of a config file to a frozen Config, or to a report that a person can mend it by. The command line and
// the reload of the supervisor call it.

import { resolve } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import type { Config } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { parseConfig } from './parse-config.ts';
import { printProblems } from './problem.ts';

/**
 * Reads the file anew. Throws ProxyError `config-invalid`, whose detail is one sentence when there is no text to look
 * at, else one paragraph per problem. The report names the file as `file` spells it.
 */
export async function loadConfig(file: string): Promise<Config> {
  const text = await readConfigFile(file);
  const parsed = parseConfig(text, resolve(file));
  if (parsed.ok) return parsed.config;
  throw new ProxyError('config-invalid', printProblems(file, text, parsed.problems));
}
