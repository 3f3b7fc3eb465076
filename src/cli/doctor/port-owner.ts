// Which process listens on a port, as Linux shows it in /proc. Called by ports.ts where a port is taken.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface PortOwner {
  readonly pid: number;
  /** Its program, or the script that an interpreter runs, without the folder. */
  readonly program: string;
  readonly words: readonly string[];
}

/** In the state column of /proc/net/tcp. */
const LISTENING = '0A';

/** Undefined where it cannot be seen: it is another user's, in another container, or this is not Linux. */
export async function ownerOfPort(port: number, root = '/proc'): Promise<PortOwner | undefined> {
  const sockets = new Set(
    (await Promise.all(['tcp', 'tcp6'].map((table) => socketsIn(join(root, 'net', table), port)))).flat(),
  );
  if (sockets.size === 0) return undefined;
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    if (!/^\d+$/.test(name) || !(await holds(join(root, name, 'fd'), sockets))) continue;
    const words = (await readFile(join(root, name, 'cmdline'), 'utf8').catch(() => '')).split('\0').filter(Boolean);
    return { pid: Number(name), program: programOf(words), words };
  }
  return undefined;
}

async function socketsIn(table: string, port: number): Promise<string[]> {
  const rows = (await readFile(table, 'latin1').catch(() => '')).split('\n').slice(1);
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  return rows.flatMap((row) => {
    const cells = row.trim().split(/\s+/);
    const [, from = '', , state, , , , , , inode] = cells;
    return from.endsWith(`:${local}`) && state === LISTENING && inode !== undefined ? [`socket:[${inode}]`] : [];
  });
}

async function holds(folder: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(folder).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(join(folder, descriptor)).catch(() => '');
    if (sockets.has(target)) return true;
  }
  return false;
}

function programOf([program = 'a program', ...rest]: readonly string[]): string {
  const name = basename(program);
  if (!/^(?:node|python[\d.]*|java|perl|ruby|sh|bash)$/.test(name)) return name;
  const script = rest.find((word) => !word.startsWith('-'));
  return script === undefined ? name : `${name} ${basename(script)}`;
}
