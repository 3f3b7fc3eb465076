// Says one head to a parent proxy and reads the head of its answer, by the same strict reader as an origin's. What came
// behind the head stays on the socket. Called by net/parent.

import type { Socket } from 'node:net';
import { type ReplyHead, readReplyHead } from '../wire/http-head.ts';

export type ParentAnswer =
  | { readonly outcome: 'answer'; readonly head: ReplyHead }
  | { readonly outcome: 'late' }
  /** It said something that is no answer, or went away. */
  | { readonly outcome: 'none'; readonly reason: string };

/** Interim replies before the answer: a parent could send them for ever. */
const MAX_INTERIM = 10;

/** On a socket that nobody reads; it is left paused. `timeout` in milliseconds. Never rejects, never closes. */
export function askParent(socket: Socket, words: string, timeout: number): Promise<ParentAnswer> {
  return new Promise((resolve) => {
    const reader = new AnswerReader();
    const settle = (answer: ParentAnswer): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onGone).off('close', onGone).pause();
      if (answer.outcome === 'answer' && reader.rest.length > 0) socket.unshift(reader.rest);
      resolve(answer);
    };
    const onGone = (): void => settle({ outcome: 'none', reason: 'it closed the connection without an answer' });
    const onData = (piece: Buffer): void => {
      const answer = reader.read(piece);
      if (answer) settle(answer);
    };
    const timer = setTimeout(() => settle({ outcome: 'late' }), timeout);
    if (socket.destroyed) {
      onGone();
      return;
    }
    socket.on('data', onData).on('end', onGone).on('close', onGone);
    socket.write(words, 'latin1');
    socket.resume();
  });
}

const NOTHING = Buffer.alloc(0);

class AnswerReader {
  /** What has come and is not read: behind the answer, once there is one. */
  rest: Buffer = NOTHING;
  #seen = 0;
  #interim = 0;

  /** Undefined: more must come. */
  read(piece: Buffer): ParentAnswer | undefined {
    this.rest = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece]);
    while (this.rest.length > 0) {
      const reading = readReplyHead(this.rest, this.#seen);
      if (reading.state === 'more') {
        this.#seen = this.rest.length;
        return undefined;
      }
      if (reading.state === 'too-large') return none('the head of its answer is too long');
      if (reading.state === 'malformed') return none(`its answer is none: ${reading.reason}`);
      const { head, length } = reading;
      this.#seen = 0;
      this.rest = this.rest.subarray(length);
      if (head.status >= 200) return { outcome: 'answer', head };
      this.#interim += 1;
      // 101 would leave HTTP, which nobody asked for.
      if (head.status === 101 || this.#interim > MAX_INTERIM) return none('it sends interim replies only');
    }
    return undefined;
  }
}

const none = (reason: string): ParentAnswer => ({ outcome: 'none', reason });
