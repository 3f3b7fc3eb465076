// Counts what operations did.

import type { Client } from './connection.ts';
import type { Tally } from './job.ts';

/** Operations that may fail before a run is given up. */
const MAX_ERRORS = 20;

export class Record {
  readonly #client: Client;
  readonly #start = performance.now();
  readonly #before: { readonly handshakes: number; readonly resumed: number };
  readonly #latencies: number[] = [];
  #bytes = 0;
  #errors = 0;
  #underWay = 0;
  #firstError: string | undefined;

  constructor(client: Client) {
    this.#client = client;
    this.#before = { handshakes: client.handshakes, resumed: client.resumed };
  }

  /** Whether so much failed that going on would measure nothing. */
  get hopeless(): boolean {
    return this.#errors >= MAX_ERRORS;
  }

  /** Resolves when the operation has ended, well or not. */
  async take(operation: Promise<number>, due: number): Promise<void> {
    this.#underWay += 1;
    try {
      const bytes = await operation;
      this.#bytes += bytes;
      this.#latencies.push(performance.now() - due);
    } catch (error) {
      this.#errors += 1;
      this.#firstError ??= error instanceof Error ? error.message : String(error);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** What has not ended by now counts as failed. `bytesBeside`: of what was fetched meanwhile. */
  tally(bytesBeside: number): Tally {
    return {
      operations: this.#latencies.length,
      errors: this.#errors + this.#underWay,
      firstError: this.#firstError ?? (this.#underWay > 0 ? 'still under way long after the end' : undefined),
      milliseconds: performance.now() - this.#start,
      bytes: this.#bytes,
      bytesBeside,
      handshakes: this.#client.handshakes - this.#before.handshakes,
      resumed: this.#client.resumed - this.#before.resumed,
      latencies: Float64Array.from(this.#latencies),
    };
  }
}
