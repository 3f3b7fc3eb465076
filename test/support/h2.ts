// HTTP/2 for whole-connection tests: origins that speak it, and sessions of a client through the proxy's tunnels.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from 'node:http2';
import { onTestFinished } from 'vitest';
import { watchEnd } from '../../src/http/h2-end.ts';
import { listening, type Origin } from './origin.ts';
import { type Rig, tlsThrough } from './rig.ts';
import type { Pair } from './test-ca.ts';

export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export interface H2OriginOptions extends SecureServerOptions {
  readonly address?: string;
  /** For clients of HTTP/1, where `allowHTTP1` lets them in. */
  readonly onRequest?: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
}

export function h2Origin(pair: Pair, onStream: OnStream, options: H2OriginOptions = {}): Promise<Origin> {
  const server = createSecureServer({ ...pair, ...options });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  const { onRequest } = options;
  if (onRequest) {
    server.on('request', (request, response) => {
      if (request.httpVersionMajor === 1) onRequest(request, response);
    });
  }
  server.on('session', (session) => session.on('error', () => undefined));
  return listening(server, options.address ?? '127.0.0.1');
}

/** A session through a bumped tunnel; it is closed when the test has ended. */
export async function h2Through(
  rig: Pick<Rig, 'port' | 'ca'>,
  authority: string,
  options: ClientSessionOptions & { readonly alpn?: readonly string[]; readonly localAddress?: string } = {},
): Promise<ClientHttp2Session> {
  const { alpn = ['h2'], localAddress, ...rest } = options;
  const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: [...alpn], localAddress });
  if (tls.alpnProtocol !== 'h2') throw new Error(`the proxy has chosen ${tls.alpnProtocol}`);
  const session = connect(`https://${authority}`, { ...rest, createConnection: () => tls });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

export interface H2Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders | undefined;
  /** The code by which it was reset; 0 when it was not. */
  readonly code: number;
  /** Its end has come. */
  readonly whole: boolean;
}

/** One request; resolves when its stream has closed, however. */
export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<H2Reply> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return replyOf(stream);
}

export async function replyOf(stream: ClientHttp2Stream): Promise<H2Reply> {
  const isWhole = watchEnd(stream);
  const pieces: Buffer[] = [];
  let reply: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  stream.on('error', () => undefined);
  stream.on('response', (headers) => {
    reply = headers;
  });
  stream.on('trailers', (headers) => {
    trailers = headers;
  });
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => stream.once('close', resolve));
  const status = Number(reply[':status'] ?? 0);
  return { status, headers: reply, body: Buffer.concat(pieces), trailers, code: stream.rstCode, whole: isWhole() };
}
