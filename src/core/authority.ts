// A host and a port in their one canonical form. Whatever names a destination (CONNECT line, URL, Host field, SNI,
// policy, leaf, log, dial) goes through here, so that no two parts of the proxy can disagree about what a name is.

import { isIPv4 } from 'node:net';

export type HostKind = 'name' | 'ipv4' | 'ipv6';

export interface Host {
  readonly kind: HostKind;
  /** Canonical text: lower case, no trailing dot, no brackets; IPv6 as in RFC 5952. */
  readonly text: string;
}

export interface Authority {
  readonly kind: HostKind;
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Either the parsed value, or one sentence that says what is wrong with the text. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters of text. */
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** Letters, digits, hyphen, and the underscore that real names carry (`_dmarc`, cloud buckets). */
const LABEL = /^[A-Za-z0-9_-]+$/;
/** WHATWG URL "ends in a number": such a host is an IPv4 address in somebody's eyes. */
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/;
const PORT = /^[1-9]\d{0,4}$/;

const ok = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (reason: string): Parsed<never> => ({ ok: false, reason });

/**
 * Parses a bare host: a DNS name, a dotted IPv4 address, or an IPv6 address in brackets (RFC 3986 section 3.2.2).
 * Spellings that another parser could read differently (`127.1`, `0x7f.1`, `%65`, zone ids, raw Unicode) are refused.
 */
export function parseHost(text: string): Parsed<Host> {
  if (isPlainName(text)) return ok({ kind: 'name', text });
  if (text.startsWith('[')) return parseBracketed(text);
  if (isIPv4(text)) return ok({ kind: 'ipv4', text });
  return parseName(text);
}

/**
 * A name that is canonical as it stands and whose last label begins with a letter, so that it is no address in anybody's
 * eyes: nearly every host there is, three times for each connection, without a regular expression.
 */
function isPlainName(text: string): boolean {
  if (text.length > MAX_NAME) return false;
  let begin = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (at === begin || at - begin > MAX_LABEL) return false;
      begin = at + 1;
    } else if (!isLowerCase(code) && !(code >= ZERO && code <= NINE) && code !== HYPHEN && code !== UNDERSCORE)
      return false;
  }
  return text.length > begin && text.length - begin <= MAX_LABEL && isLowerCase(text.charCodeAt(begin));
}

const [HYPHEN, DOT, ZERO, NINE, UNDERSCORE] = [0x2d, 0x2e, 0x30, 0x39, 0x5f];

function isLowerCase(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function parseBracketed(text: string): Parsed<Host> {
  const inner = text.slice(1, -1);
  if (!text.endsWith(']') || !/^[0-9a-fA-F:.]+$/.test(inner)) return bad('malformed IPv6 address');
  const canonical = URL.parse(`http://${text}/`)?.hostname;
  return canonical ? ok({ kind: 'ipv6', text: canonical.slice(1, -1) }) : bad('malformed IPv6 address');
}

function parseName(text: string): Parsed<Host> {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name === '') return bad('empty host');
  if (name.length > MAX_NAME) return bad(`host longer than ${MAX_NAME} characters`);
  const labels = name.split('.');
  for (const label of labels) {
    if (label === '') return bad('empty label in host');
    if (label.length > MAX_LABEL) return bad(`label longer than ${MAX_LABEL} characters in host`);
    if (!LABEL.test(label)) return bad('character not allowed in host');
  }
  // Only now: before, a Kelvin sign (U+212A) would have become a plain k.
  const canonical = name.toLowerCase();
  if (NUMERIC_LABEL.test(canonical.slice(canonical.lastIndexOf('.') + 1))) {
    return bad('host is an address in a spelling that is not canonical');
  }
  return ok({ kind: 'name', text: canonical });
}

/** Parses a port: 1 to 65535 in plain decimal, without sign, space or leading zero. */
export function parsePort(text: string): Parsed<number> {
  const port = PORT.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? ok(port) : bad('port is not a number from 1 to 65535');
}

/**
 * Parses `host:port` or `host`. Without `defaultPort` the port must be spelled out, as in the target of CONNECT
 * (RFC 9110 section 9.3.6); with it, it may be left out, as in a Host field (RFC 9110 section 7.2).
 */
export function parseAuthority(text: string, defaultPort?: number): Parsed<Authority> {
  const split = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text);
  if (!split) return bad('malformed authority');
  const host = parseHost(split[1] ?? '');
  if (!host.ok) return host;
  const portText = split[2];
  if (portText === undefined && defaultPort === undefined) return bad('port is missing');
  const port = portText === undefined ? ok(defaultPort ?? 0) : parsePort(portText);
  if (!port.ok) return port;
  return ok({ kind: host.value.kind, host: host.value.text, port: port.value });
}

/** The host as it stands in a URL or a Host field: IPv6 in brackets. */
export function formatHost(authority: Pick<Authority, 'kind' | 'host'>): string {
  return authority.kind === 'ipv6' ? `[${authority.host}]` : authority.host;
}

/** `host:port`; the port is left out when it equals `defaultPort`. */
export function formatAuthority(authority: Authority, defaultPort?: number): string {
  const host = formatHost(authority);
  return authority.port === defaultPort ? host : `${host}:${authority.port}`;
}

export function sameAuthority(a: Authority, b: Authority): boolean {
  return a.host === b.host && a.port === b.port && a.kind === b.kind;
}
