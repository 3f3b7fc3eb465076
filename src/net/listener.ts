// Opens the ports and hands over each accepted socket, with an error listener on it from its first tick. Called by proxy.ts.

import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { ProxyError } from '../core/errors.ts';
import { type Endpoint, plainAddress } from '../core/session.ts';
import { askedOf, type GivenFds } from './given-sockets.ts';
import type { ListenOptions } from './options.ts';

/** Connections that wait to be accepted; the system may have a lower limit. */
const BACKLOG = 4_096;

/** Turns of the event loop in which nobody comes, after which nobody is taken to wait. */
const CALM = 3;
/** Milliseconds until it is not waited for any longer. */
const TOO_BUSY = 1_000;

export type OnSocket = (socket: Socket, options: ListenOptions) => void;

export interface SharingOptions {
  /** Other processes of this user may open the same port so too; the system deals the connections out among them. */
  readonly reusePort?: boolean;
  /** Sockets that are open already. */
  readonly given?: GivenFds | undefined;
}

/** Listeners that are open, or to be closed, once it is said that they are wanted. */
export interface ListenerChange {
  /** Clients come in by those of the new options; those that are not among them are closed. */
  commit(): void;
  /** What was opened for it is closed, and whoever has come in there meanwhile is cut. */
  abandon(): void;
}

/** One port that is open. */
interface Place {
  /** What was asked for: the port may have been the system's choice. */
  readonly asked: string;
  readonly server: Server;
  options: ListenOptions;
  /** Those who came before it was said that they are wanted. */
  early: Socket[] | undefined;
  /** Connections so far. */
  accepted: number;
}

export class Listener {
  readonly #onSocket: OnSocket;
  readonly #sharing: SharingOptions;
  #places: readonly Place[] = [];
  #addresses: readonly Endpoint[] = [];
  #stopped = false;

  private constructor(onSocket: OnSocket, sharing: SharingOptions) {
    this.#onSocket = onSocket;
    this.#sharing = sharing;
  }

  /** Opens every port or none; throws ProxyError `listen-failed` with the address and the mend. */
  static async open(
    options: readonly ListenOptions[],
    onSocket: OnSocket,
    sharing: SharingOptions = {},
  ): Promise<Listener> {
    const listener = new Listener(onSocket, sharing);
    (await listener.prepare(options)).commit();
    return listener;
  }

  /** Where it listens, with the ports the system chose. */
  get addresses(): readonly Endpoint[] {
    return this.#addresses;
  }

  /** Opens what is not open yet, or throws as `open` does; then nothing has changed. */
  async prepare(options: readonly ListenOptions[]): Promise<ListenerChange> {
    const left = [...this.#places];
    const wanted = options.map((one) => {
      const at = left.findIndex((place) => place.asked === askedOf(one));
      const [there] = at < 0 ? [] : left.splice(at, 1);
      return { options: one, there };
    });
    const opened = await Promise.allSettled(
      wanted.map(async ({ options: one, there }) => there ?? (await openPlace(one, this.#onSocket, this.#sharing))),
    );
    const places = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const made = places.filter((place) => !this.#places.includes(place));
    const failed = opened.find((result) => result.status === 'rejected');
    if (failed || this.#stopped) {
      for (const place of made) shut(place);
      throw failed?.reason ?? new ProxyError('shutting-down');
    }
    return {
      commit: () => {
        // It has been stopped meanwhile: nobody is to be let in.
        if (this.#stopped) {
          for (const place of made) shut(place);
          return;
        }
        places.forEach((place, index) => {
          place.options = options[index] ?? place.options;
        });
        this.#places = places;
        this.#addresses = places.map(({ server }) => boundTo(server));
        for (const { server } of left) server.close();
        for (const place of made) this.#letIn(place);
      },
      abandon: () => {
        for (const place of made) shut(place);
      },
    };
  }

  /** No connection is accepted any more; those accepted live on. */
  stop(): void {
    this.#stopped = true;
    for (const { server } of this.#places) server.close();
  }

  /**
   * Stops once nobody waits, or is told to. The system has let clients in before they are accepted here, one in each turn,
   * and breaks them off when the port closes, although another process may listen on it. With a socket that is given they
   * go on waiting, for whoever gets it next.
   */
  async retire(): Promise<void> {
    const end = performance.now() + TOO_BUSY;
    let calm = this.#places.every(({ asked }) => this.#sharing.given?.has(asked)) ? CALM : 0;
    while (calm < CALM && performance.now() < end && !this.#stopped) {
      const before = this.#accepted;
      await turn();
      calm = this.#accepted === before ? calm + 1 : 0;
    }
    this.stop();
  }

  /** Whether a dial to this address and port would come back to us. */
  isOwn(address: string, port: number): boolean {
    return leadsTo(this.#addresses, address, port);
  }

  get #accepted(): number {
    return this.#places.reduce((sum, { accepted }) => sum + accepted, 0);
  }

  #letIn(place: Place): void {
    const { early = [] } = place;
    place.early = undefined;
    for (const socket of early) this.#onSocket(socket, place.options);
  }
}

function shut({ server, early = [] }: Place): void {
  server.close();
  for (const socket of early) socket.destroy();
}

/** Whether a dial to this address and port would come to one of these listeners. */
export function leadsTo(listeners: readonly Endpoint[], address: string, port: number): boolean {
  return listeners.some(
    (own) => own.port === port && (own.address === address || (isWildcard(own.address) && isLocal(address))),
  );
}

function openPlace(options: ListenOptions, onSocket: OnSocket, sharing: SharingOptions): Promise<Place> {
  return new Promise((resolve, reject) => {
    // Half-open sockets stay open: the other direction of a tunnel may still have data (RFC 9110 section 9.3.6).
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', ignore);
      place.accepted += 1;
      if (place.early) place.early.push(socket);
      else onSocket(socket, place.options);
    });
    const place: Place = { asked: askedOf(options), server, options, early: [], accepted: 0 };
    server.once('error', (cause) => reject(listenError(options, cause)));
    const { reusePort = false, given } = sharing;
    const fd = given?.get(place.asked);
    const at = fd === undefined ? { host: options.address, port: options.port, reusePort } : { fd };
    // As an argument: Node overlooks it among the options of a socket that is given, which would come down to 511.
    server.listen(at, BACKLOG, () => {
      // Accept errors (descriptors used up) pass; the next accept is tried by itself.
      server.on('error', ignore);
      resolve(place);
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
