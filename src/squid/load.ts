// The config of a proxy from whatever its file is written in: ours, or a squid.conf, which is translated in memory. The
// commands and the reload call it in place of config/load.

import { basename, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { readConfigFile } from '../config/config-file.ts';
import { loadConfig as loadYaml } from '../config/load.ts';
import { parseConfig } from '../config/parse-config.ts';
import { printProblems } from '../config/problem.ts';
import { ProxyError } from '../core/errors.ts';
import { type Note, noteLine } from './note.ts';
import { isSquidConf } from './recognise.ts';

export interface NotedConfig {
  readonly config: Config;
  /** What a translation has to say; of a config of ours, nothing. */
  readonly notes: readonly Note[];
}

export interface Translated {
  readonly yaml: string;
  readonly notes: readonly Note[];
}

/** As `loadConfig` of config/, for a squid.conf too. */
export async function loadConfig(file: string): Promise<Config> {
  return (await loadNoted(file)).config;
}

/** Throws ProxyError `config-invalid` also where a line is no directive of Squid: nobody knows what it was to deny. */
export async function loadNoted(file: string): Promise<NotedConfig> {
  if (!(await isSquidConf(file, await readConfigFile(file)))) return { config: await loadYaml(file), notes: [] };
  const { yaml, notes } = await translated(file);
  const parsed = parseConfig(yaml, resolve(file));
  if (parsed.ok) return { config: madeOf(file, parsed.config), notes };
  throw new ProxyError('config-invalid', printProblems(`${file}, translated`, yaml, parsed.problems));
}

/** The text of a config of ours: that of the file, or what it is translated to; with what there is to say of that. */
export async function readConfigText(file: string): Promise<Translated> {
  const yaml = await readConfigFile(file);
  return (await isSquidConf(file, yaml)) ? translated(file) : { yaml, notes: [] };
}

/** The lines of a text that nobody sees: each rule has that of the squid.conf in its name. */
function madeOf(file: string, { policy: { places: _, rules, ...policy }, ...config }: Config): Config {
  const name = basename(file).replace(/[^\x20-\x7e]/g, '?');
  return { ...config, policy: { ...policy, madeOf: name, rules: rules.map(({ at: _, ...rule }) => rule) } };
}

async function translated(file: string): Promise<Translated> {
  const { importSquid } = await import('./import-squid.ts');
  const { yaml, notes, problems } = await importSquid(file);
  const unknown = notes.filter(({ kind }) => kind === 'unknown');
  const wrong = [...problems.map((one) => `${one.file}:${one.line}  ${one.message}`), ...unknown.map(noteLine)];
  if (wrong.length > 0) throw new ProxyError('config-invalid', wrong.join('\n'));
  return { yaml, notes };
}
