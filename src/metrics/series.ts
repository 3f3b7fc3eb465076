// Every series there is: its name, its kind, its labels, and what it says. tally.ts and flow/measure fill them, measures.ts
// adds them up, admin/ prints them. No label holds what clients choose (hosts, URLs, users): their number must stay small.

export interface Series {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** What the words of a key stand for, in turn; the last takes the rest of the key, spaces and all. */
  readonly labels: readonly string[];
  readonly help: string;
}

export const SERIES = {
  accepted: counter('client_connections_total', 'Connections accepted from clients.'),
  transactions: counter('transactions_total', 'Transactions that ended, one for each access log line.', 'outcome'),
  requests: counter('requests_total', 'Requests that ended: CONNECTs, and requests in the clear or decrypted.', 'kind'),
  responses: counter('responses_total', 'Transactions by the class of the status sent; none where none was.', 'class'),
  connects: counter('connects_total', 'CONNECTs that ended, by what was done with their TLS.', 'tls'),
  rules: counter('rule_decisions_total', 'Decisions of the policy by rule.', 'action', 'rule'),
  refusals: counter('refusals_total', 'Transactions that this proxy refused, by reason.', 'reason'),
  errors: counter('errors_total', 'Transactions that ended with an error, by whose doing it was.', 'side', 'code'),
  rejections: counter('client_rejections_total', 'Clients that rejected our certificate.', 'confidence'),
  exceptions: counter('exceptions_total', 'CONNECTs passed unread although their rule says bump.', 'reason'),
  parents: counter('hierarchy_total', 'Transactions by where the answer came from.', 'code'),
  received: counter('client_received_bytes_total', 'Bytes of bodies and tunnels taken from clients.'),
  sent: counter('client_sent_bytes_total', 'Bytes sent to clients, reply headers included.'),
  upstreamReceived: counter('upstream_received_bytes_total', 'Of the bytes sent to clients, those of origins.'),
  handshakes: counter('client_handshakes_total', 'TLS handshakes with clients.', 'outcome'),
  leaves: counter('leaf_cache_requests_total', 'Leaf certificates asked of the cache.', 'result'),
  names: counter('dns_cache_requests_total', 'Names asked of the resolver; local is the hosts map or file.', 'result'),
  dials: counter('upstream_connects_total', 'Connections dialled to origins and parents.', 'result'),
  verifications: counter('upstream_handshakes_total', 'TLS handshakes with origins; ok or the error.', 'result'),
  verificationFailures: counter(
    'upstream_verification_failures_total',
    'Origins that have not proven who they are.',
    'reason',
  ),
  logLines: counter('log_lines_total', 'Lines of the access log that were to be kept, all its files together.'),
  logLost: counter('log_lines_lost_total', 'Lines of the access log that could not be kept.'),
  cpu: counter('cpu_seconds_total', 'Processor time of all processes of the proxy.', 'mode'),
  workerExits: counter('worker_exits_total', 'Workers that ended, those told to included.'),

  connections: gauge('client_connections', 'Connections of clients that are open.'),
  waiting: gauge('client_connections_waiting', 'Connections of clients that wait for a place.'),
  tunnels: gauge('tunnels', 'Tunnels that are open.', 'kind'),
  inProgress: gauge('requests_in_progress', 'Requests under way, tunnels left out.'),
  upstreams: gauge('upstream_connections', 'Connections to origins kept for requests, idle and in use.'),
  leafEntries: gauge('leaf_cache_entries', 'TLS contexts with a minted leaf that are held.'),
  leafBytes: gauge('leaf_cache_bytes', 'Memory that they count for.'),
  nameEntries: gauge('dns_cache_entries', 'Names that the resolver remembers.'),
  logWaiting: gauge('log_waiting_bytes', 'Bytes of log lines that are printed and not in their file yet.'),
  logFailing: gauge('log_failing', 'Log files that cannot be written to now.'),
  resident: gauge('resident_memory_bytes', 'Memory of all processes of the proxy.'),
  heap: gauge('heap_used_bytes', 'Memory that their JavaScript objects take.'),
  descriptors: gauge('open_fds', 'File descriptors that are open, all processes together.'),
  mostDescriptors: gauge('max_fds', 'File descriptors that they may open.'),
} as const satisfies Record<string, Series>;

export type SeriesKey = keyof typeof SERIES;

/** Durations, each counted in buckets. */
export const DURATIONS = {
  request: duration('request_duration_seconds', 'Requests from their first byte to the end of the reply, no CONNECTs.'),
  firstByte: duration('upstream_first_byte_seconds', 'From the request sent on to the first byte of the reply.'),
  mint: duration('leaf_mint_duration_seconds', 'Making a leaf certificate and its TLS context.'),
  clientHandshake: duration('client_handshake_duration_seconds', 'TLS handshakes with clients that came to an end.'),
  upstreamHandshake: duration('upstream_handshake_duration_seconds', 'TLS handshakes with origins that were verified.'),
  dial: duration('upstream_connect_duration_seconds', 'Dials to origins and parents that were answered.'),
  dns: duration('dns_lookup_duration_seconds', 'Questions to name servers.'),
  lag: duration('event_loop_lag_seconds', 'How late a timer was, looked at ten times a second in each process.'),
} as const satisfies Record<string, Pick<Series, 'name' | 'help'>>;

export type DurationKey = keyof typeof DURATIONS;

function counter(name: string, help: string, ...labels: string[]): Series {
  return { name: `sallyport_${name}`, type: 'counter', labels, help };
}

function gauge(name: string, help: string, ...labels: string[]): Series {
  return { name: `sallyport_${name}`, type: 'gauge', labels, help };
}

function duration(name: string, help: string): Pick<Series, 'name' | 'help'> {
  return { name: `sallyport_${name}`, help };
}
