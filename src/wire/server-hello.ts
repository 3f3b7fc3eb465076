// What an origin says first in TLS: whether it asks the client for another ClientHello (RFC 8446 section 4.1.4), in which
// the client may name another server. Called by hello-gate.ts.

/** The random that makes a ServerHello a HelloRetryRequest: the SHA-256 of that word (RFC 8446 section 4.1.3). */
const RETRY = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
const HANDSHAKE = 0x16;
const SERVER_HELLO = 2;
const RECORD_HEADER = 5;
/** Message type, length and legacy version stand before the random. */
const BEFORE_RANDOM = 6;

export type Answer = 'more' | 'retry' | 'other';

/** `bytes`: the stream from its start, as far as it is here. `other`: a ServerHello without a retry, an alert, no TLS. */
export function readAnswer(bytes: Uint8Array): Answer {
  const want = BEFORE_RANDOM + RETRY.length;
  // All of it in the first record, as nearly always: the first byte of the random nearly always says no.
  if (bytes[0] === HANDSHAKE && bytes.length >= RECORD_HEADER + want && sizeAt(bytes, 0) >= want) {
    if (bytes[RECORD_HEADER] !== SERVER_HELLO || bytes[RECORD_HEADER + BEFORE_RANDOM] !== RETRY[0]) return 'other';
  }
  const head = Buffer.alloc(want);
  let have = 0;
  for (let at = 0; ; ) {
    if (at < bytes.length && bytes[at] !== HANDSHAKE) return 'other';
    const start = at + RECORD_HEADER;
    if (bytes.length < start) return 'more';
    const size = sizeAt(bytes, at);
    const part = bytes.subarray(start, start + Math.min(size, want - have));
    head.set(part, have);
    have += part.length;
    if (size === 0 || (have > 0 && head[0] !== SERVER_HELLO)) return 'other';
    if (have === want) return head.subarray(BEFORE_RANDOM).equals(RETRY) ? 'retry' : 'other';
    at = start + size;
    if (bytes.length < at) return 'more';
  }
}

/** The length of the record that begins there. */
function sizeAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
}
