// Holds back what a client says in a tunnel that is passed through unread until each of its ClientHellos was looked at: an
// origin may ask for a second one (HelloRetryRequest), and by that one it chooses the site. Called by net/pipe.

import { type ClientHello, MAX_CLIENT_HELLO, readClientHello } from './client-hello.ts';
import { readAnswer } from './server-hello.ts';

export interface HelloGateOptions {
  /** Bytes of a hello that was accepted already; 0 when the client has not said anything yet, and may not speak TLS. */
  readonly accepted: number;
  readonly accept: (hello: ClientHello) => boolean;
}

/** What may go on to the origin now; `refused`: nothing any more, the tunnel is over. */
export type Passed = Uint8Array | 'refused' | undefined;

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const RECORD_HEADER = 5;
/** Enough of an answer, in the smallest records. */
const MOST_ANSWER = 512;
/** A hello, and early data before it (RFC 8446 section 4.2.10). */
const MOST_HELD = 2 * MAX_CLIENT_HELLO;
const NOTHING = new Uint8Array();

export class HelloGate {
  readonly #accept: HelloGateOptions['accept'];
  /**
   * `silent`: nothing was said yet; `accepted`: the accepted hello passes; `first`: a hello comes whose first byte is
   * here; `answer`: the origin has the word; `second`: it has asked for another hello.
   */
  #state: 'silent' | 'accepted' | 'first' | 'answer' | 'second' | 'open';
  #left: number;
  #held: Uint8Array = NOTHING;
  #answer: Uint8Array = NOTHING;

  constructor({ accepted, accept }: HelloGateOptions) {
    this.#accept = accept;
    this.#left = accepted;
    this.#state = accepted > 0 ? 'accepted' : 'silent';
  }

  /** Nothing is held back any more. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** So much is held that the client should not be read. */
  get full(): boolean {
    return this.#held.length >= MAX_CLIENT_HELLO && this.#state === 'answer';
  }

  fromClient(bytes: Uint8Array): Passed {
    if (this.#state === 'open') return bytes;
    if (this.#state === 'accepted') {
      const passed = bytes.subarray(0, this.#left);
      this.#left -= passed.length;
      if (this.#left === 0) this.#state = 'answer';
      if (passed.length < bytes.length) this.#held = bytes.slice(passed.length);
      return passed;
    }
    if (this.#state === 'silent') {
      if (bytes[0] !== HANDSHAKE) return this.#release(bytes);
      this.#state = 'first';
    }
    this.#held = Buffer.concat([this.#held, bytes]);
    return this.#state === 'answer' ? undefined : this.#look();
  }

  /** Looks at what the origin says, which goes to the client whatever it is. */
  fromOrigin(bytes: Uint8Array): Passed {
    if (this.#state !== 'accepted' && this.#state !== 'answer') return undefined;
    const piece = bytes.subarray(0, MOST_ANSWER);
    const said = this.#answer.length === 0 ? piece : Buffer.concat([this.#answer, piece]);
    const answer = said.length > MOST_ANSWER ? 'other' : readAnswer(said);
    if (answer === 'more') {
      // A copy, since whoever reads uses the buffer of a piece again.
      this.#answer = Uint8Array.from(said);
      return undefined;
    }
    if (answer === 'other') return this.#release(this.#held);
    this.#state = 'second';
    return this.#look();
  }

  #look(): Passed {
    const at = helloAt(this.#held);
    const reading = at === undefined ? undefined : readClientHello(this.#held.subarray(at));
    if (at === undefined || reading === undefined || reading.state === 'more') {
      return this.#held.length > MOST_HELD ? 'refused' : undefined;
    }
    if (reading.state === 'malformed' || !this.#accept(reading.hello)) return 'refused';
    // After a second one the origin may not ask again.
    if (this.#state === 'second') return this.#release(this.#held);
    const end = at + reading.hello.length;
    const passed = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end);
    this.#state = 'answer';
    return passed;
  }

  #release(bytes: Uint8Array): Uint8Array {
    this.#state = 'open';
    this.#held = NOTHING;
    this.#answer = NOTHING;
    return bytes;
  }
}

/** Where the first handshake record begins, behind what may come before a second hello; undefined when it is not here. */
function helloAt(bytes: Uint8Array): number | undefined {
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at] ?? 0;
    // Anything else makes no hello, which is for its reader to say.
    if (type < CHANGE_CIPHER_SPEC || type === HANDSHAKE || type > APPLICATION_DATA) return at;
    if (bytes.length < at + RECORD_HEADER) return undefined;
    at += RECORD_HEADER + (((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
  }
  return undefined;
}
