// Which config file is meant when none is named. Called by main.ts and init.ts.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { shownPath } from './shown-path.ts';

/** Looked for where the command is run. */
export const LOCAL_CONFIG = 'sallyport.yaml';

/** The folder of the configs that come with the program, from the source tree and from the package alike. */
export const SHIPPED = join(import.meta.dirname, '..', '..', 'config');

/** An installation names the config of its service in SALLYPORT_CONFIG, so that people need not. */
export function defaultConfig(cwd = process.cwd(), installed = process.env['SALLYPORT_CONFIG']): string {
  if (existsSync(join(cwd, LOCAL_CONFIG))) return LOCAL_CONFIG;
  return installed || shownPath(join(SHIPPED, 'default.yaml'), cwd);
}
