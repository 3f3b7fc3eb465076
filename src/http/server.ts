// The one HTTP parser: a http.Server that never listens and takes every socket, plain or decrypted, by emit('connection').
// flow/ gives it the handlers; each of them runs guarded, so that what it throws ends one connection at most.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { MessageStream } from '../wire/message-stream.ts';
import { type Connection, countExchange } from './connection.ts';
import { watchReader } from './watch-reader.ts';

export interface Handlers {
  /** `problem`: the request is not to be looked at, only answered. */
  request(
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
    problem: ProxyError | undefined,
  ): Promise<void>;
  /** The socket is detached from the parser; `head` holds what came behind the CONNECT. */
  connect(
    connection: Connection,
    request: IncomingMessage,
    head: Buffer,
    problem: ProxyError | undefined,
  ): Promise<void>;
  /** The parser gave up; `error` says what to answer. The socket may be gone already. */
  malformed(connection: Connection, error: ProxyError): void;
  /** A handler threw: a fault of ours. */
  fault(connection: Connection, error: unknown): void;
}

/** Bytes of one header section: Squid's default, and twice what the large clouds accept. */
const MAX_HEADER = 65_536;
/** Milliseconds between two looks for connections whose header is overdue. */
const OVERDUE_CHECK = 1_000;

/** What is known of a connection beside what its handlers may see. */
interface Watched {
  readonly connection: Connection;
  readonly stream: MessageStream;
  readonly onData: (bytes: Buffer) => void;
  readonly onEnd: () => void;
  /** Ends the watch over what the client takes of its replies. */
  readonly unwatch: () => void;
  /** The request that came last, and whether its turn has come. */
  last: { readonly request: IncomingMessage; readonly response: ServerResponse; begun: boolean } | undefined;
  /** Requests that have come and are not over. */
  open: number;
  /** When the request that came last is over, and so every one before it. */
  over: Promise<void>;
  /** Why the parser gave up; it says so again for each further piece. */
  broken: ProxyError | undefined;
}

/** Requests of one connection that may wait for their turn before we stop reading. */
const MAX_WAITING = 16;

export class MessageServer {
  readonly #server: Server;
  readonly #watched = new WeakMap<Duplex, Watched>();
  readonly #handlers: Handlers;
  readonly #readerTimeout: number;

  constructor(limits: Limits, handlers: Handlers) {
    this.#handlers = handlers;
    this.#readerTimeout = limits.bodyTimeout;
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER,
      headersTimeout: limits.headerTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      // A body has as long as it makes progress: see RequestBody.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(OVERDUE_CHECK, limits.headerTimeout),
      // Our own admission says it with a log line (RFC 9112 section 3.2).
      requireHostHeader: false,
      insecureHTTPParser: false,
    });
    // Node drops fields past a limit without a word and then frames by one that nobody sees: take all, count ourselves.
    this.#server.maxHeadersCount = 0;
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response));
    this.#server.on('checkExpectation', (request, response) => this.#onRequest(request, response));
    this.#server.on('connect', (request, socket, head) => this.#onConnect(request, socket, head));
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    // A client may end its half and still read (RFC 9112 section 9.6); how long is up to watchEnd.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    // The deadline for headers hangs on the event 'listening', which a server that never listens does not have.
    this.#server.emit('listening');
  }

  /** Gives the socket to the parser. */
  take(connection: Connection): void {
    const { socket } = connection;
    const stream = new MessageStream();
    const onData = (bytes: Buffer): void => stream.feed(bytes);
    const onEnd = (): void => watchEnd(socket);
    const over = Promise.resolve();
    const unwatch = watchReader(socket, this.#readerTimeout);
    const state = { last: undefined, open: 0, over, broken: undefined };
    this.#watched.set(socket, { connection, stream, onData, onEnd, unwatch, ...state });
    socket.once('end', onEnd);
    this.#server.emit('connection', socket);
    // Only now: a listener from before is not heard while the parser reads from the handle.
    socket.prependListener('data', onData);
  }

  /** Closes the connections that wait for a further request, as at the begin of a drain. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  /** Ends the watch over deadlines; no connection may be left. */
  close(): void {
    this.#server.close();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const watched = this.#watched.get(request.socket);
    if (!watched) {
      request.socket.destroy();
      return;
    }
    const { connection } = watched;
    if (connection.closing) return;
    const before = watched.over;
    const last = { request, response, begun: false };
    watched.last = last;
    watched.open += 1;
    // Not at once: Node resumes the socket at the end of each message.
    if (watched.open > MAX_WAITING) queueMicrotask(() => connection.socket.pause());
    const start = startProblem(watched, request);
    watched.over = this.#guard(connection, async () => {
      countExchange(connection);
      // One after another, as they came: what the first one does may be meant to be done before the second.
      await before;
      last.begun = true;
      delete connection.onBrokenBody;
      const problem = start ?? (request.complete ? undefined : watched.broken);
      if (!connection.closing && !connection.socket.destroyed) {
        await this.#handlers.request(connection, request, response, problem);
      }
      watched.open -= 1;
      if (watched.open === MAX_WAITING) connection.socket.resume();
    });
  }

  #onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const watched = this.#watched.get(socket);
    if (!watched) {
      socket.destroy();
      return;
    }
    const { connection } = watched;
    // A tunnel has its own way with the end of a half: see net/pipe.
    socket.off('data', watched.onData).off('end', watched.onEnd);
    watched.unwatch();
    const problem = startProblem(watched, request);
    void this.#guard(connection, async () => {
      countExchange(connection);
      // Behind a request that is not answered yet, the tunnel would begin within its reply.
      await watched.over;
      if (connection.closing || connection.socket.destroyed) return;
      await this.#handlers.connect(connection, request, head, problem);
    });
  }

  #onClientError(error: Error & { code?: string }, socket: Duplex): void {
    const watched = this.#watched.get(socket);
    if (!watched) {
      socket.destroy();
      return;
    }
    const { connection, stream, last } = watched;
    const problem = parserProblem(error, stream);
    if (problem.code === 'client-aborted') {
      this.#malformed(connection, problem);
      return;
    }
    if (watched.broken || connection.closing) return;
    watched.broken = problem;
    // Nothing of what follows is a request: who sends on sends for nothing, and is not read while an answer is awaited.
    socket.off('data', watched.onData);
    connection.socket.pause();
    if (last?.request.complete === false) {
      // Its exchange has its own answer and line, will have them when its turn comes, or has given them already.
      if (last.begun && connection.onBrokenBody) connection.onBrokenBody(problem);
      else if (last.begun && !last.response.writableEnded) this.#malformed(connection, problem);
      return;
    }
    // Answers go out in the order of the requests.
    void watched.over.then(() => {
      if (socket.destroyed || connection.closing) return;
      countExchange(connection);
      this.#malformed(connection, problem);
    });
  }

  #malformed(connection: Connection, problem: ProxyError): void {
    try {
      this.#handlers.malformed(connection, problem);
    } catch (fault) {
      this.#fail(connection, fault);
    }
  }

  async #guard(connection: Connection, handle: () => Promise<void>): Promise<void> {
    try {
      await handle();
    } catch (fault) {
      this.#fail(connection, fault);
    }
  }

  #fail(connection: Connection, fault: unknown): void {
    connection.socket.destroy();
    this.#handlers.fault(connection, fault);
  }
}

/**
 * Milliseconds without a byte for it, after which a client that has ended its half is taken to be gone: a closed socket
 * and a half-closed one look alike from here until something is written. Squid does not wait at all.
 */
const HALF_CLOSED_IDLE = 5_000;

function watchEnd(socket: Socket): void {
  let seen = socket.bytesWritten;
  const timer = setInterval(() => {
    // What is still on its way out has somebody who takes it, or a deadline of its own.
    if (socket.bytesWritten === seen && socket.writableLength === 0) socket.destroy();
    seen = socket.bytesWritten;
  }, HALF_CLOSED_IDLE);
  socket.once('close', () => clearInterval(timer));
}

/**
 * What the parser does not tell of the start of a request: that it was `GET  /`, or `RTSP/1.0`, or had something before
 * it. To be asked once for each request, in their order.
 */
function startProblem({ stream }: Watched, request: IncomingMessage): ProxyError | undefined {
  const { method, url, httpVersion, headers } = request;
  const length = Number(headers['content-length'] ?? 0);
  const line = stream.next(headers['transfer-encoding'] === undefined ? length : 'chunked');
  if (line === `${method} ${url} HTTP/${httpVersion}`) return undefined;
  return new ProxyError('request-malformed', 'The request line is not METHOD SP TARGET SP HTTP/x.y.');
}

/** What llhttp or a deadline said, in our codes. */
function parserProblem(cause: Error & { code?: string; reason?: unknown }, stream: MessageStream): ProxyError {
  switch (cause.code) {
    case 'HPE_HEADER_OVERFLOW':
      if (stream.firstLineLength > MAX_HEADER / 2)
        return new ProxyError('request-target-long', `More than ${MAX_HEADER} bytes.`, { cause });
      return new ProxyError('request-too-large', `More than ${MAX_HEADER} bytes.`, { cause });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      // Without a byte of a request there is nothing to answer.
      return new ProxyError(stream.firstLineLength === 0 ? 'client-aborted' : 'request-timeout', '', { cause });
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ETIMEDOUT':
    case 'HPE_INVALID_EOF_STATE':
      return new ProxyError('client-aborted', '', { cause });
    default: {
      const detail = typeof cause.reason === 'string' ? cause.reason : messageOf(cause);
      return new ProxyError('request-malformed', `${detail}.`, { cause });
    }
  }
}

/** True while the socket can still take a reply. */
export function canReply(socket: Socket): boolean {
  return socket.writable && !socket.destroyed;
}
