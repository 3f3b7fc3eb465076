// The header of the PROXY protocol, versions 1 and 2, by which a load balancer says whose connection it passes on. Pure;
// net/proxy-headers asks with every piece that arrives.

import { parseHost } from '../core/authority.ts';
import { crc32c } from './crc32c.ts';
import { Cursor, latin1, Malformed } from './cursor.ts';

/** The two ends of a connection as the header tells them; both addresses are of one family, in canonical text. */
export interface ProxyHeader {
  readonly source: ProxyEndpoint;
  readonly destination: ProxyEndpoint;
}

export interface ProxyEndpoint {
  readonly address: string;
  /** 0 to 65535: the header may tell what no TCP connection has. */
  readonly port: number;
}

export type ProxyHeaderReading =
  /** Fewer than `atLeast` bytes in all will not be enough. */
  | { readonly state: 'more'; readonly atLeast: number }
  /** The bytes begin in another way. */
  | { readonly state: 'none' }
  | { readonly state: 'malformed'; readonly reason: string }
  /** `length` bytes; without `header` the connection is the sender's own (LOCAL), or it does not say whose (UNKNOWN). */
  | { readonly state: 'header'; readonly length: number; readonly header?: ProxyHeader };

/** The longest line of version 1, its CRLF included. */
const MAX_LINE = 107;
const LINE_START = Buffer.from('PROXY ', 'latin1');
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** Signature, version and command, family and transport, length. */
const FIXED = 16;
/** Bytes of version 2 behind that: addresses, and what load balancers add, which is some hundred bytes at most. */
const MAX_REST = 4_096;
/** No header, of either version, is longer. */
export const MAX_PROXY_HEADER: number = FIXED + MAX_REST;

/** `TCP4 source destination port port`. */
const LINE = /^(TCP4|TCP6) ([0-9a-fA-F:.]{2,45}) ([0-9a-fA-F:.]{2,45}) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;
const CHECKSUM = 0x03;
const CHECKSUM_BYTES = 4;

/** `bytes`: the stream from its start. Never throws. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderReading {
  if (startsLike(bytes, SIGNATURE)) return readBinary(bytes);
  return startsLike(bytes, LINE_START) ? readLine(bytes) : { state: 'none' };
}

/** Whether the bytes begin with the mark, as far as both go. */
function startsLike(bytes: Uint8Array, mark: Uint8Array): boolean {
  const length = Math.min(bytes.length, mark.length);
  for (let at = 0; at < length; at += 1) if (bytes[at] !== mark[at]) return false;
  return true;
}

const bad = (reason: string): ProxyHeaderReading => ({ state: 'malformed', reason });

function readLine(bytes: Uint8Array): ProxyHeaderReading {
  const part = bytes.subarray(0, MAX_LINE);
  const end = part.indexOf(0x0a);
  if (end < 0) {
    if (part.length === MAX_LINE) return bad(`the line does not end within ${MAX_LINE} bytes`);
    return { state: 'more', atLeast: Math.max(bytes.length + 1, LINE_START.length) };
  }
  if (part[end - 1] !== 0x0d) return bad('the line ends without a CR');
  const length = end + 1;
  const text = latin1(part.subarray(LINE_START.length, end - 1));
  // Whatever stands behind it is not to be looked at.
  if (text === 'UNKNOWN' || text.startsWith('UNKNOWN ')) return { state: 'header', length };
  const [, family, from = '', to = '', fromPort = '', toPort = ''] = LINE.exec(text) ?? [];
  if (family === undefined) return bad('the line is not that of version 1');
  const source = endpoint(canonical(from, family), Number(fromPort));
  const destination = endpoint(canonical(to, family), Number(toPort));
  if (!source || !destination) return bad(`an address or a port is none of ${family}`);
  return { state: 'header', length, header: { source, destination } };
}

function endpoint(address: string | undefined, port: number): ProxyEndpoint | undefined {
  return address !== undefined && port <= 65_535 ? { address, port } : undefined;
}

function canonical(text: string, family: string): string | undefined {
  const kind = family === 'TCP4' ? 'ipv4' : 'ipv6';
  const host = parseHost(kind === 'ipv6' ? `[${text}]` : text);
  if (!host.ok || host.value.kind !== kind) return undefined;
  return kind === 'ipv6' ? unmapped(host.value.text) : host.value.text;
}

/** IPv4 inside IPv6 (`::ffff:0:0/96`) is IPv4 for every rule, share and line. */
function unmapped(text: string): string {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) ?? [];
  if (high === undefined || low === undefined) return text;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${a >> 8}.${a & 0xff}.${b >> 8}.${b & 0xff}`;
}

/** Version and command. */
const LOCAL = 0x20;
const PROXY = 0x21;
/** Family and transport of what can come in by TCP, with the bytes of one address. */
const INET = 0x11;
const INET6 = 0x21;
const UNSPECIFIED = 0x00;
const UNIX = 0x31;
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [UNSPECIFIED, 0],
  [INET, 4],
  [INET6, 16],
  [UNIX, 108],
]);

function readBinary(bytes: Uint8Array): ProxyHeaderReading {
  if (bytes.length < FIXED) return { state: 'more', atLeast: FIXED };
  const [command, family] = [bytes[12], bytes[13] ?? 0];
  if (command !== LOCAL && command !== PROXY) return bad('version or command is unknown');
  const rest = ((bytes[14] ?? 0) << 8) | (bytes[15] ?? 0);
  if (rest > MAX_REST) return bad(`it is longer than ${MAX_REST} bytes`);
  const length = FIXED + rest;
  if (bytes.length < length) return { state: 'more', atLeast: length };
  // The sender itself has something to say, a health check for one: family and addresses mean nothing.
  if (command === LOCAL) return { state: 'header', length };
  const size = ADDRESS_BYTES.get(family);
  if (size === undefined) return bad('family or transport is not one of a stream');
  try {
    const cursor = new Cursor(bytes, 'the header', FIXED, length);
    const header = readAddresses(cursor, family, size);
    checkExtras(cursor, bytes.subarray(0, length));
    return { state: 'header', length, ...(header ? { header } : {}) };
  } catch (thrown) {
    if (thrown instanceof Malformed) return bad(thrown.message);
    throw thrown;
  }
}

/** Of a UNIX socket nothing is told that a rule could use. */
function readAddresses(cursor: Cursor, family: number, size: number): ProxyHeader | undefined {
  const [from, to] = [cursor.take(size), cursor.take(size)];
  if (family !== INET && family !== INET6) return undefined;
  const textOf = family === INET ? (bytes: Uint8Array) => bytes.join('.') : textOfIPv6;
  return {
    source: { address: textOf(from), port: cursor.u16() },
    destination: { address: textOf(to), port: cursor.u16() },
  };
}

function textOfIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const text = groups.join(':');
  return canonical(text, 'TCP6') ?? text;
}

/** Walks the extensions, of which only the checksum concerns us: one that is there must be right. */
function checkExtras(cursor: Cursor, whole: Uint8Array): void {
  let checked = false;
  while (cursor.left > 0) {
    const type = cursor.u8();
    const at = whole.length - cursor.left + 2;
    const value = cursor.vector(2, 'an extension');
    if (type !== CHECKSUM) continue;
    if (checked || value.left !== CHECKSUM_BYTES) throw cursor.malformed('has no single checksum of four bytes');
    checked = true;
    // It was made with zeros in its own place.
    const blank = Uint8Array.from(whole).fill(0, at, at + CHECKSUM_BYTES);
    if (crc32c(blank) !== value.u16() * 0x10000 + value.u16()) throw cursor.malformed('does not have its checksum');
  }
}
