// A WebSocket over HTTP/2 (RFC 8441) in the words of HTTP/1.1, so that policy, admission, forwarding and log are those of
// any other. Pure but for the key; used by h2-stream.ts toward clients, by relay.ts toward origins.

import { randomBytes } from 'node:crypto';
import type { RequestHead } from '../wire/http-head.ts';

export const WEBSOCKET = 'websocket';
/** They prove in HTTP/1.1 that whoever answers has understood; in HTTP/2 the settings do (RFC 8441 section 5). */
const PROOFS = new Set(['sec-websocket-key', 'sec-websocket-accept']);

/** Whether a head is that of an extended CONNECT to a WebSocket. */
export function isWebSocket(raw: readonly string[]): boolean {
  for (let at = 0; at + 1 < raw.length && raw[at]?.startsWith(':'); at += 2) {
    if (raw[at] === ':protocol') return raw[at + 1] === WEBSOCKET;
  }
  return false;
}

/** The handshake that it stands for; what it has brought as a key is not looked at. */
export function asHandshake({ url, httpVersion, rawHeaders }: RequestHead): RequestHead {
  const key = randomBytes(16).toString('base64');
  const fields = ['Connection', 'Upgrade', 'Upgrade', WEBSOCKET, 'Sec-WebSocket-Key', key];
  return { method: 'GET', url, httpVersion, rawHeaders: [...withoutProofs(rawHeaders), ...fields] };
}

/** Fields without those that only HTTP/1.1 has. */
export function withoutProofs(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (!PROOFS.has(name.toLowerCase())) kept.push(name, fields[at + 1] ?? '');
  }
  return kept;
}
