// Tells of tunnels while they are open, where the config asks for it: when one begins, and how much it has carried so far.
// Made by proxy.ts; splice.ts and serve-request.ts hand it what they carry. One timer looks after all of them.

import { Roster } from '../core/roster.ts';
import type { AccessLogEntry } from '../log/access-log-entry.ts';
import type { Lanes } from '../net/pipe.ts';

export interface TunnelEventOptions {
  /** One record when it begins. */
  readonly open: boolean;
  /** Milliseconds between two records of one that goes on; undefined: none. */
  readonly progress?: number | undefined;
}

interface Watched {
  readonly tell: () => AccessLogEntry;
  readonly lanes: Lanes;
  toldAt: number;
}

export class TunnelWatch {
  #options: TunnelEventOptions | undefined;
  readonly #write: (entry: AccessLogEntry) => void;
  readonly #open = new Roster<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (entry: AccessLogEntry) => void) {
    this.#write = write;
  }

  /** From now on; a tunnel that is open already is told of only if it was told of before. */
  use(options: TunnelEventOptions | undefined): void {
    this.end();
    this.#options = options;
    const progress = options?.progress;
    if (progress !== undefined) this.#timer = setInterval(this.#look, Math.min(progress, LOOK)).unref();
  }

  get enabled(): boolean {
    return this.#options !== undefined;
  }

  /** `tell` makes its entry as it would be if it ended now. Call what is given back when it has ended. */
  begin(tell: () => AccessLogEntry, lanes: Lanes): () => void {
    const watched: Watched = { tell, lanes, toldAt: performance.now() };
    const seat = this.#open.add(watched);
    if (this.#options?.open) this.#say(watched, 'tunnel-open');
    return () => void seat.leave();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  readonly #look = (): void => {
    const progress = this.#options?.progress ?? Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const watched of this.#open) {
      if (now - watched.toldAt < progress) continue;
      watched.toldAt = now;
      this.#say(watched, 'tunnel-progress');
    }
  };

  #say({ tell, lanes }: Watched, event: 'tunnel-open' | 'tunnel-progress'): void {
    this.#write({ ...tell(), event, bytes: lanes.down.bytes, bytesIn: lanes.up.bytes });
  }
}

/** Milliseconds between two looks; a record comes late by as much. */
const LOOK = 1_000;
