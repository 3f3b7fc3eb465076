// Tells from its first bytes what a client speaks. net/peek asks, on accept and again inside a tunnel.

export type Protocol = 'tls' | 'http' | 'other';

const HANDSHAKE = 0x16;
const TLS_MAJOR = 3;
const SPACE = 0x20;
const HYPHEN = 0x2d;
/** The longest registered method, UPDATEREDIRECTREF, has 17 letters; more than this is no method. */
const MAX_METHOD = 24;

/**
 * `tls` is a handshake record of SSL 3.0 or later; its first byte alone is enough. `http` is a method and a space.
 * A method is taken to be capital letters and hyphens, as all registered ones are (RFC 9110 section 16.1.1), though a
 * token may hold more: an SSH banner is a token and a space too. `more` when the bytes are too few to say.
 */
export function classify(bytes: Uint8Array): Protocol | 'more' {
  if (bytes[0] === HANDSHAKE) return bytes.length < 2 || bytes[1] === TLS_MAJOR ? 'tls' : 'other';
  const end = Math.min(bytes.length, MAX_METHOD + 1);
  for (let at = 0; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === SPACE) return at > 0 ? 'http' : 'other';
    if (!isCapital(byte) && (byte !== HYPHEN || at === 0)) return 'other';
  }
  return bytes.length <= MAX_METHOD ? 'more' : 'other';
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
