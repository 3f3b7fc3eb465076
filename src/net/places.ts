// Who may come in: so many connections at once, so many of one client; those that find no place wait a while for one.
// Called by flow/handle-connection, for each accepted socket, before a byte of it is read.

import type { Socket } from 'node:net';
import { Roster } from '../core/roster.ts';

/** `full`: no place became free in time; `client-full`: this client has all of its share; `gone`: it left meanwhile. */
export type Admission = 'in' | 'full' | 'client-full' | 'gone';

export interface PlacesOptions {
  readonly connections: number;
  readonly connectionsPerClient: number;
  /** Sockets that may wait. Node cannot leave them in the backlog of the system: it accepts all there is. */
  readonly waiting: number;
  /** Milliseconds that a socket waits. */
  readonly patience: number;
}

/** Sockets that may stay for our last words at a time, and milliseconds until one of another may: words cost time. */
const MOST_LINGERING = 16;
const BETWEEN_WORDS = 100;

interface Waiting {
  readonly enter: () => void;
}

export class Places {
  #options: PlacesOptions;
  readonly #byClient = new Map<string, number>();
  readonly #queue = new Roster<Waiting>();
  #taken = 0;
  #lingering = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** A socket that is in gives its place back by closing. `client`: whom it is counted for. */
  admit(socket: Socket, client: string): Admission | Promise<Admission> {
    const { connections, connectionsPerClient, waiting } = this.#options;
    if (socket.destroyed) return 'gone';
    const own = this.#byClient.get(client) ?? 0;
    if (own >= connectionsPerClient) return 'client-full';
    if (this.#taken >= connections && this.#queue.size >= waiting) return 'full';
    this.#byClient.set(client, own + 1);
    if (this.#taken >= connections) {
      socket.on('close', () => this.#forget(client));
      return this.#wait(socket);
    }
    this.#taken += 1;
    socket.on('close', () => {
      this.#forget(client);
      this.#onLeft();
    });
    return 'in';
  }

  /** From now on; who is in stays, and who waits has the patience it came with. */
  change(options: PlacesOptions): void {
    this.#options = options;
    for (const { enter } of this.#queue) {
      if (this.#taken >= options.connections) break;
      enter();
    }
  }

  /** Connections that one client may have. */
  get perClient(): number {
    return this.#options.connectionsPerClient;
  }

  /** Whether a socket that found no place may stay for our last words: it holds a descriptor until it has taken them. */
  mayLinger(socket: Socket): boolean {
    if (socket.destroyed || this.#lingering >= MOST_LINGERING) return false;
    this.#lingering += 1;
    const free = (): void => {
      this.#lingering -= 1;
    };
    socket.once('close', () => setTimeout(free, BETWEEN_WORDS).unref());
    return true;
  }

  /** Connections that a client has, those that wait included; `client` as for `admit`. */
  of(client: string): number {
    return this.#byClient.get(client) ?? 0;
  }

  /** Connections that are in, and that wait. */
  get stats(): { readonly taken: number; readonly waiting: number } {
    return { taken: this.#taken, waiting: this.#queue.size };
  }

  #wait(socket: Socket): Promise<Admission> {
    return new Promise((resolve) => {
      const finish = (admission: Admission): void => {
        clearTimeout(timer);
        socket.off('close', onClose);
        seat.leave();
        resolve(admission);
      };
      const onClose = (): void => finish('gone');
      const seat = this.#queue.add({
        enter: () => {
          this.#taken += 1;
          socket.on('close', this.#onLeft);
          finish('in');
        },
      });
      const timer = setTimeout(() => finish('full'), this.#options.patience);
      socket.once('close', onClose);
    });
  }

  readonly #onLeft = (): void => {
    this.#taken -= 1;
    // There may be fewer by now.
    if (this.#taken >= this.#options.connections) return;
    this.#queue.oldest?.enter();
  };

  #forget(client: string): void {
    const own = this.#byClient.get(client) ?? 1;
    if (own > 1) this.#byClient.set(client, own - 1);
    else this.#byClient.delete(client);
  }
}
