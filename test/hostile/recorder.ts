// A raw origin that keeps every byte it gets, in the clear or inside TLS, and answers each whole request as it is told.

import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { listening, type Origin, tcpOrigin } from '../support/origin.ts';
import type { Pair } from '../support/test-ca.ts';
import { type ReadMessage, readRequests } from './read-messages.ts';

export interface Recorder extends Origin {
  /** All that came, by connection, in Latin-1. */
  readonly conversations: readonly string[];
  /** What came since the last `forget`, by connection. */
  fresh(): string[];
  /** All of it in one. */
  bytes(): string;
  /** The whole requests since the last `forget`, over all connections; throws when there is anything else. */
  requests(): ReadMessage[];
  forget(): void;
  /** Sends something on the connection that was last heard on: workers keep one each. */
  push(text: string): void;
  /** What is sent when a request is whole; the target as body without it. */
  answer: (request: ReadMessage, socket: Socket) => void;
}

export const plainAnswer = (request: ReadMessage, socket: Socket): void => {
  const body = request.line.split(' ')[1] ?? '';
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(request.line.startsWith('HEAD ') ? head : `${head}${body}`, 'latin1');
};

/** With a `pair` the origin speaks TLS. */
export async function record(address: string, pair?: Pair): Promise<Recorder> {
  const conversations: string[] = [];
  let last: Socket | undefined;
  const onSocket = (socket: Socket): void => {
    const at = conversations.push('') - 1;
    let unread = '';
    last = socket;
    // What is pushed behind a reply shall not wait for the acknowledgement of that reply.
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      last = socket;
      const text = chunk.toString('latin1');
      conversations[at] += text;
      const { messages, rest } = readRequests(unread + text);
      unread = rest;
      for (const request of messages) recorder.answer(request, socket);
    });
  };
  const origin = pair ? await listening(createTlsServer(pair, onSocket), address) : await tcpOrigin(onSocket, address);
  /** Lengths of the conversations at the last `forget`. */
  let marks: number[] = [];
  const fresh = (): string[] => conversations.map((text, at) => text.slice(marks[at] ?? 0));
  const recorder: Recorder = {
    get port() {
      return origin.port;
    },
    get accepted() {
      return origin.accepted;
    },
    get open() {
      return origin.open;
    },
    close: () => origin.close(),
    conversations,
    fresh,
    bytes: () => fresh().join(''),
    requests: () =>
      fresh().flatMap((conversation) => {
        const { messages, rest, problem } = readRequests(conversation);
        if (rest !== '') throw new Error(`${problem ?? 'an incomplete request'} in ${JSON.stringify(conversation)}`);
        return messages;
      }),
    push: (text) => void last?.write(text, 'latin1'),
    forget() {
      marks = conversations.map((text) => text.length);
    },
    answer: plainAnswer,
  };
  return recorder;
}
