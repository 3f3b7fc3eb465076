// Reports of the manager that the clients of a worker wait for, while the supervisor makes them. Made by worker.ts.

/** Milliseconds until a client is told that there is nothing: whoever makes it has deadlines of its own. */
const PATIENCE = 5_000;

export class AskedReports {
  readonly #ask: (id: number, name: string) => Promise<void>;
  readonly #waiting = new Map<number, (text: string | undefined) => void>();
  #last = 0;

  /** `ask` passes the question on. */
  constructor(ask: (id: number, name: string) => Promise<void>) {
    this.#ask = ask;
  }

  /** Resolves with its text; undefined: there is no such report, or nobody made it in time. */
  ask(name: string, patience = PATIENCE): Promise<string | undefined> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(id, undefined), patience);
      this.#waiting.set(id, (text) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(text);
      });
      void this.#ask(id, name);
    });
  }

  answer(id: number, text: string | undefined): void {
    this.#waiting.get(id)?.(text);
  }
}
