// Answers a CONNECT with 200 and waits for what the client says first. Called by flow/open-tunnel, whatever was decided.

import { ProxyError } from '../core/errors.ts';
import type { Tunnel } from '../core/session.ts';
import type { Connection } from '../http/connection.ts';
import { peekError } from '../net/peek.ts';
import { type Hello, peekHello } from './peek-hello.ts';
import type { Services } from './services.ts';

/** What the client said first; `silent`: nothing yet, where the server may be the one to speak first. */
export type FirstWords = Hello | 'silent';

/** Milliseconds that a tunnel which need not be TLS waits for the client to speak first; else the server does. */
const SERVER_SPEAKS_FIRST = 1_000;

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n', 'latin1');

/** Undefined when the connection has ended here; then it is closed and told. */
export async function awaitHello(
  services: Services,
  connection: Connection,
  tunnel: Tunnel,
): Promise<FirstWords | undefined> {
  const { socket, inlet, session, answer } = connection;
  const { decision } = tunnel;
  if (answer) answer.establish();
  else socket.write(ESTABLISHED);
  tunnel.answered = true;
  const mayBeSilent = decision.action === 'allow' && decision.tls === 'tunnel';
  const peeked = await peekHello(inlet, mayBeSilent ? SERVER_SPEAKS_FIRST : services.limits.handshakeTimeout);
  if (peeked.seen === 'value') return peeked.value;
  if (peeked.seen === 'timeout' && mayBeSilent && !socket.destroyed) return 'silent';
  socket.destroy();
  const told = { by: session, tag: 'NONE_NONE', suffix: 'ABORTED', status: 200, bytes: 0 } as const;
  const late = peeked.seen === 'timeout';
  // Who waits for the server to speak first (SMTP, FTP, MySQL) says nothing.
  const failure = late && peeked.bytes === 0 ? new ProxyError('hello-timeout', SILENT) : peekError(peeked);
  services.journal.tellConnect(tunnel, { ...told, outcome: late ? 'timed_out' : 'aborted', failure });
  return undefined;
}

const MEND = 'only a rule with tls: tunnel lets through what is not TLS';
const SILENT = `The client said nothing; ${MEND}.`;

/** Why the first words are no hello. */
export function notTls(words: Exclude<FirstWords, { state: 'hello' }>): ProxyError {
  if (words === 'silent') return new ProxyError('not-tls', SILENT);
  if (words.state === 'malformed') return new ProxyError('hello-malformed', `${words.reason}.`);
  return new ProxyError('not-tls', `${words.reason}; ${MEND}.`);
}
