// Opens a TCP connection to the first of several addresses that answers (RFC 8305). Called by net/upstream, which has
// checked every address: nothing here looks a name up.

import type { Socket, TcpNetConnectOpts } from 'node:net';
import { messageOf, ProxyError } from '../core/errors.ts';
import { Deadline } from './deadline.ts';

/** Milliseconds before the next address is tried beside the first (RFC 8305 section 5). */
const ATTEMPT_DELAY = 250;

/**
 * Sockets that one dial has pending at a time, and of all dials together those beyond their first: a name with many
 * addresses that swallow what is sent shall not use up our descriptors. The oldest gives way; the last may take its time.
 */
const MOST_PENDING = 2;
const MOST_BESIDE = 32;

/** Of all dials, the pending sockets beyond the first of each. */
let beside = 0;

export interface Dialled<S extends Socket> {
  readonly socket: S;
  readonly address: string;
}

/** Begins a connection to one address; of a TLS socket, the one below it is meant. */
export type Open<S extends Socket> = (target: TcpNetConnectOpts) => S;

/** Throws ProxyError `connect-failed` or `connect-timeout`; every other attempt is closed. */
export function dial<S extends Socket>(
  addresses: readonly string[],
  port: number,
  timeout: number,
  open: Open<S>,
): Promise<Dialled<S>> {
  return new Promise((resolve, reject) => {
    const pending: S[] = [];
    const add = (socket: S): void => {
      if (pending.length > 0) beside += 1;
      pending.push(socket);
    };
    const remove = (socket: S): boolean => {
      const at = pending.indexOf(socket);
      if (at < 0) return false;
      pending.splice(at, 1);
      if (pending.length > 0) beside -= 1;
      return true;
    };
    const drop = (socket: S): void => {
      remove(socket);
      socket.destroy();
    };
    const waiting = [...addresses];
    let lastError: Error | undefined;
    let lastAddress: string | undefined;
    let next: NodeJS.Timeout | undefined;
    const deadline = new Deadline(() =>
      fail(new ProxyError('connect-timeout', `${addresses.join(', ')} port ${port}`, { peer: lastAddress })),
    );
    deadline.set(timeout);

    const settle = (): void => {
      deadline.end();
      clearTimeout(next);
      for (const socket of [...pending]) drop(socket);
    };
    const fail = (error: ProxyError): void => {
      settle();
      reject(error);
    };
    const attempt = (): void => {
      clearTimeout(next);
      const address = waiting.shift();
      if (address === undefined) {
        if (pending.length === 0) fail(failure(lastError, lastAddress));
        return;
      }
      lastAddress = address;
      const most = beside < MOST_BESIDE ? MOST_PENDING : 1;
      for (const oldest of pending.slice(0, Math.max(0, pending.length - most + 1))) drop(oldest);
      const socket = open({ host: address, port, noDelay: true, allowHalfOpen: true });
      add(socket);
      socket.on('connect', () => {
        remove(socket);
        settle();
        resolve({ socket, address });
      });
      // Stays for the socket's life: whoever has it later learns of its end by 'close'.
      socket.on('error', (error) => {
        lastError = error;
        if (remove(socket)) attempt();
      });
      if (waiting.length > 0) next = setTimeout(attempt, ATTEMPT_DELAY);
    };
    attempt();
  });
}

function failure(cause: Error | undefined, peer: string | undefined): ProxyError {
  return new ProxyError('connect-failed', messageOf(cause), { cause, peer });
}
