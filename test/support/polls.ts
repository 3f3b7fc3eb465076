// Long polls for whole-connection tests: the origin's side, which says piece by piece what a test wants, and the client's, in
// both protocols.

import type { ServerResponse } from 'node:http';
import { type ClientHttp2Stream, constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** The origin's side of a poll. */
export interface Held {
  begin(): void;
  say(text: string): void;
  end(): void;
  /** How it ended. */
  readonly closed: Promise<'answered' | 'broken off'>;
}

export function heldByH1(response: ServerResponse): Held {
  return {
    begin: () => response.flushHeaders(),
    say: (text) => void response.write(text),
    end: () => void response.end(),
    closed: new Promise((resolve) => {
      response.once('close', () => resolve(response.writableFinished ? 'answered' : 'broken off'));
    }),
  };
}

export function heldByH2(stream: ServerHttp2Stream): Held {
  return {
    begin: () => stream.respond(),
    say: (text) => void stream.write(text),
    end: () => void stream.end(),
    closed: new Promise((resolve) => {
      stream.once('close', () => resolve(stream.rstCode === constants.NGHTTP2_CANCEL ? 'broken off' : 'answered'));
    }),
  };
}

/** The client's side of a poll. */
export interface Poll {
  /** What has come of the reply. */
  readonly got: { status: number; body: string; whole: boolean };
  /** As a program does that ends. */
  leave(): void;
  /** As one that goes on does; HTTP/1 has no such thing. */
  cancel?(): void;
}

export function pollByH1(socket: Socket, target: string, authority: string): Poll {
  const got = { status: 0, body: '', whole: false };
  let all = '';
  socket.setEncoding('latin1').on('error', () => undefined);
  socket.on('data', (text: string) => {
    all += text;
    const [, status, chunks = ''] = /^HTTP\/1\.1 (\d+) [\s\S]*?\r\n\r\n([\s\S]*)$/.exec(all) ?? [];
    got.status = Number(status ?? 0);
    got.body = chunks
      .split('\r\n')
      .filter((_, at) => at % 2 === 1)
      .join('');
    got.whole = chunks.endsWith('0\r\n\r\n');
  });
  socket.write(`GET ${target} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  return { got, leave: () => void socket.destroy() };
}

export function pollByH2(stream: ClientHttp2Stream, leave: () => void): Poll {
  const got = { status: 0, body: '', whole: false };
  stream.setEncoding('latin1').on('error', () => undefined);
  stream.on('response', (headers) => {
    got.status = Number(headers[':status']);
  });
  stream.on('data', (text: string) => {
    got.body += text;
  });
  stream.on('end', () => {
    got.whole = stream.rstCode === constants.NGHTTP2_NO_ERROR;
  });
  return { got, leave, cancel: () => stream.close(constants.NGHTTP2_CANCEL) };
}
