// Which fields cross the proxy (RFC 9110 section 7.6). Raw name-value arrays in and out: order and spelling survive.

import { hasField, valuesOf } from './admission.ts';
import { isEmpty } from './reply-framing.ts';
import { announcedTrailers } from './trailers.ts';

/** Fields that belong to one connection, or lead around us; none of them ever crosses. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  // Names another place or protocol of the origin, HTTP/3 for one, past the proxy (RFC 7838 sections 3 and 5).
  'alt-svc',
  'alt-used',
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** With the fields of a request that we make ourselves. */
const REBUILT: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'host', 'content-length', 'expect']);
const REBUILT_COUNTED: ReadonlySet<string> = new Set([...REBUILT, 'max-forwards']);
const NO_LENGTH: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'content-length']);

/** Fields that Connection may name as much as it likes: dropping them would change what the message means. */
const NOT_STRIPPABLE = new Set(['authorization', 'content-length', 'cookie', 'host', 'set-cookie', 'via']);

export interface ViaEntry {
  /** `1.1`: the version the message came in. */
  readonly version: string;
  readonly pseudonym: string;
}

export interface RequestHeaderOptions {
  /** Host as it goes upstream, from the canonical target. */
  readonly host: string;
  readonly via: ViaEntry | undefined;
  /** Value of Proxy-Authorization, for a parent. */
  readonly authorization?: string | undefined;
  /** Length of the body to send. */
  readonly body: 'none' | 'chunked' | number;
  /** Max-Forwards to send, where it is ours to count down. */
  readonly maxForwards?: number | undefined;
  /** The client waits for a 100 of the origin. */
  readonly expectsContinue?: boolean | undefined;
  /** Protocols that the origin may change to. */
  readonly upgrade?: readonly string[] | undefined;
}

/** The fields of a request as they go upstream: Host first, connection and framing rebuilt, own Via at the end. */
export function upstreamHeaders(raw: readonly string[], options: RequestHeaderOptions): string[] {
  const { upgrade } = options;
  const out = ['host', options.host, 'connection', upgrade ? 'Upgrade' : 'keep-alive'];
  copy(raw, out, options.maxForwards === undefined ? REBUILT : REBUILT_COUNTED);
  if (upgrade) out.push('Upgrade', upgrade.join(', '));
  if (takesTrailers(raw)) {
    out[3] += ', TE';
    out.push('TE', 'trailers');
  }
  if (options.expectsContinue) out.push('Expect', '100-continue');
  if (options.maxForwards !== undefined) out.push('Max-Forwards', String(options.maxForwards));
  if (options.body === 'chunked') {
    out.push('Transfer-Encoding', 'chunked');
    announceTrailers(raw, out);
  } else if (options.body !== 'none') out.push('Content-Length', String(options.body));
  if (options.via) out.push('Via', `${options.via.version} ${options.via.pseudonym}`);
  if (options.authorization) out.push('Proxy-Authorization', options.authorization);
  return out;
}

/** The fields of a reply as they go to the client. Content-Length stays; any other framing is the server's to rebuild. */
export function clientHeaders(raw: readonly string[], via: ViaEntry | undefined, status = 200): string[] {
  const out: string[] = [];
  // RFC 9110 section 8.6: a length where there is no body would make some client wait for one.
  copy(raw, out, status < 200 || isEmpty(status) ? NO_LENGTH : HOP_BY_HOP);
  // Without it, a client would wait for the content of a 205 until the end of the connection (RFC 9112 section 6.3).
  if (status === 205) out.push('Content-Length', '0');
  announceTrailers(raw, out);
  if (via) out.push('Via', `${via.version} ${via.pseudonym}`);
  return out;
}

/** Said to us, and true of us then: what comes as a trailer reaches the client (RFC 9110 section 10.1.4). */
function takesTrailers(raw: readonly string[]): boolean {
  if (!hasField(raw, 'te') || !namedByConnection(raw)?.has('te')) return false;
  return valuesOf(raw, 'te').some((value) => /(?:^|[\s,])trailers(?:$|[\s,;])/i.test(value));
}

/** What cannot come in the trailer section is not announced; the rest is, since some clients take no other. */
function announceTrailers(raw: readonly string[], out: string[]): void {
  if (!hasField(raw, 'trailer') || !hasField(raw, 'transfer-encoding')) return;
  const names = announcedTrailers(valuesOf(raw, 'trailer'));
  if (names !== undefined) out.push('Trailer', names);
}

function copy(raw: readonly string[], out: string[], drop: ReadonlySet<string>): void {
  const named = namedByConnection(raw);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (drop.has(lower) || named?.has(lower)) continue;
    out.push(name, raw[i + 1] ?? '');
  }
}

function namedByConnection(raw: readonly string[]): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length !== 10 || raw[i]?.toLowerCase() !== 'connection') continue;
    const value = raw[i + 1] ?? '';
    // What nearly every message says names no field that would cross.
    if (value === 'keep-alive' || value === 'close') continue;
    for (const token of value.split(',')) {
      const name = token.trim().toLowerCase();
      if (name === '' || NOT_STRIPPABLE.has(name)) continue;
      named ??= new Set();
      named.add(name);
    }
  }
  return named;
}

/**
 * Whether a Via of ours is in the list already: the request has come round (RFC 9110 section 7.6.3). An entry that says in
 * its comment, as we do towards parents, that it is of another instance is not ours: two proxies in a row may have kept the
 * name they came with.
 */
export function hasPassed(vias: readonly string[], pseudonym: string, instance?: string): boolean {
  return vias.some((value) =>
    value.split(',').some((entry) => {
      const [, name, comment = ''] = entry.trim().split(/\s+/);
      return name === pseudonym && (comment === `(${instance})` || !INSTANCE.test(comment));
    }),
  );
}

const INSTANCE = /^\([0-9a-f]{8}\)$/;
