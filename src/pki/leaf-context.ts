// A TLS context that clients are answered with, and how many handshakes have it just now. One that nobody has can take
// another leaf: to make a context and to free it again costs more than minting, and where thousands come and go it leaves
// the memory of the process in pieces, so that every allocation is dear (bench/README.md). Made and kept by leaf-store.

import type { SecureContext } from 'node:tls';
import type { LeafKey } from './leaf-key.ts';

/** What is below a `SecureContext`, as far as it is used here. Node does not document it, so that it is asked before. */
interface NativeContext {
  readonly setCert?: (pem: string) => void;
  readonly setTicketKeys: (keys: Uint8Array) => void;
}

export class LeafContext {
  readonly keyType: LeafKey['type'];
  readonly #secure: SecureContext;
  #loans = 0;
  #onFree: (() => void) | undefined;

  constructor(secure: SecureContext, keyType: LeafKey['type']) {
    this.#secure = secure;
    this.keyType = keyType;
  }

  /** Until `work` is done, the leaf in the context stays. Rejects as `work` does. */
  async lend<T>(work: (context: SecureContext) => Promise<T>): Promise<T> {
    this.#loans += 1;
    try {
      return await work(this.#secure);
    } finally {
      this.#loans -= 1;
      if (this.#loans === 0) this.#onFree?.();
    }
  }

  /** Calls back once nobody has it: at once, or when the last one is done. For a context that is lent to nobody anew. */
  whenFree(onFree: () => void): void {
    if (this.#loans === 0) onFree();
    else this.#onFree = onFree;
  }

  renewTickets(keys: Uint8Array): void {
    this.#native.setTicketKeys(keys);
  }

  /**
   * From here on it answers with this leaf, of the same key and CA as the one before: the key and the rest of the chain
   * stay. False where Node cannot do that, and nothing has changed.
   */
  take(leaf: string, keys: Uint8Array): boolean {
    if (!this.#native.setCert) return false;
    this.#onFree = undefined;
    this.#native.setCert(leaf);
    this.#native.setTicketKeys(keys);
    return true;
  }

  get #native(): NativeContext {
    return this.#secure.context;
  }
}
