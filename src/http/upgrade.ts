// What a client asks to leave HTTP for, and whether the 101 of an origin grants exactly that (RFC 9110 section 7.8). Pure;
// flow/answer-request reads requests with it, relay.ts judges replies.

import { hash } from 'node:crypto';
import type { Parsed } from '../core/authority.ts';
import type { ReplyHead, RequestHead } from '../wire/http-head.ts';
import { hasField, MAX_FIELDS, valuesOf } from './admission.ts';

/** What is asked of the origin: all of it permitted. */
export interface Upgrade {
  /** As the client spelled them, versions included, the one it likes best first. */
  readonly protocols: readonly string[];
  /** For WebSocket: what Sec-WebSocket-Accept must be (RFC 6455 section 4.2.2). */
  readonly accept: string | undefined;
}

/** Protocols in one request. */
const MAX_PROTOCOLS = 8;
/** A name, and a version behind a slash. */
const PROTOCOL = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})?$/;
/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 6455 section 1.3: what proves that whoever answers has understood the question. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The protocols that the request offers to go on in; undefined where there is no such offer. HTTP/1.0 has none, HTTP/2
 * only that which h2-websocket.ts has put there, and an Upgrade that Connection does not name was meant for somebody else.
 */
export function offeredProtocols({ httpVersion, rawHeaders }: RequestHead): readonly string[] | undefined {
  if (!hasField(rawHeaders, 'upgrade') || httpVersion === '1.0' || !namesUpgrade(rawHeaders)) return undefined;
  const protocols = listOf(rawHeaders, 'upgrade');
  const reads =
    protocols.length > 0 && protocols.length <= MAX_PROTOCOLS && protocols.every((one) => PROTOCOL.test(one));
  return reads ? protocols : undefined;
}

/** Whether it is asked for a WebSocket and nothing else, which HTTP/2 has a way to (RFC 8441). */
export function isWebSocketOnly({ protocols }: Upgrade): boolean {
  return protocols.every((protocol) => protocol.toLowerCase() === 'websocket');
}

/** What goes to the origin; or why the handshake is none, so that nobody can take its answer for one. */
export function makeUpgrade(
  { method, rawHeaders }: RequestHead,
  hasBody: boolean,
  protocols: readonly string[],
): Parsed<Upgrade> {
  if (!protocols.some((protocol) => protocol.toLowerCase() === 'websocket')) {
    return { ok: true, value: { protocols, accept: undefined } };
  }
  if (method !== 'GET' || hasBody) return { ok: false, reason: 'A WebSocket begins with a GET without a body.' };
  const [key = '', ...more] = valuesOf(rawHeaders, 'sec-websocket-key');
  if (!KEY.test(key) || more.length > 0) return { ok: false, reason: 'A WebSocket begins with one key of 16 bytes.' };
  return { ok: true, value: { protocols, accept: hash('sha1', key + GUID, 'base64') } };
}

/** The protocol that a 101 changes to, as the origin spelled it; or why it is no answer to what was asked. */
export function grantedProtocol(
  { httpVersion, rawHeaders }: ReplyHead,
  { protocols, accept }: Upgrade,
): Parsed<string> {
  const bad = (reason: string): Parsed<never> => ({ ok: false, reason });
  if (rawHeaders.length / 2 > MAX_FIELDS) return bad(`More than ${MAX_FIELDS} fields.`);
  if (httpVersion !== '1.1' || !namesUpgrade(rawHeaders)) return bad('A 101 without an upgrade of its connection.');
  const granted = listOf(rawHeaders, 'upgrade');
  const offered = new Set(protocols.map((protocol) => protocol.toLowerCase()));
  if (granted.length === 0) return bad('A 101 that does not say to what.');
  if (!granted.every((protocol) => offered.has(protocol.toLowerCase()))) {
    return bad('A change to a protocol that nobody asked for.');
  }
  // RFC 9110 section 8.6 forbids a length here; zero says what is true.
  const lengths = valuesOf(rawHeaders, 'content-length');
  if (hasField(rawHeaders, 'transfer-encoding') || lengths.some((length) => length !== '0'))
    return bad('A 101 with a body.');
  if (granted.some((protocol) => protocol.toLowerCase() === 'websocket')) {
    const [proof, ...more] = valuesOf(rawHeaders, 'sec-websocket-accept');
    if (proof !== accept || more.length > 0) return bad('Sec-WebSocket-Accept is not that of the key.');
  }
  return { ok: true, value: granted.join(', ') };
}

function namesUpgrade(rawHeaders: readonly string[]): boolean {
  return listOf(rawHeaders, 'connection').some((option) => option.toLowerCase() === 'upgrade');
}

function listOf(rawHeaders: readonly string[], name: string): string[] {
  const items = valuesOf(rawHeaders, name).flatMap((value) => value.split(','));
  return items.map((item) => item.trim()).filter((item) => item !== '');
}
