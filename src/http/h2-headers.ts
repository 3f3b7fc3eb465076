// Fields as HTTP/2 has them: names in lower case, none that belong to a connection (RFC 9113 section 8.2). Pure; used by
// relay.ts for requests to an origin and by h2-reply.ts for replies to a client.

import { type IncomingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { formatAuthority } from '../core/authority.ts';
import { DEFAULT_PORT, type RequestTarget } from '../core/target.ts';
import { type RequestHeaderOptions, upstreamHeaders } from './headers.ts';

/** Never crosses into HTTP/2, whoever sends it. */
const DROPPED = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** The head of a request to an origin; `raw` as the client sent it. `protocol`: of an extended CONNECT (RFC 8441). */
export function h2RequestHead(
  method: string,
  target: RequestTarget,
  raw: readonly string[],
  options: RequestHeaderOptions,
  protocol?: string,
): string[] {
  const { scheme, authority, path, query } = target;
  const head = [
    ...[':method', protocol === undefined ? method : 'CONNECT', ':scheme', scheme],
    ...[':authority', formatAuthority(authority, DEFAULT_PORT[scheme]), ':path', `${path}${query}`],
  ];
  if (protocol !== undefined) head.push(':protocol', protocol);
  return lowered(upstreamHeaders(raw, options), head);
}

/**
 * What must not get into a table that the exchanges of all clients share, where one could be guessed by another (RFC 7541
 * section 7.1.3). Likewise toward a client, who may be one of many on the connection of a proxy behind us.
 */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);

/** Marks the fields of a head that must not be indexed: those and, of `came`, whatever came so. Gives it back. */
export function keepSecret(head: string[], came: readonly string[] | undefined): string[] {
  let names: string[] | undefined;
  for (let at = 0; at + 1 < head.length; at += 2) {
    const name = head[at] ?? '';
    if (!SECRET.has(name) && !came?.includes(name)) continue;
    names ??= [];
    if (!names.includes(name)) names.push(name);
  }
  return names ? Object.assign(head, { [sensitiveHeaders]: names }) : head;
}

/** What of a head came marked so. */
export function secretOf(headers: IncomingHttpHeaders): readonly string[] | undefined {
  const names: unknown = Reflect.get(headers, sensitiveHeaders);
  return Array.isArray(names) && names.length > 0 ? names.filter((name) => typeof name === 'string') : undefined;
}

/** As node:http2 takes trailers. */
export function asObject(fields: readonly string[]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]];
    const before = object[name];
    object[name] = before === undefined ? value : [before, value].flat();
  }
  return object;
}

/** Fields of a reply, or trailers, appended to `out`. */
export function lowered(fields: readonly string[], out: string[]): string[] {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    if (!DROPPED.has(name)) out.push(name, fields[at + 1] ?? '');
  }
  return out;
}
