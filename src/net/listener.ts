// Opens the ports and hands over each accepted socket, with an error listener on it from its first tick. Called by proxy.ts.

import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ProxyError } from '../core/errors.ts';
import { type Endpoint, plainAddress } from '../core/session.ts';
import type { ListenOptions } from './options.ts';

export type OnSocket = (socket: Socket, options: ListenOptions) => void;

export interface SharingOptions {
  /** Other processes of this user may open the same port so too; the system deals the connections out among them. */
  readonly reusePort?: boolean;
}

export class Listener {
  readonly #servers: readonly Server[];
  /** Where it listens, with the ports the system chose. */
  readonly addresses: readonly Endpoint[];

  private constructor(servers: readonly Server[]) {
    this.#servers = servers;
    this.addresses = servers.map(boundTo);
  }

  /** Opens every port or none; throws ProxyError `listen-failed` with the address and the mend. */
  static async open(
    options: readonly ListenOptions[],
    onSocket: OnSocket,
    { reusePort = false }: SharingOptions = {},
  ): Promise<Listener> {
    const opened = await Promise.allSettled(options.map((one) => openOne(one, onSocket, reusePort)));
    const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = opened.find((result) => result.status === 'rejected');
    if (failed) {
      for (const server of servers) server.close();
      throw failed.reason;
    }
    return new Listener(servers);
  }

  /** No connection is accepted any more; those accepted live on. */
  stop(): void {
    for (const server of this.#servers) server.close();
  }

  /** Whether a dial to this address and port would come back to us. */
  isOwn(address: string, port: number): boolean {
    return leadsTo(this.addresses, address, port);
  }
}

/** Whether a dial to this address and port would come to one of these listeners. */
export function leadsTo(listeners: readonly Endpoint[], address: string, port: number): boolean {
  return listeners.some(
    (own) => own.port === port && (own.address === address || (isWildcard(own.address) && isLocal(address))),
  );
}

function openOne(options: ListenOptions, onSocket: OnSocket, reusePort: boolean): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Half-open sockets stay open: the other direction of a tunnel may still have data (RFC 9110 section 9.3.6).
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', ignore);
      onSocket(socket, options);
    });
    server.once('error', (cause) => reject(listenError(options, cause)));
    server.listen({ host: options.address, port: options.port, backlog: 4096, reusePort }, () => {
      // Accept errors (descriptors used up) pass; the next accept is tried by itself.
      server.on('error', ignore);
      resolve(server);
    });
  });
}

function ignore(): void {
  // The owner of the socket learns of its end by 'close'.
}

function boundTo(server: Server): Endpoint {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new ProxyError('listen-failed', 'The listener has no port.');
  return { address: plainAddress(bound.address), port: bound.port };
}

function listenError(options: ListenOptions, cause: Error & { code?: string }): ProxyError {
  const place = `${options.address}:${options.port}`;
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: `${place} is already in use: stop the program that has it, or choose another port under "listen".`,
    EACCES: `${place} needs more rights: choose a port above 1023 under "listen", or grant the right to bind it.`,
    EADDRNOTAVAIL: `${place} is not an address of this machine: correct the address under "listen".`,
  };
  return new ProxyError('listen-failed', why[cause.code ?? ''] ?? `${place}: ${cause.message}`, { cause });
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function isLocal(address: string): boolean {
  if (address === '::1' || address === '::' || address === '0.0.0.0' || address.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
}
