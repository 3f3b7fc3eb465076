// The keys that TLS session tickets are sealed with: derived, so that each worker has the same for the same leaf, and a
// ticket for one host is worth nothing at another. Called by leaf-store; the masters come from whoever starts the workers.

import { createHmac, randomBytes } from 'node:crypto';

/**
 * Milliseconds until the next master. What an old one has sealed is then unreadable, for us too: such a client has a full
 * handshake. Who steals a master reads no more than half a day of recorded TLS 1.2 sessions.
 */
export const MASTER_LIFE = 12 * 3_600_000;

export function makeTicketMaster(): Uint8Array {
  return randomBytes(32);
}

/** 48 bytes, as Node takes them: the name of the key, then one for HMAC and one for AES. `purpose`: the CA and the leaf. */
export function ticketKeys(master: Uint8Array, purpose: string): Buffer {
  return createHmac('sha384', master).update(purpose).digest();
}
