// Where the proxy of a config is asked, be it ours or a squid.conf. Called by the command line.

import { readConfigFile } from '../config/config-file.ts';
import { findSocket as findInYaml } from '../config/find-socket.ts';
import { loadConfig } from './load.ts';
import { isSquidConf } from './recognise.ts';
import { socketBeside } from './socket-place.ts';

/** Absolute path of the control socket; undefined: there is none. Never throws. */
export async function findSocket(file: string): Promise<string | undefined> {
  const text = await readConfigFile(file).catch(() => '');
  if (!(await isSquidConf(file, text))) return findInYaml(file);
  const config = await loadConfig(file).catch(() => undefined);
  if (config) return config.admin.socket;
  // As much as can be read of a file that is broken by now.
  const pid = /^\s*pid_filename\s+(\/\S+)/m.exec(text)?.[1];
  return pid === undefined ? findInYaml(file) : socketBeside(pid);
}
