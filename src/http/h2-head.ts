// The head of a request that came by HTTP/2, as the one that HTTP/1.1 would have brought (RFC 9113 section 8.3), so that
// admission, policy and forwarding are the same for both. Pure; called by h2-conversation.ts for each stream.

import { parseAuthority } from '../core/authority.ts';
import { DEFAULT_PORT, WHOLE_SERVER } from '../core/target.ts';
import type { RequestHead } from '../wire/http-head.ts';
import { hasField } from './admission.ts';

export type H2Head =
  | { readonly ok: true; readonly head: RequestHead; readonly protocol: string | undefined }
  /** `head`: as much of it as can be told of in the log. */
  | { readonly ok: false; readonly head: RequestHead; readonly reason: string };

const PSEUDO = new Set([':method', ':scheme', ':authority', ':path', ':protocol']);
/** Fields that HTTP/2 has no connection for (RFC 9113 section 8.2.2). */
const CONNECTION_FIELDS = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
/** RFC 9113 section 8.2.1, and no space at either end. */
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/**
 * `raw`: names and values in turn as they came, pseudo fields among them; `whole`: no body follows. The URL is the path,
 * as inside a tunnel; `absolute` puts scheme and authority before it, as toward a proxy.
 */
export function readH2Head(raw: readonly string[], whole: boolean, absolute = false): H2Head {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const cookies: string[] = [];
  let host: string | undefined;
  let problem: string | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    if (name.startsWith(':')) {
      if (!PSEUDO.has(name) || pseudo.has(name)) problem ??= `Pseudo field ${name} unknown or twice.`;
      if (fields.length > 0) problem ??= `Pseudo field ${name} behind the others.`;
      pseudo.set(name, value);
      continue;
    }
    problem ??= problemOf(name, value);
    // In crumbs, so that they compress better; one line where that is not so (RFC 9113 section 8.2.3).
    if (name === 'cookie') cookies.push(value);
    else if (name === 'host') {
      if (host !== undefined) problem ??= 'More than one Host.';
      host ??= value;
    } else fields.push(name, value);
  }
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '));
  const authority = pseudo.get(':authority') ?? host;
  if (host !== undefined && host !== authority) problem ??= 'Host differs from :authority.';
  const method = pseudo.get(':method') ?? '';
  const path = pseudo.get(':path');
  const protocol = pseudo.get(':protocol');
  problem ??= pseudoProblem(pseudo, method, absolute);
  const rawHeaders = [...(authority === undefined ? [] : ['host', authority]), ...fields];
  // Said in the words of HTTP/1.1: trailers are welcome, a body has a length that is not known.
  if (hasField(fields, 'te')) rawHeaders.push('connection', 'te');
  if (!whole && !hasField(fields, 'content-length')) rawHeaders.push('transfer-encoding', 'chunked');
  // All of an origin is said to a proxy by its URL without a path (RFC 9113 section 8.3.1, RFC 9112 section 3.2.4).
  const below = path === WHOLE_SERVER && method === 'OPTIONS' ? '' : path;
  const url =
    path === undefined ? (authority ?? '') : absolute ? `${pseudo.get(':scheme')}://${authority}${below}` : path;
  const head: RequestHead = { method, url, httpVersion: '2.0', rawHeaders };
  return problem === undefined ? { ok: true, head, protocol } : { ok: false, head, reason: problem };
}

/**
 * Whether a request on our own port is for ourselves: a page of ours below the `name` by which the client has come to us,
 * and nobody goes through a proxy to that.
 */
export function isForUs(raw: readonly string[], name: string | undefined): boolean {
  if (name === undefined) return false;
  let isSecure = false;
  let authority: string | undefined;
  for (let at = 0; at + 1 < raw.length && raw[at]?.startsWith(':'); at += 2) {
    if (raw[at] === ':scheme') isSecure = raw[at + 1] === 'https';
    else if (raw[at] === ':authority') authority = raw[at + 1];
  }
  if (!isSecure || authority === undefined) return false;
  const asked = parseAuthority(authority, DEFAULT_PORT.https);
  return asked.ok && asked.value.host === name.toLowerCase();
}

/** Trailers are fields without pseudo ones. */
export function areTrailers(raw: readonly string[]): boolean {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (problemOf(raw[at] ?? '', raw[at + 1] ?? '') !== undefined) return false;
  }
  return true;
}

/** RFC 9113 section 8.3.1, and section 8.5 for CONNECT, RFC 8441 section 4 for one with a protocol. */
function pseudoProblem(pseudo: ReadonlyMap<string, string>, method: string, absolute: boolean): string | undefined {
  for (const [name, value] of pseudo) if (BAD_VALUE.test(value)) return `Malformed ${name}.`;
  if (method === '') return 'No :method.';
  const isPlainConnect = method === 'CONNECT' && !pseudo.has(':protocol');
  if (isPlainConnect) {
    if (pseudo.has(':scheme') || pseudo.has(':path')) return 'CONNECT with :scheme or :path.';
    return pseudo.has(':authority') ? undefined : 'CONNECT without :authority.';
  }
  if (pseudo.has(':protocol') && method !== 'CONNECT') return ':protocol without CONNECT.';
  if (!pseudo.get(':path')) return 'No :path.';
  const scheme = pseudo.get(':scheme');
  if (scheme !== 'https' && scheme !== 'http') return 'No :scheme of ours.';
  // What comes within TLS is not asked for in the clear: only a proxy is asked for both.
  return scheme === 'https' || absolute ? undefined : ':scheme is not https.';
}

function problemOf(name: string, value: string): string | undefined {
  if (!NAME.test(name)) return 'Malformed field name.';
  if (CONNECTION_FIELDS.has(name)) return `${name} has no place in HTTP/2.`;
  if (BAD_VALUE.test(value)) return `Malformed ${name}.`;
  return name === 'te' && value.toLowerCase() !== 'trailers' ? 'TE is not trailers.' : undefined;
}
