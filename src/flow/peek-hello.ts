// Waits for a whole ClientHello and leaves it to be read. Called before every handshake with a client.

import type { Inlet } from '../net/inlet.ts';
import { type Peeked, peek } from '../net/peek.ts';
import { classify } from '../wire/classify.ts';
import { type ClientHello, MAX_CLIENT_HELLO, readClientHello } from '../wire/client-hello.ts';

/** What a look at the first bytes gives: a hello, or why it is none. */
export type Hello =
  | { readonly state: 'hello'; readonly hello: ClientHello }
  | { readonly state: 'malformed'; readonly reason: string }
  | { readonly state: 'not-tls'; readonly reason: string };

/** `timeout` in milliseconds. Never rejects. */
export function peekHello(inlet: Inlet, timeout: number): Promise<Peeked<Hello>> {
  return peek<Hello>(
    inlet,
    (bytes) => {
      const kind = classify(bytes);
      // Too few to say what it is are enough to say that it is no TLS.
      if (kind !== 'tls') return { more: false, value: { state: 'not-tls', reason: WHAT[kind] } };
      const reading = readClientHello(bytes);
      return reading.state === 'more' ? { more: true, atLeast: reading.atLeast } : { more: false, value: reading };
    },
    // Room for the record headers too, so that it is the reader who says what is too large.
    { timeout, ceiling: 2 * MAX_CLIENT_HELLO },
  );
}

const OTHER = 'It is no protocol that this proxy knows';
const WHAT = { http: 'It looks like plain HTTP', other: OTHER, more: OTHER } as const;
