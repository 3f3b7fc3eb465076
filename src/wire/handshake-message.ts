// The first handshake message of a TLS stream, joined from its records (RFC 8446 section 5.1). client-hello.ts calls.

const HANDSHAKE = 0x16;
const TLS_MAJOR = 3;
const RECORD_HEADER = 5;
/** Message type and 24-bit length (RFC 8446 section 4). */
const MESSAGE_HEADER = 4;
/** The most any TLS record may hold, the expansion of TLS 1.3 included (RFC 8446 section 5.2). */
const MAX_RECORD = 2 ** 14 + 256;

export type MessageReading =
  /** Not all there; fewer than `atLeast` bytes in total will not be enough either. */
  | { readonly state: 'more'; readonly atLeast: number }
  | { readonly state: 'malformed'; readonly reason: string }
  /** `body` is without the message header; `length` counts the bytes of all its records. */
  | { readonly state: 'message'; readonly body: Uint8Array; readonly length: number };

const malformed = (reason: string): MessageReading => ({ state: 'malformed', reason });

/**
 * Reads the message of the given type that the stream begins with. Meant to be called again with a longer buffer as
 * bytes arrive: only record headers are looked at until the message is complete, and `atLeast` makes the number of
 * useful calls logarithmic even when each record carries one byte. Records that are more than `limit` bytes are malformed.
 */
export function readHandshakeMessage(bytes: Uint8Array, type: number, limit: number): MessageReading {
  let recordStart = 0;
  /** Message bytes up to the end of the current record, arrived or not. */
  let have = 0;
  let want = MESSAGE_HEADER;
  let headerSeen = 0;
  for (;;) {
    const problem = recordProblem(bytes, recordStart);
    if (problem !== undefined) return malformed(problem);
    const start = recordStart + RECORD_HEADER;
    if (bytes.length < start) return more(start + want - have, limit);

    const size = recordSize(bytes, recordStart);
    const end = start + size;
    const arrived = Math.min(end, bytes.length);
    for (let at = start + headerSeen - have; headerSeen < MESSAGE_HEADER && at < arrived; at += 1) {
      const byte = bytes[at] ?? 0;
      if (headerSeen === 0 && byte !== type) return malformed(`first handshake message is of type ${byte}`);
      if (headerSeen > 0) want += byte << (8 * (MESSAGE_HEADER - 1 - headerSeen));
      headerSeen += 1;
    }
    have += size;
    const known = headerSeen === MESSAGE_HEADER;
    if (known && have > want) return malformed('bytes follow the message in its last record');
    if (bytes.length < end) return more(have < want ? end + RECORD_HEADER + want - have : end, limit);
    if (known && have === want) {
      return end > limit ? tooLong(limit) : { state: 'message', body: join(bytes, end, want), length: end };
    }
    recordStart = end;
  }
}

const tooLong = (limit: number): MessageReading => malformed(`handshake message needs more than ${limit} bytes`);

function more(atLeast: number, limit: number): MessageReading {
  return atLeast > limit ? tooLong(limit) : { state: 'more', atLeast };
}

function recordSize(bytes: Uint8Array, start: number): number {
  return ((bytes[start + 3] ?? 0) << 8) | (bytes[start + 4] ?? 0);
}

/** What is wrong with as much of the record header as has arrived. The minor version is ignored, as RFC 8446 asks. */
function recordProblem(bytes: Uint8Array, start: number): string | undefined {
  const type = bytes[start];
  if (type !== undefined && type !== HANDSHAKE) {
    return start === 0 ? foreignStart(type) : `record of type ${type} within the handshake message`;
  }
  const major = bytes[start + 1];
  if (major !== undefined && major !== TLS_MAJOR) return `record of TLS major version ${major}`;
  if (bytes.length < start + RECORD_HEADER) return undefined;
  const size = recordSize(bytes, start);
  if (size === 0) return 'empty record';
  return size > MAX_RECORD ? `record of ${size} bytes` : undefined;
}

/** SSLv2 set the top bit of its first byte (RFC 5246 appendix E.2). */
function foreignStart(type: number): string {
  return type >= 0x80 ? 'not TLS, perhaps an SSLv2 hello' : `not a TLS handshake, record type ${type}`;
}

/** The message without its header: a view when it lies in one record, else a copy. */
function join(bytes: Uint8Array, end: number, size: number): Uint8Array {
  if (end === RECORD_HEADER + size) return bytes.subarray(RECORD_HEADER + MESSAGE_HEADER, end);
  const message = new Uint8Array(size);
  let filled = 0;
  for (let at = 0; at < end; ) {
    const next = at + RECORD_HEADER + recordSize(bytes, at);
    message.set(bytes.subarray(at + RECORD_HEADER, next), filled);
    filled += next - at - RECORD_HEADER;
    at = next;
  }
  return message.subarray(MESSAGE_HEADER);
}
