// Squid's %-macros in custom pages, in a rule's message and in its redirect: each value is escaped for where it stands, and
// what is no macro stays as it is. Called by refusal-body.ts and flow/explain.

import { ERROR_KINDS } from '../core/error-kinds.ts';
import { shownPlace } from '../core/place.ts';
import { httpdTime } from '../log/httpd-time.ts';
import { escapeHtml, STYLE } from './markup.ts';
import type { Refusal } from './refusal.ts';
import { statusPhrase } from './status-phrase.ts';

/** Where the text stands: how a value is escaped there, and what it says when there is none. */
interface Context {
  readonly escape: (value: string) => string;
  /** Squid's words for what is not known; in a URL there is nothing then. */
  readonly isUrl: boolean;
  /** Whether a macro may stand for markup of ours. */
  readonly isHtml: boolean;
}

export const HTML: Context = { escape: escapeHtml, isUrl: false, isHtml: true };
/** The message of a rule is escaped where it is shown. */
export const PLAIN: Context = { escape: (value) => value, isUrl: false, isHtml: false };
export const URL_PART: Context = { escape: escapeUrlPart, isUrl: true, isHtml: false };

/** One letter, or a name of ours in braces. */
const MACRO = /%(?:([a-zA-Z%])|\{(\w{1,32})\})/g;

export function expandMacros(text: string, refusal: Refusal, context: Context): string {
  return text.replace(MACRO, (whole: string, letter: string | undefined, name: string | undefined) => {
    if (letter === '%') return context.isUrl ? '%25' : '%';
    const ready =
      letter === undefined ? undefined : (context.isUrl ? IN_URL : context.isHtml ? MARKUP : NONE).get(letter);
    if (ready) return ready(refusal);
    const macro = letter === undefined ? OURS.get(name ?? '') : SQUIDS.get(letter);
    if (!macro) return whole;
    const { value, otherwise = '', inUrl = true } = macro;
    const said = context.isUrl && !inUrl ? '' : value(refusal);
    return context.escape(said || (context.isUrl ? '' : otherwise));
  });
}

/** Text that is escaped already. */
type Ready = (refusal: Refusal) => string;

interface Macro {
  readonly value: (refusal: Refusal) => string | undefined;
  /** What a page says where there is none, as Squid's does. */
  readonly otherwise?: string;
  /** Squid leaves it out of the URL of a redirect. */
  readonly inUrl?: boolean;
}

const UNKNOWN = '[unknown]';
const ABSENT = '[not available]';

const SQUIDS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ['a', { value: ({ asker }) => asker?.user, otherwise: '-' }],
  ['A', { value: ({ asker }) => asker?.local?.address, otherwise: UNKNOWN }],
  ['b', { value: ({ asker }) => asker?.local && String(asker.local.port), otherwise: UNKNOWN }],
  ['B', { value: shownUrl, otherwise: '[no URL]', inUrl: false }],
  ['c', { value: ({ squid }) => squid, inUrl: false }],
  ['D', { value: ({ detail }) => detail, otherwise: '[No Error Detail]', inUrl: false }],
  ['e', { value: () => '0' }],
  [
    'E',
    { value: ({ code, detail }) => (ERROR_KINDS[code].side === 'upstream' ? detail : ''), otherwise: '[No Error]' },
  ],
  ['f', { value: () => undefined, otherwise: 'nothing', inUrl: false }],
  ['F', { value: () => undefined, otherwise: 'nothing', inUrl: false }],
  ['g', { value: () => undefined, inUrl: false }],
  ['h', { value: ({ style }) => style?.host, otherwise: UNKNOWN }],
  ['H', { value: ({ asker }) => asker?.host, otherwise: '[unknown host]' }],
  ['i', { value: ({ asker }) => asker?.client, otherwise: UNKNOWN }],
  ['I', { value: ({ asker }) => asker?.peer, otherwise: UNKNOWN }],
  ['l', { value: () => undefined, inUrl: false }],
  ['L', { value: ({ style }) => style?.contact, otherwise: ABSENT, inUrl: false }],
  ['m', { value: ({ status, detail }) => (status === 407 ? detail : ''), otherwise: ABSENT, inUrl: false }],
  ['M', { value: ({ asker }) => asker?.method, otherwise: '[unknown method]' }],
  ['o', { value: ({ message }) => message, otherwise: ABSENT }],
  // Squid leaves this one as it is, for markup; here all is escaped.
  ['O', { value: ({ message }) => message, otherwise: ABSENT }],
  [
    'p',
    { value: ({ asker }) => (asker?.port === undefined ? undefined : String(asker.port)), otherwise: '[unknown port]' },
  ],
  ['P', { value: ({ asker }) => asker?.scheme, otherwise: '[unknown protocol]' }],
  ['R', { value: requestLine, otherwise: '[no request]' }],
  ['s', { value: () => 'sallyport' }],
  ['S', { value: signature, inUrl: false }],
  ['t', { value: () => httpdTime(Date.now()) }],
  ['T', { value: () => new Date().toUTCString() }],
  ['u', { value: shownUrl, otherwise: '[no URL]' }],
  ['U', { value: shownUrl, otherwise: '[no URL]' }],
  ['w', { value: ({ style }) => style?.contact, otherwise: UNKNOWN }],
  ['W', { value: () => undefined, inUrl: false }],
  ['x', { value: ({ code }) => code, otherwise: '[Unknown Error Code]' }],
  ['z', { value: ({ squid, detail }) => (squid === 'ERR_DNS_FAIL' ? detail : ''), otherwise: UNKNOWN, inUrl: false }],
  ['Z', { value: ({ detail }) => detail, otherwise: UNKNOWN, inUrl: false }],
]);

/** What Squid has no letter for. */
const OURS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ['id', { value: ({ id }) => id }],
  ['rule', { value: ({ rule }) => rule }],
  ['at', { value: ({ at }) => at && shownPlace(at) }],
  ['reason', { value: ({ detail }) => detail }],
  ['sentence', { value: ({ sentence }) => sentence }],
  ['code', { value: ({ code }) => code }],
  ['status', { value: ({ status }) => `${status} ${statusPhrase(status)}` }],
  ['message', { value: ({ message }) => message }],
  ['contact', { value: ({ style }) => style?.contact }],
  ['allow', { value: ({ mends = [] }) => mends.map(({ block }) => block).join('\n') }],
  ['where', { value: ({ mends = [] }) => mends.map(({ where }) => where).join('; ') }],
]);

/** Markup and style of ours, which escaping would spoil. */
const MARKUP: ReadonlyMap<string, Ready> = new Map<string, Ready>([
  ['l', () => STYLE],
  ['S', (refusal) => `<p>${escapeHtml(signature(refusal))}</p>`],
  ['W', mailData],
]);

/** What means something else in the URL of a redirect, as in Squid. */
const IN_URL: ReadonlyMap<string, Ready> = new Map<string, Ready>([
  // The path as a path, not as the value of a query.
  ['R', ({ asker }) => (asker?.path ?? '/').replace(/[^\w\-.~!$&'()*+,;=:@/%]/g, escapeUrlPart)],
  // So it was before there were other macros, and so it stands in many a config.
  ['s', ({ url }) => escapeUrlPart(url)],
  ['S', () => 'sallyport'],
]);

const NONE: ReadonlyMap<string, Ready> = new Map();

/** Pages put it into links, and what could not be parsed may be any: `javascript:` is no place to be sent to. */
function shownUrl({ url }: Refusal): string | undefined {
  return /^https?:\/\/|^[^:]*:\d*$|^\[[\da-f:.]*\]:\d*$/i.test(url) ? url : undefined;
}

function signature({ style }: Refusal): string {
  return `Generated ${new Date().toUTCString()} by ${style?.host ?? 'the proxy'} (sallyport)`;
}

/** Of Squid's whole request only the first line: what else it has may be a password (Squid's CVE-2025-62168). */
function requestLine({ asker }: Refusal): string | undefined {
  const { method, path, httpVersion } = asker ?? {};
  if (method === undefined || path === undefined) return path;
  return `${method} ${path} HTTP/${httpVersion ?? '1.1'}`;
}

/** What stands behind the address in a mailto link. */
function mailData({ squid, id, url, asker, style }: Refusal): string {
  if (!style?.contact) return '';
  const lines = [`Error: ${squid}`, `Request: ${id}`, `URL: ${url}`, `Client: ${asker?.client ?? '-'}`];
  return `?subject=${escapeUrlPart(`${squid} at ${style.host}`)}&amp;body=${escapeUrlPart(lines.join('\r\n'))}`;
}

/** Everything but what RFC 3986 section 2.3 leaves unreserved, so that a value stays one value of a query. */
function escapeUrlPart(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
