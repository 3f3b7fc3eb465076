// What was found out about credentials, kept for a while: clients send them with every request, and a hash takes long by
// design. Called by the authenticator. Keys are digests under a key of this process, so that no password lies in memory.

import { createHmac, randomBytes } from 'node:crypto';

export interface VerdictsOptions {
  /** How many are kept; the longest unused go first. */
  readonly ceiling: number;
  /** Milliseconds for which one holds. */
  readonly life: number;
}

const SECRET = randomBytes(32);

/** The same for the same field, in this process only. Of the field as it came: to know one again takes no reading. */
export function digestOf(field: string): string {
  return createHmac('sha256', SECRET).update(field).digest('base64');
}

interface Kept<T> {
  readonly value: T;
  readonly until: number;
}

export class Verdicts<T> {
  readonly #options: VerdictsOptions;
  readonly #kept = new Map<string, Kept<T>>();

  constructor(options: VerdictsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  get(digest: string, now = performance.now()): T | undefined {
    const kept = this.#kept.get(digest);
    if (!kept) return undefined;
    this.#kept.delete(digest);
    if (now >= kept.until) return undefined;
    // Last in line again.
    this.#kept.set(digest, kept);
    return kept.value;
  }

  set(digest: string, value: T, now = performance.now()): void {
    this.#kept.delete(digest);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= this.#options.ceiling && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(digest, { value, until: now + this.#options.life });
  }

  clear(): void {
    this.#kept.clear();
  }
}
