// Which config file is meant when none is named. Called by main.ts.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Looked for where the command is run. */
export const LOCAL_CONFIG = 'sallyport.yaml';

/** The folder of the configs that come with the program, from the source tree and from the package alike. */
export const SHIPPED = join(import.meta.dirname, '..', '..', 'config');

export function defaultConfig(cwd = process.cwd()): string {
  const local = join(cwd, LOCAL_CONFIG);
  return relative(cwd, existsSync(local) ? local : join(SHIPPED, 'default.yaml'));
}
