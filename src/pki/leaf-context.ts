// A TLS context that clients are answered with, and how many handshakes have it just now. One that nobody has can take
// another leaf: to make a context and to free it again costs more than minting, and where thousands come and go it leaves
// the memory of the process in pieces (bench/README.md, a host never seen). Made and kept by leaf-store.

import type { SecureContext } from 'node:tls';
import type { LeafKey } from './leaf-key.ts';

/** What is below a `SecureContext`, as far as it is used here. Node does not document it: it is looked at before. */
interface NativeContext {
  setCert(pem: string): void;
  /** DER of the leaf. */
  getCertificate(): Uint8Array | null;
  setTicketKeys(keys: Uint8Array): void;
}

export interface ContextLeaf {
  readonly der: Uint8Array;
  readonly pem: string;
  /** What its session tickets are sealed by. */
  readonly ticketKeys: Buffer;
}

export class LeafContext {
  readonly keyType: LeafKey['type'];
  readonly #secure: SecureContext;
  readonly #native: NativeContext | undefined;
  #loans = 0;
  #onFree: (() => void) | undefined;

  constructor(secure: SecureContext, keyType: LeafKey['type']) {
    this.#secure = secure;
    this.keyType = keyType;
    const native: unknown = secure.context;
    this.#native = isNativeContext(native) ? native : undefined;
  }

  /** Until `work` is done, the leaf in the context stays. Rejects as `work` does. */
  async lend<T>(work: (context: SecureContext) => Promise<T>): Promise<T> {
    this.#loans += 1;
    try {
      return await work(this.#secure);
    } finally {
      this.#loans -= 1;
      if (this.#loans === 0 && this.#onFree) {
        // OpenSSL says that a handshake has ended before it seals the tickets of it, in the same turn.
        setImmediate(this.#onFree);
        this.#onFree = undefined;
      }
    }
  }

  /** Calls back once nobody has it: at once, or when the last one is done. For a context that is lent to nobody anew. */
  whenFree(onFree: () => void): void {
    if (this.#loans === 0) onFree();
    else this.#onFree = onFree;
  }

  /** Whether another leaf can take the place of the one in it, and other keys that of its own. */
  get canChange(): boolean {
    return this.#native !== undefined;
  }

  /** Only where it can change. */
  renewTickets(keys: Uint8Array): void {
    this.#native?.setTicketKeys(keys);
  }

  /**
   * From here on it answers with this leaf, of the same key and CA as the one before: the key and the rest of the chain
   * stay. False where that has failed, and nobody may have the context any more.
   */
  take({ der, pem, ticketKeys }: ContextLeaf): boolean {
    if (!this.#native) return false;
    try {
      this.#native.setCert(pem);
      this.#native.setTicketKeys(ticketKeys);
      // Node's call returns without a word where it has got no memory.
      return Buffer.compare(this.#native.getCertificate() ?? new Uint8Array(), der) === 0;
    } catch {
      return false;
    }
  }
}

function isNativeContext(value: unknown): value is NativeContext {
  const names = ['setCert', 'getCertificate', 'setTicketKeys'] satisfies (keyof NativeContext)[];
  return (
    typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}
