// Sockets that somebody else has opened and handed to this process, as systemd does (sd_listen_fds(3)): which there are, where
// they listen, and which listener of the config each is for. Called by the supervising process.

import { readFileSync, readlinkSync } from 'node:fs';
import { ProxyError } from '../core/errors.ts';
import { type Endpoint, plainAddress } from '../core/session.ts';
import type { ListenOptions } from './options.ts';

/** The first one that is handed over. */
const FIRST_FD = 3;
/** A number that is above it is some other program's. */
const MOST = 256;
/** In /proc/net/tcp. */
const LISTENING = '0A';

export interface GivenSocket extends Endpoint {
  readonly fd: number;
}

/** By the address and port of the config, as they stand there; see `askedOf`. */
export type GivenFds = ReadonlyMap<string, number>;

/**
 * Takes the variables out of `env`: what is meant for us is not meant for who we start. Throws ProxyError `listen-failed`: it
 * is not known where one of them listens.
 */
export function takeGivenSockets(env: NodeJS.ProcessEnv, pid: number): readonly GivenSocket[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  const fds = /^\d{1,4}$/.test(count ?? '') ? Number(count) : 0;
  if (forPid !== String(pid) || fds > MOST) return [];
  return Array.from({ length: fds }, (_, index) => {
    const fd = FIRST_FD + index;
    const endpoint = endpointOf(fd);
    if (endpoint) return { fd, ...endpoint };
    throw new ProxyError('listen-failed', `Descriptor ${fd}, which was handed over, is no TCP socket that listens.`);
  });
}

/** Throws ProxyError `listen-failed`: one of them is for no listener. */
export function assignSockets(given: readonly GivenSocket[], listen: readonly ListenOptions[]): GivenFds {
  const fds = new Map<string, number>();
  for (const socket of given) {
    const free = listen.filter((one) => one.port === socket.port && !fds.has(askedOf(one)));
    const same = free.find(({ address }) => address === socket.address || (isAny(address) && isAny(socket.address)));
    const match = same ?? (free.length === 1 ? free[0] : undefined);
    if (!match) {
      const place = `${socket.address}:${socket.port}`;
      const mend = 'name it under "listen", or hand it over no more';
      throw new ProxyError(
        'listen-failed',
        `${place} was handed over, and no listener of the config is there: ${mend}.`,
      );
    }
    fds.set(askedOf(match), socket.fd);
  }
  return fds;
}

export function askedOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}

const isAny = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** Without a call of our own that would let clients in at once: the kernel lists who listens where. */
function endpointOf(fd: number): Endpoint | undefined {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    return ['tcp', 'tcp6']
      .map((table) => endpointIn(`/proc/self/net/${table}`, inode))
      .find((one) => one !== undefined);
  } catch {
    return undefined;
  }
}

function endpointIn(table: string, inode: string | undefined): Endpoint | undefined {
  for (const row of readFileSync(table, 'latin1').split('\n').slice(1)) {
    const [, local = '', , state, , , , , , own] = row.trim().split(/\s+/);
    if (own !== inode || state !== LISTENING) continue;
    const [address = '', port = ''] = local.split(':');
    return { address: addressOf(address), port: Number.parseInt(port, 16) };
  }
  return undefined;
}

/** Words of four bytes in hexadecimal, each as this machine stores it. */
function addressOf(hex: string): string {
  const bytes = Buffer.concat((hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, 'hex').reverse()));
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  const text = new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text) ? `::ffff:${bytes.subarray(12).join('.')}` : text;
  return plainAddress(mapped);
}
