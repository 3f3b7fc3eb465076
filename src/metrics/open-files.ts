// The descriptors of this process as the system tells them: which files, which connections from where to where. Linux only;
// elsewhere there are none to tell. Called by flow/listing.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface OpenFile {
  readonly fd: number;
  readonly kind: 'File' | 'Pipe' | 'Socket' | 'Other';
  /** Path, or whatever the system calls it. */
  readonly name: string;
  /** Of a TCP connection. */
  readonly local?: string;
  readonly remote?: string;
  readonly pid: number;
}

/** At most `most` of them. `proc`: of the process that is looked at. */
export function openFiles(most: number, proc = '/proc/self'): OpenFile[] {
  const numbers = list(`${proc}/fd`)
    .map(Number)
    .sort((a, b) => a - b)
    .slice(0, most);
  const connections = tcpConnections(proc);
  return numbers.flatMap((fd) => {
    const target = link(`${proc}/fd/${fd}`);
    if (target === undefined) return [];
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    const ends = inode === undefined ? undefined : connections.get(inode);
    return [{ fd, kind: kindOf(target), name: target, ...ends, pid: process.pid }];
  });
}

function kindOf(target: string): OpenFile['kind'] {
  if (target.startsWith('socket:')) return 'Socket';
  if (target.startsWith('pipe:')) return 'Pipe';
  return target.startsWith('/') ? 'File' : 'Other';
}

/** By inode; all of this network namespace, since the system keeps them in one list. */
function tcpConnections(proc: string): Map<string, { local: string; remote: string }> {
  const known = new Map<string, { local: string; remote: string }>();
  for (const table of ['tcp', 'tcp6']) {
    for (const row of text(`${proc}/net/${table}`).split('\n').slice(1)) {
      const [, local, remote, , , , , , , inode] = row.trim().split(/\s+/);
      if (local && remote && inode) known.set(inode, { local: endpoint(local), remote: endpoint(remote) });
    }
  }
  return known;
}

/** `0100007F:0C38` is 127.0.0.1:3128: words of 32 bits as the machine has them, here little-endian. */
export function endpoint(hex: string): string {
  const [address = '', port = ''] = hex.split(':');
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => Array.from(Buffer.from(word, 'hex')).reverse());
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join('.')}:${number}`;
  if (bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255') return `${bytes.slice(12).join('.')}:${number}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return `[${URL.parse(`http://[${groups.join(':')}]/`)?.hostname.slice(1, -1) ?? '::'}]:${number}`;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined: it has been closed meanwhile, that of the folder itself always. */
function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
