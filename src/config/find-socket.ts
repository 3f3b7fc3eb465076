// Where the proxy of a config is asked, also when that config is broken by now: whoever wants to be told that a reload was
// refused must find it. Called by the command line.

import { dirname, resolve } from 'node:path';
import { type AdminInput, adminSchema, socketOf } from './admin-schema.ts';
import { readConfigFile } from './config-file.ts';
import { readDocument } from './document.ts';
import { parseConfig } from './parse-config.ts';

/** Absolute path of the control socket; undefined: the config says `off`. Never throws. */
export async function findSocket(file: string): Promise<string | undefined> {
  const text = await readConfigFile(file).catch(() => '');
  const parsed = parseConfig(text, resolve(file));
  if (parsed.ok) return parsed.config.admin.socket;
  const socket = socketOf(adminIn(text));
  return socket === undefined ? undefined : resolve(dirname(resolve(file)), socket);
}

/** As much of the section as can be read. */
function adminIn(text: string): Pick<AdminInput, 'socket'> {
  const { data } = readDocument(text);
  const section = typeof data === 'object' && data !== null && 'admin' in data ? data.admin : undefined;
  const admin = adminSchema.safeParse(section);
  if (admin.success && section !== undefined) return admin.data;
  // The text is no YAML as a whole; the line that is wanted may stand in it all the same.
  const socket = /^admin:(?:.*\n[ \t]+)*.*\bsocket:[ \t]*["']?([^\s"',}#]+)/m.exec(text)?.[1];
  return socket === undefined ? {} : { socket };
}
