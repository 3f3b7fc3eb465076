// Decides whether a request that reads well may be looked at at all: framing, Host, target (RFC 9112). Pure; what can be
// meant in two ways is refused here. Called by flow/ for each request, plain or decrypted, and by http/ for each CONNECT.

import { type Authority, formatAuthority, type Parsed, parseAuthority, sameAuthority } from '../core/authority.ts';
import { type ErrorCode, ProxyError } from '../core/errors.ts';
import {
  DEFAULT_PORT,
  parseAbsoluteTarget,
  parseOriginTarget,
  type RequestTarget,
  type Scheme,
  WHOLE_SERVER,
} from '../core/target.ts';
import type { RequestHead } from '../wire/http-head.ts';

export type BodyLength = 'none' | 'chunked' | number;

export interface Admitted {
  readonly target: RequestTarget;
  readonly body: BodyLength;
  readonly expectContinue: boolean;
  /** How many more proxies an OPTIONS may pass (RFC 9110 section 7.6.2); absent when it does not say. */
  readonly maxForwards?: number;
}

export type Admission<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ProxyError };

/** Fields in one header section, of a request or a reply; as many as Apache takes. */
export const MAX_FIELDS = 100;
/** The one expectation there is; it may be said twice. */
const EXPECTATION = /^100-continue(?:[ \t]*,[ \t]*100-continue)*$/i;
/** A token (RFC 9110 section 5.6.2) without lower case: `get` is no method, and an origin may take it for GET. */
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Z]{1,64}$/;

/**
 * A request that goes somewhere. On the plain side (`tunnel` absent) the target is an absolute URL; inside a tunnel it
 * is origin-form, and Host is the tunnel's authority or nothing is sent on (CONNECT = SNI = Host).
 */
export function admit(request: RequestHead, tunnel?: Authority): Admission<Admitted> {
  const framing = admitFraming(request);
  if (!framing.ok) return framing;
  const target = tunnel ? targetInTunnel(request, tunnel) : targetOnPlainSide(request);
  if (!target.ok) return target;
  return { ok: true, value: { target: target.value, ...framing.value } };
}

/**
 * A request that a firewall has turned around to us: its client takes us for the origin, which Host names (RFC 9112
 * section 3.3); `port` is meant where Host names none.
 */
export function admitIntercepted(request: RequestHead, port: number): Admission<Admitted> {
  if (!request.url.startsWith('/') && !isForWholeServer(request)) {
    const admitted = admit(request);
    if (!admitted.ok || admitted.value.target.scheme === 'http') return admitted;
    return refuse('request-target', 'An https URL on a transparent listener.');
  }
  const framing = admitFraming(request);
  if (!framing.ok) return framing;
  const host = hostField(request, port, true);
  if (!host.ok) return host;
  if (!host.value) return refuse('request-malformed', 'No Host.');
  const target = targetBelow(request, 'http', host.value);
  if (!target.ok) return refuse('request-target', `${target.reason}.`);
  return { ok: true, value: { target: target.value, ...framing.value } };
}

/** Origin-form on the proxy's own port (RFC 9112 section 3.2.1): the path, without its query, as it came. */
export function admitOwn(request: RequestHead): Admission<string> {
  const framing = admitFraming(request);
  if (!framing.ok) return framing;
  const host = hostField(request, DEFAULT_PORT.http, request.httpVersion !== '1.0');
  return host.ok ? { ok: true, value: request.url.replace(/\?.*/s, '') } : host;
}

/** CONNECT: `host:port` and nothing else, without a body (RFC 9110 section 9.3.6). */
export function admitConnect(request: RequestHead): Admission<Authority> {
  const framing = admitFraming(request);
  if (!framing.ok) return framing;
  if (framing.value.body !== 'none') return refuse('request-malformed', 'CONNECT has no body.');
  const authority = parseAuthority(request.url);
  if (!authority.ok) return refuse('request-target', `${authority.reason}.`);
  const host = hostField(request, authority.value.port, request.httpVersion !== '1.0', authority.value);
  if (!host.ok) return host;
  // Clients differ in whether they add the port here; the name must be the same.
  if (host.value && host.value.host !== authority.value.host) {
    return refuse('request-malformed', 'Host differs from the target of the CONNECT.');
  }
  return { ok: true, value: authority.value };
}

function admitFraming(request: RequestHead): Admission<Omit<Admitted, 'target'>> {
  const { method, httpVersion, rawHeaders } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0' && httpVersion !== '2.0')
    return refuse('request-malformed', 'HTTP version is not 1.0 or 1.1.');
  if (!METHOD.test(method)) return refuse('request-malformed', 'Malformed method.');
  if (rawHeaders.length / 2 > MAX_FIELDS) return refuse('request-too-large', `More than ${MAX_FIELDS} fields.`);
  const expectations = valuesOf(rawHeaders, 'expect');
  if (!expectations.every((value) => EXPECTATION.test(value))) return refuse('request-expectation', '');
  // It would send back what other proxies on the way have added, credentials among it.
  if (method === 'TRACE') return refuse('request-method', 'TRACE.');
  const forwards = method === 'OPTIONS' ? valuesOf(rawHeaders, 'max-forwards') : [];
  if (forwards.length > 1 || !/^\d{1,15}$/.test(forwards[0] ?? '0')) {
    return refuse('request-malformed', 'Malformed Max-Forwards.');
  }
  const body = bodyLength(request);
  if (!body.ok) return refuse('request-malformed', body.reason);
  return {
    ok: true,
    value: {
      body: body.value,
      expectContinue: expectations.length > 0 && httpVersion !== '1.0',
      ...(forwards[0] === undefined ? {} : { maxForwards: Number(forwards[0]) }),
    },
  };
}

/** RFC 9112 section 6.3, with every ambiguity refused instead of resolved. */
export function bodyLength({ rawHeaders, httpVersion: version }: RequestHead): Parsed<BodyLength> {
  const lengths = valuesOf(rawHeaders, 'content-length');
  const encodings = valuesOf(rawHeaders, 'transfer-encoding');
  const bad = (reason: string): Parsed<never> => ({ ok: false, reason });
  if (encodings.length > 0) {
    if (version === '1.0') return bad('Transfer-Encoding in HTTP/1.0.');
    if (lengths.length > 0) return bad('Content-Length beside Transfer-Encoding.');
    if (encodings.length > 1 || encodings[0]?.toLowerCase() !== 'chunked')
      return bad('Transfer-Encoding is not chunked.');
    return { ok: true, value: 'chunked' };
  }
  if (lengths.length === 0) return { ok: true, value: 'none' };
  const text = lengths[0] ?? '';
  if (lengths.length > 1 || !/^\d{1,15}$/.test(text)) return bad('Malformed Content-Length.');
  return { ok: true, value: Number(text) === 0 ? 'none' : Number(text) };
}

function targetOnPlainSide(request: RequestHead): Admission<RequestTarget> {
  const target = parseAbsoluteTarget(request.url);
  if (!target.ok) return refuse('request-target', `${target.reason}.`);
  const { scheme, authority } = target.value;
  const host = hostField(request, DEFAULT_PORT[scheme], request.httpVersion !== '1.0', authority);
  if (!host.ok) return host;
  // RFC 9112 section 3.2.2 lets the URL win; two names in one request are an attempt to have one decide for the other.
  if (host.value && !sameAuthority(host.value, authority)) {
    return refuse('request-malformed', 'Host differs from the host of the URL.');
  }
  return { ok: true, value: withoutPath(request, target.value) };
}

function targetInTunnel(request: RequestHead, tunnel: Authority): Admission<RequestTarget> {
  const scheme: Scheme = 'https';
  // Without a port it means the tunnel's: some clients leave out one that is not the default.
  const host = hostField(request, tunnel.port, request.httpVersion !== '1.0', tunnel);
  if (!host.ok) return host;
  if (host.value && !sameAuthority(host.value, tunnel)) {
    return refuse(
      'host-mismatch',
      `Host is ${formatAuthority(host.value)}, the tunnel goes to ${formatAuthority(tunnel)}.`,
    );
  }
  const isBelow = request.url.startsWith('/') || isForWholeServer(request);
  const absolute = isBelow ? undefined : parseAbsoluteTarget(request.url);
  if (absolute && !absolute.ok) return refuse('request-target', `${absolute.reason}.`);
  if (absolute && (absolute.value.scheme !== scheme || !sameAuthority(absolute.value.authority, tunnel))) {
    return refuse('host-mismatch', `The URL is not below https://${formatAuthority(tunnel, DEFAULT_PORT[scheme])}/.`);
  }
  if (absolute) return { ok: true, value: withoutPath(request, absolute.value) };
  const target = targetBelow(request, scheme, tunnel);
  return target.ok ? target : refuse('request-target', `${target.reason}.`);
}

/** Asterisk-form (RFC 9112 section 3.2.4), which no other method may have. */
export function isForWholeServer({ method, url }: RequestHead): boolean {
  return url === WHOLE_SERVER && method === 'OPTIONS';
}

function targetBelow(request: RequestHead, scheme: Scheme, authority: Authority): Parsed<RequestTarget> {
  if (!isForWholeServer(request)) return parseOriginTarget(request.url, scheme, authority);
  return { ok: true, value: { scheme, authority, path: '/', query: '', wholeServer: true } };
}

/** To a proxy, all of an origin is said by a URL that ends with the authority (RFC 9112 section 3.2.4). */
function withoutPath({ method, url }: RequestHead, target: RequestTarget): RequestTarget {
  return method === 'OPTIONS' && /^https?:\/\/[^/?#]+$/i.test(url) ? { ...target, wholeServer: true } : target;
}

/** RFC 9112 section 3.2: exactly one Host in 1.1, at most one in 1.0. */
function hostField(
  request: RequestHead,
  defaultPort: number,
  required: boolean,
  expected?: Authority,
): Admission<Authority | undefined> {
  const hosts = valuesOf(request.rawHeaders, 'host');
  if (hosts.length > 1) return refuse('request-malformed', 'More than one Host.');
  const text = hosts[0];
  if (text === undefined) return required ? refuse('request-malformed', 'No Host.') : { ok: true, value: undefined };
  // Nearly always it is the name that is expected, and that has been read already.
  if (expected && isSpelled(expected, text, defaultPort)) return { ok: true, value: expected };
  const host = parseAuthority(text, defaultPort);
  return host.ok ? host : refuse('request-malformed', `Malformed Host: ${host.reason}.`);
}

/** Whether the text is the name in its canonical spelling, with its port, or without it where it is the default. */
function isSpelled({ kind, host, port }: Authority, text: string, defaultPort: number): boolean {
  if (kind === 'ipv6' || !text.startsWith(host)) return false;
  return text.length === host.length ? port === defaultPort : text.slice(host.length) === `:${port}`;
}

/** Whether the message is the last on its connection by its own word (RFC 9112 section 9.6). */
export function isLast(rawHeaders: readonly string[]): boolean {
  return valuesOf(rawHeaders, 'connection').some((value) => /(?:^|[\s,])close(?:$|[\s,])/i.test(value));
}

/**
 * Whether a client of HTTP/1.0 keeps its connection: RFC 9112 section 9.3 has a proxy end it, for fear of one before it
 * that passes Connection on unread. Squid keeps it, and clients count on that; a proxy before us shows itself by its Via.
 */
export function keepsAlive(rawHeaders: readonly string[]): boolean {
  const options = [...valuesOf(rawHeaders, 'connection'), ...valuesOf(rawHeaders, 'proxy-connection')];
  return options.some((value) => /(?:^|[\s,])keep-alive(?:$|[\s,])/i.test(value)) && !hasField(rawHeaders, 'via');
}

/** All values of a field, by its name in lower case. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const field = rawHeaders[i];
    if (field?.length === name.length && field.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '');
  }
  return values;
}

/** Whether a field is there; asked of every request, and without a list of its own. */
export function hasField(rawHeaders: readonly string[], name: string): boolean {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at];
    if (field?.length === name.length && field.toLowerCase() === name) return true;
  }
  return false;
}

function refuse(code: ErrorCode, detail: string): { readonly ok: false; readonly error: ProxyError } {
  return { ok: false, error: new ProxyError(code, detail) };
}
