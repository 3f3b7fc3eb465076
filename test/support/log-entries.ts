// One access log entry for every outcome of the log contract, with the exact line Squid's native format has for it.
// Used by the tests and benches of log/ and by the tests against real log readers.

import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';

/** 22 November 2026, 06:47:00.042 UTC. */
export const TIME = 1_795_330_020_042;

export function makeEntry(facts: Partial<AccessLogEntry> = {}): AccessLogEntry {
  return {
    time: TIME,
    elapsed: 12,
    client: '10.20.0.7',
    tag: 'TCP_MISS',
    status: 200,
    bytes: 1512,
    method: 'GET',
    url: 'https://api.example.com/v2/items',
    hierarchy: 'HIER_DIRECT',
    peer: '192.0.2.10',
    contentType: 'application/json',
    httpVersion: '1.1',
    outcome: 'forwarded',
    session: 's-1',
    ...facts,
  };
}

const CONNECT = { method: 'CONNECT', url: 'api.example.com:443', contentType: '' } as const;
const NO_ORIGIN = { hierarchy: 'HIER_NONE', peer: '' } as const;
const BUMPED = { ...CONNECT, tag: 'NONE_NONE', bytes: 0, outcome: 'bumped' } as const;
const PAGE = { contentType: 'text/html;charset=utf-8' } as const;

export interface LoggedOutcome {
  readonly name: string;
  readonly entry: AccessLogEntry;
  readonly line: string;
}

const at = (name: string, facts: Partial<AccessLogEntry>, rest: string): LoggedOutcome => ({
  name,
  entry: makeEntry(facts),
  line: `1795330020.042     12 10.20.0.7 ${rest}`,
});

export const LOGGED_OUTCOMES: readonly LoggedOutcome[] = [
  at('bumped CONNECT', BUMPED, 'NONE_NONE/200 0 CONNECT api.example.com:443 - HIER_DIRECT/192.0.2.10 -'),
  at(
    'request inside a bump, with a query',
    { url: 'https://api.example.com/v2/items?token=secret', contentType: 'application/json; charset=utf-8' },
    'TCP_MISS/200 1512 GET https://api.example.com/v2/items? - HIER_DIRECT/192.0.2.10 application/json',
  ),
  at(
    'CONNECT bumped before the origin was dialled',
    { ...BUMPED, ...NO_ORIGIN },
    'NONE_NONE/200 0 CONNECT api.example.com:443 - HIER_NONE/- -',
  ),
  at(
    'spliced',
    { ...CONNECT, tag: 'TCP_TUNNEL', bytes: 5120, outcome: 'spliced' },
    'TCP_TUNNEL/200 5120 CONNECT api.example.com:443 - HIER_DIRECT/192.0.2.10 -',
  ),
  at(
    'terminated',
    { ...CONNECT, ...NO_ORIGIN, tag: 'NONE_NONE', status: 0, bytes: 0, outcome: 'terminated' },
    'NONE_NONE/000 0 CONNECT api.example.com:443 - HIER_NONE/- -',
  ),
  at(
    'CONNECT denied with a page inside: the CONNECT',
    { ...CONNECT, ...NO_ORIGIN, tag: 'TCP_DENIED', bytes: 0, outcome: 'denied' },
    'TCP_DENIED/200 0 CONNECT api.example.com:443 - HIER_NONE/- -',
  ),
  at(
    'CONNECT denied with a page inside: the page',
    { ...NO_ORIGIN, ...PAGE, tag: 'NONE_NONE', status: 403, bytes: 3900, outcome: 'denied' },
    'NONE_NONE/403 3900 GET https://api.example.com/v2/items - HIER_NONE/- text/html',
  ),
  at(
    'CONNECT denied by a 403',
    { ...CONNECT, ...NO_ORIGIN, ...PAGE, tag: 'TCP_DENIED', status: 403, bytes: 3900, outcome: 'denied' },
    'TCP_DENIED/403 3900 CONNECT api.example.com:443 - HIER_NONE/- text/html',
  ),
  at(
    'inner URL denied',
    { ...NO_ORIGIN, ...PAGE, tag: 'TCP_DENIED', status: 403, bytes: 3900, outcome: 'denied' },
    'TCP_DENIED/403 3900 GET https://api.example.com/v2/items - HIER_NONE/- text/html',
  ),
  at(
    'credentials wanted',
    { ...CONNECT, ...NO_ORIGIN, ...PAGE, tag: 'TCP_DENIED', status: 407, bytes: 4100, outcome: 'denied' },
    'TCP_DENIED/407 4100 CONNECT api.example.com:443 - HIER_NONE/- text/html',
  ),
  at(
    'client rejected our certificate',
    { ...BUMPED, suffix: 'ABORTED', outcome: 'client_rejected_certificate', alert: 'unknown_ca' },
    'NONE_NONE_ABORTED/200 0 CONNECT api.example.com:443 - HIER_DIRECT/192.0.2.10 -',
  ),
  at(
    'origin with a bad certificate',
    { ...NO_ORIGIN, ...PAGE, tag: 'NONE_NONE', status: 503, bytes: 4000, outcome: 'failed' },
    'NONE_NONE/503 4000 GET https://api.example.com/v2/items - HIER_NONE/- text/html',
  ),
  at(
    'splice to an origin that refuses',
    { ...CONNECT, tag: 'NONE_NONE', status: 503, bytes: 0, outcome: 'failed' },
    'NONE_NONE/503 0 CONNECT api.example.com:443 - HIER_DIRECT/192.0.2.10 -',
  ),
  at(
    'plain request to an origin that refuses',
    { ...PAGE, tag: 'TCP_MISS', status: 503, bytes: 4000, url: 'http://api.example.com/', outcome: 'failed' },
    'TCP_MISS/503 4000 GET http://api.example.com/ - HIER_DIRECT/192.0.2.10 text/html',
  ),
  at(
    'client aborted before the reply',
    { suffix: 'ABORTED', status: 0, bytes: 0, contentType: '', outcome: 'aborted' },
    'TCP_MISS_ABORTED/000 0 GET https://api.example.com/v2/items - HIER_DIRECT/192.0.2.10 -',
  ),
  at(
    'client aborted within the body',
    { suffix: 'ABORTED', bytes: 9000, outcome: 'aborted' },
    'TCP_MISS_ABORTED/200 9000 GET https://api.example.com/v2/items - HIER_DIRECT/192.0.2.10 application/json',
  ),
  at(
    'CONNECT and then nothing',
    { ...BUMPED, ...NO_ORIGIN, suffix: 'ABORTED', outcome: 'aborted' },
    'NONE_NONE_ABORTED/200 0 CONNECT api.example.com:443 - HIER_NONE/- -',
  ),
  {
    name: 'no bytes at all',
    entry: noMethod({
      ...NO_ORIGIN,
      tag: 'NONE_NONE',
      status: 0,
      bytes: 0,
      url: 'error:transaction-end-before-headers',
      contentType: '',
      outcome: 'no_request',
    }),
    line: '1795330020.042     12 10.20.0.7 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -',
  },
  {
    name: 'garbage',
    entry: noMethod({
      ...NO_ORIGIN,
      ...PAGE,
      tag: 'NONE_NONE',
      status: 400,
      url: 'error:invalid-request',
      outcome: 'malformed',
    }),
    line: '1795330020.042     12 10.20.0.7 NONE_NONE/400 1512 - error:invalid-request - HIER_NONE/- text/html',
  },
  at(
    'WebSocket',
    { tag: 'TCP_TUNNEL', status: 101, contentType: '' },
    'TCP_TUNNEL/101 1512 GET https://api.example.com/v2/items - HIER_DIRECT/192.0.2.10 -',
  ),
  {
    name: 'bytes that are not TLS, let through',
    entry: noMethod({ tag: 'TCP_TUNNEL', url: 'api.example.com:443', contentType: '', outcome: 'tunnelled' }),
    line: '1795330020.042     12 10.20.0.7 TCP_TUNNEL/200 1512 - api.example.com:443 - HIER_DIRECT/192.0.2.10 -',
  },
  at(
    'request with credentials',
    { user: 'build agent' },
    'TCP_MISS/200 1512 GET https://api.example.com/v2/items build%20agent HIER_DIRECT/192.0.2.10 application/json',
  ),
  {
    name: 'IPv6 on both sides, a long tunnel',
    entry: makeEntry({
      ...CONNECT,
      tag: 'TCP_TUNNEL',
      client: '2001:db8::7',
      peer: '2001:db8::443',
      elapsed: 86_400_000,
    }),
    line: '1795330020.042 86400000 2001:db8::7 TCP_TUNNEL/200 1512 CONNECT api.example.com:443 - HIER_DIRECT/2001:db8::443 -',
  },
];

function noMethod(facts: Partial<AccessLogEntry>): AccessLogEntry {
  const { method: _method, ...entry } = makeEntry(facts);
  return entry;
}
