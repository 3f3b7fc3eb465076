// CONNECTs as they were read and judged the last time: a client asks for the same host in the same words for each of its
// connections. Called by http/conversation with what came first.

import type { Authority } from '../core/authority.ts';
import { Memo } from '../core/memo.ts';
import { type RequestHead, readRequestHead } from '../wire/http-head.ts';
import { type Admission, admitConnect } from './admission.ts';

/** One that has nothing behind it; `admitted` as of `admitConnect`. */
export interface KnownConnect {
  readonly head: RequestHead;
  readonly admitted: Admission<Authority>;
}

/** Those of so many hosts and kinds of clients; of one head no more than so many bytes. */
const MOST_KNOWN = 512;
const MOST_BYTES = 1_024;
const [C, O, LF] = [0x43, 0x4f, 10];

const known = new Memo<KnownConnect>(MOST_KNOWN);

/** Undefined: it is to be read as any other, since it is no CONNECT, not whole, more than that, or none at all. */
export function readConnect(bytes: Buffer): KnownConnect | undefined {
  const { length } = bytes;
  // No other method begins so, but for COPY.
  if (length > MOST_BYTES || bytes[0] !== C || bytes[1] !== O || bytes[length - 1] !== LF) return undefined;
  const text = bytes.toString('latin1');
  const before = known.get(text);
  if (before) return before;
  const reading = readRequestHead(bytes);
  if (reading.state !== 'head' || reading.length !== length || reading.head.method !== 'CONNECT') return undefined;
  const { head } = reading;
  const connect = { head, admitted: admitConnect(head) };
  if (connect.admitted.ok && hasNoSecrets(head)) known.set(text, connect);
  return connect;
}

/** Fields that clients send with a CONNECT. Others may hold a password, which is kept no longer than it is needed. */
const HARMLESS: ReadonlySet<string> = new Set(['host', 'user-agent', 'connection', 'proxy-connection', 'accept']);

function hasNoSecrets({ rawHeaders }: RequestHead): boolean {
  return rawHeaders.every((text, at) => at % 2 === 1 || HARMLESS.has(text.toLowerCase()));
}
