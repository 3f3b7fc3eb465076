// So many of a kind at once for one client; the others wait in line. Called by flow/ around the handshakes with clients.

import { Roster } from '../core/roster.ts';

export interface TurnsOptions {
  /** For one client. */
  readonly atOnce: number;
  /** Milliseconds that one waits in line. */
  readonly patience: number;
}

/** Gives the turn back; calling it again does nothing. */
export type GiveBack = () => void;

interface Line {
  taken: number;
  readonly waiting: Roster<() => void>;
}

export class Turns {
  #options: TurnsOptions;
  readonly #lines = new Map<string, Line>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Resolves with how to give the turn back; undefined when none came in time. */
  take(client: string): Promise<GiveBack | undefined> {
    const line = this.#lines.get(client) ?? { taken: 0, waiting: new Roster() };
    this.#lines.set(client, line);
    if (line.taken < this.#options.atOnce) return Promise.resolve(this.#begin(client, line));
    return new Promise((resolve) => {
      const enter = (): void => {
        clearTimeout(timer);
        seat.leave();
        resolve(this.#begin(client, line));
      };
      const timer = setTimeout(() => {
        seat.leave();
        resolve(undefined);
      }, this.#options.patience);
      timer.unref();
      const seat = line.waiting.add(enter);
    });
  }

  /** From now on; who waits has the patience it came with. */
  change(options: TurnsOptions): void {
    this.#options = options;
  }

  /** Clients that hold a turn now. */
  get clients(): number {
    return this.#lines.size;
  }

  #begin(client: string, line: Line): GiveBack {
    line.taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      line.taken -= 1;
      const next = line.waiting.oldest;
      if (next) return next();
      if (line.taken === 0) this.#lines.delete(client);
    };
  }
}
