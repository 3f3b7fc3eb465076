// Where operators reach a proxy, and what the path of its control socket may be. config/ reads it, admin/ opens it.

import { dirname, join } from 'node:path';
import type { ManagerOptions } from './manager-options.ts';
import type { Endpoint } from './session.ts';

export interface AdminOptions {
  /** Absolute path of the control socket; undefined: there is none. */
  readonly socket: string | undefined;
  /** Whether somebody has named it; where nobody has, a proxy that cannot make it does without. */
  readonly named: boolean;
  /** Where the same is answered over TCP; undefined: nowhere. */
  readonly listen: Endpoint | undefined;
  /** Names by which it may be asked there, beside `localhost` and addresses. */
  readonly names?: readonly string[];
  /** Absolute path of a file whose first line makes an operator of who shows it; undefined: over TCP nobody is one. */
  readonly tokenFile: string | undefined;
  /** Who may ask for Squid's manager reports on the proxy's own port. */
  readonly manager: ManagerOptions;
}

/** Bytes of the path of a Unix socket, without the NUL behind it; the shortest limit there is (macOS has 104 with it). */
const LONGEST_SOCKET = process.platform === 'linux' ? 107 : 103;

/** Why no socket can have this path. */
export function socketProblem(path: string): string | undefined {
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(besideSocket(path, '123456')));
  if (bytes <= LONGEST_SOCKET) return undefined;
  return `the path of a socket has at most ${LONGEST_SOCKET} bytes, and this one needs ${bytes}`;
}

/** Where it is made before it is moved to its path; short, so that few paths are too long for it alone. */
export function besideSocket(path: string, letters: string): string {
  return join(dirname(path), `.${letters}`);
}
