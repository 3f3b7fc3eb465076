// Every code of a Squid logformat, and what it reads of an entry (features.md section L; Squid 5.7 measured). Called by
// layout.ts. What there is no such thing as here (ident, ICAP, a cache) is a code all the same, so that the formats of an
// installation that moves over still load.

import { ERROR_KINDS } from '../core/error-kinds.ts';
import type { PrintedEntry } from './access-log-entry.ts';
import { noteOf, notesOf } from './entry-notes.ts';
import { flawWord } from './flaw-words.ts';
import { elementOf, loggedField, loggedFields, wholeUrl } from './logged-field.ts';
import { loggedUrl } from './logged-url.ts';
import type { Particular } from './particulars.ts';
import { strftime, unknownConversion } from './strftime.ts';
import { mediaType, resultTag } from './text-line.ts';
import { bumpMode, cipherName, versionName, versionOf } from './tls-words.ts';

export type Value = string | number | undefined;
export type Read = (entry: PrintedEntry) => Value;

export interface Code {
  readonly read?: Read;
  /** For a code whose argument says what to read. */
  readonly reader?: (argument: string) => Read;
  /** Why an argument cannot be; what has neither this nor `reader` takes none and ignores it, as Squid does. */
  readonly check?: (argument: string) => string | undefined;
  readonly needs?: Particular;
  /** How it is spelled where nothing is asked for: as an URL, as a word without a space; else as it is. */
  readonly spelling?: 'url' | 'pass' | 'word';
  /** Nothing here has it: why. */
  readonly absent?: string;
}

const CLOCK = '%d/%b/%Y:%H:%M:%S %z';
const NO_IDENT = 'nobody is asked by ident';
const NO_HELPER = 'there are no external ACL helpers';
const NO_MARKS = 'packets are not marked';
const NO_ADAPTATION = 'there is no ICAP and no eCAP';
const PASSWORDS = 'passwords are never logged';

const form = (entry: PrintedEntry): 'url' | 'authority' => (entry.method === 'CONNECT' ? 'authority' : 'url');
const SPLIT = /^([A-Za-z][\w+.-]*):\/\/(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?(.*)$/s;
const AUTHORITY = /^(\[[^\]]*\]|[^:]*):(\d+)$/;
const PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** The parts of the URL as it is logged: without user, without the query. */
function parts(entry: PrintedEntry): { scheme?: string; host?: string; port?: string; path?: string } {
  const url = loggedUrl(entry.url, form(entry));
  if (form(entry) === 'authority') {
    const [, host, port] = AUTHORITY.exec(url) ?? [];
    return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
  }
  const [, scheme = '', host = '', port, path = ''] = SPLIT.exec(url) ?? [];
  if (scheme === '') return {};
  return { scheme, host, port: port ?? PORTS[scheme] ?? '', path: path === '' ? '/' : path };
}

const asSent =
  (read: Read): Read =>
  (entry) =>
    entry.hierarchy === 'HIER_NONE' ? undefined : read(entry);
const url: Read = (entry) => loggedUrl(entry.url, form(entry)) || undefined;
const path: Read = (entry) => parts(entry).path;
const method: Read = (entry) => entry.method;
const user: Read = ({ user }) => user;
const version: Read = ({ httpVersion }) => httpVersion ?? '0.0';
const clock = (zone: 'local' | 'utc') => ({
  read: (entry: PrintedEntry) => strftime(CLOCK, entry.time, zone),
  reader: (format: string) => (entry: PrintedEntry) => strftime(format, entry.time, zone),
  check: (format: string) => {
    const unknown = unknownConversion(format);
    return unknown === undefined ? undefined : `strftime has no "${unknown}"`;
  },
});

/** `name`, `name:element`, `name:;element`: what stands before the element separates the items. */
const FIELD = /^([^:]+)(?::([^\w\s]?)(.*))?$/s;

const fields = (needs: 'request' | 'reply'): Code => {
  const listOf = ({ more }: PrintedEntry): readonly string[] | undefined =>
    needs === 'request' ? more?.requestFields : more?.replyFields;
  return {
    needs,
    spelling: 'pass',
    read: (entry) => loggedFields(listOf(entry) ?? []),
    check: (argument) => (FIELD.test(argument) ? undefined : 'a field name was expected'),
    reader: (argument) => {
      const [, name = '', separator = '', element = ''] = FIELD.exec(argument) ?? [];
      const lower = name.toLowerCase();
      return (entry) => {
        const value = loggedField(listOf(entry) ?? [], lower);
        return value === undefined || element === '' ? value : elementOf(value, element, separator || ',');
      };
    },
  };
};

/** Bytes of a request from its line to the end of its body. */
const requestSize: Read = ({ more, bytesIn }) => (more?.requestHead ?? 0) + (bytesIn ?? 0);

const squidError: Read = ({ error, action }) => {
  if (error !== undefined) return ERROR_KINDS[error].squid;
  return action === 'deny' ? 'ERR_ACCESS_DENIED' : undefined;
};
/** Where it is in the chain is not known: the leaf's place, as of most. One at a time, so that nothing is to be separated. */
const certificateErrors: Read = (entry) => {
  const word = flawWord(entry);
  return word && `${word}@depth=0`;
};
const id = (text: string): number => Number.parseInt(text.slice(text.lastIndexOf('-') + 1), 36);

const absent = (why: string): Code => ({ read: () => undefined, absent: why });

export const CODES: Readonly<Record<string, Code>> = {
  // The entry itself. `sn` is counted by layout.ts, for each log by itself.
  sn: { read: () => undefined },
  err_code: { read: squidError },
  err_detail: { read: (entry) => flawWord(entry) ?? entry.error },
  note: { read: notesOf, reader: (name) => (entry) => noteOf(entry, name), spelling: 'pass' },
  master_xaction: { read: ({ session, tunnel, exchange }) => id(exchange ?? tunnel ?? session) },

  // Connections.
  '>a': { read: ({ client }) => client },
  '>A': { read: ({ client }) => client },
  '>p': { read: ({ more }) => more?.clientPort, needs: 'ends' },
  '>eui': absent('addresses of network cards are not asked for'),
  '>la': { read: ({ more }) => more?.local?.address, needs: 'ends' },
  '>lp': { read: ({ more }) => more?.local?.port, needs: 'ends' },
  la: { read: ({ more }) => more?.local?.address, needs: 'ends' },
  lp: { read: ({ more }) => more?.local?.port, needs: 'ends' },
  '>qos': absent(NO_MARKS),
  '>nfmark': absent(NO_MARKS),
  '>handshake': absent('first bytes of clients are not kept'),
  '<a': { read: ({ peer }) => peer },
  '<A': { read: (entry) => (entry.peer ? (entry.parent ?? parts(entry).host) : undefined) },
  '<p': { read: ({ more }) => more?.serverPort, needs: 'ends' },
  '<la': { read: ({ more }) => more?.serverLocal?.address, needs: 'ends' },
  '<lp': { read: ({ more }) => more?.serverLocal?.port, needs: 'ends' },
  '<qos': absent(NO_MARKS),
  '<nfmark': absent(NO_MARKS),

  // Time.
  ts: { read: ({ time }) => Math.floor(time / 1000) },
  tu: { read: ({ time }) => Math.trunc(time) % 1000 },
  tl: clock('local'),
  tg: clock('utc'),
  tr: { read: ({ elapsed }) => Math.trunc(elapsed) },
  dt: { read: ({ timings }) => (timings?.dns === undefined ? undefined : Math.round(timings.dns)) },
  tS: { read: ({ time, elapsed }) => ((Math.trunc(time) - Math.trunc(elapsed)) / 1000).toFixed(3) },

  // Who is asking.
  un: { read: user, spelling: 'word' },
  ul: { read: user, spelling: 'word' },
  us: {
    read: ({ more }) => /(?:^|\/|, ?)CN=([^/,]+)/.exec(more?.clientNames?.subject ?? '')?.[1],
    needs: 'certificates',
  },
  ui: absent(NO_IDENT),
  ue: absent(NO_HELPER),
  et: absent(NO_HELPER),
  ea: absent(NO_HELPER),
  credentials: absent(PASSWORDS),

  // The request.
  rm: { read: method, spelling: 'word' },
  '>rm': { read: method, spelling: 'word' },
  '<rm': { read: method, spelling: 'word' },
  ru: { read: url, spelling: 'url' },
  '>ru': { read: (entry) => wholeUrl(entry.url, form(entry)) || undefined, spelling: 'url' },
  '<ru': { read: asSent(url), spelling: 'url' },
  '>rs': { read: (entry) => parts(entry).scheme },
  '<rs': { read: asSent((entry) => parts(entry).scheme) },
  '>rd': { read: (entry) => parts(entry).host, spelling: 'url' },
  '<rd': { read: asSent((entry) => parts(entry).host), spelling: 'url' },
  '>rP': { read: (entry) => parts(entry).port },
  '<rP': { read: asSent((entry) => parts(entry).port) },
  rp: { read: path, spelling: 'url' },
  '>rp': { read: path, spelling: 'url' },
  '<rp': { read: asSent(path), spelling: 'url' },
  rv: { read: version, spelling: 'word' },
  '>rv': { read: version, spelling: 'word' },
  '<rv': { read: asSent(version), spelling: 'word' },
  '>h': fields('request'),
  '>ha': fields('request'),

  // The reply.
  '<h': fields('reply'),
  '>Hs': { read: ({ status }) => status },
  Hs: { read: ({ status }) => status },
  '<Hs': { read: ({ more }) => more?.originStatus, needs: 'reply' },
  mt: { read: ({ contentType }) => mediaType(contentType ?? '') || undefined, spelling: 'word' },

  // Sizes.
  st: { read: (entry) => Number(requestSize(entry)) + entry.bytes, needs: 'request' },
  '>st': { read: requestSize, needs: 'request' },
  '<st': { read: ({ bytes }) => bytes },
  '>sh': { read: ({ more }) => more?.requestHead ?? 0, needs: 'request' },
  '<sh': { read: ({ more }) => more?.replyHead ?? 0, needs: 'reply' },
  '<sH': { read: (entry) => bodySize(entry), needs: 'reply' },
  '<sS': { read: (entry) => bodySize(entry), needs: 'reply' },
  '<bs': { read: (entry) => (entry.more?.originStatus === undefined ? undefined : bodySize(entry)), needs: 'reply' },

  // Durations on the origin's side.
  '<pt': { read: ({ timings }) => (timings?.firstByte === undefined ? undefined : Math.round(timings.firstByte)) },
  '<tt': { read: (entry) => (entry.hierarchy === 'HIER_NONE' ? undefined : serverTime(entry)) },

  Ss: { read: resultTag },
  Sh: { read: ({ hierarchy }) => hierarchy },

  // TLS.
  'ssl::bump_mode': { read: bumpMode },
  'ssl::>sni': { read: ({ sni }) => sni, spelling: 'word' },
  'ssl::>cert_subject': { read: ({ more }) => more?.clientNames?.subject, needs: 'certificates' },
  'ssl::>cert_issuer': { read: ({ more }) => more?.clientNames?.issuer, needs: 'certificates' },
  'ssl::<cert_subject': { read: ({ more }) => more?.serverNames?.subject, needs: 'certificates' },
  'ssl::<cert_issuer': { read: ({ more }) => more?.serverNames?.issuer, needs: 'certificates' },
  'ssl::<cert': absent('certificates are longer than a record'),
  'ssl::<cert_errors': { read: certificateErrors, reader: () => certificateErrors },
  'ssl::>negotiated_version': { read: ({ clientTls }) => clientTls && versionName(clientTls.version) },
  'ssl::<negotiated_version': { read: ({ upstreamTls }) => upstreamTls && versionName(upstreamTls.version) },
  'ssl::>received_hello_version': { read: ({ more }) => versionOf(more?.versions, 'hello'), needs: 'hello' },
  'ssl::<received_hello_version': {
    read: ({ upstreamTls }) => upstreamTls && versionName(upstreamTls.version.replace('1.3', '1.2')),
  },
  'ssl::>received_supported_version': { read: ({ more }) => versionOf(more?.versions, 'best'), needs: 'hello' },
  'ssl::<received_supported_version': { read: ({ upstreamTls }) => upstreamTls && versionName(upstreamTls.version) },
  'ssl::>negotiated_cipher': { read: ({ clientTls }) => clientTls && cipherName(clientTls.cipher) },
  'ssl::<negotiated_cipher': { read: ({ upstreamTls }) => upstreamTls && cipherName(upstreamTls.cipher) },

  'icap::tt': absent(NO_ADAPTATION),
  'icap::tr': absent(NO_ADAPTATION),
  'icap::<last_h': absent(NO_ADAPTATION),
  'adapt::<last_h': absent(NO_ADAPTATION),
  'adapt::sum_trs': absent(NO_ADAPTATION),
  'adapt::all_trs': absent(NO_ADAPTATION),
  'proxy_protocol::>h': absent('of the PROXY header only the client is kept: %>a and %>p'),
  'transport::>connection_id': { read: ({ session }) => id(session) },
};

/** The longest first, since the begin of many is another one. */
export const CODE_NAMES: readonly string[] = Object.keys(CODES).sort((one, other) => other.length - one.length);

const bodySize = ({ bytes, more }: PrintedEntry): number => Math.max(0, bytes - (more?.replyHead ?? 0));

function serverTime({ timings, elapsed }: PrintedEntry): number {
  const before = timings?.dns ?? 0;
  return Math.max(0, Math.trunc(elapsed - before));
}
