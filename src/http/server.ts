// The one HTTP parser: a http.Server that never listens and takes every socket, plain or decrypted, by emit('connection').
// flow/ gives it the handlers; each of them runs guarded, so that what it throws ends one connection at most.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { type Connection, countExchange } from './connection.ts';

export interface Handlers {
  request(connection: Connection, request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The socket is detached from the parser; `head` holds what came behind the CONNECT. */
  connect(connection: Connection, request: IncomingMessage, head: Buffer): Promise<void>;
  /** The parser gave up; `error` says what to answer. The socket may be gone already. */
  malformed(connection: Connection, error: ProxyError): void;
  /** A handler threw: a fault of ours. */
  fault(connection: Connection, error: unknown): void;
}

/** Bytes of one header section: Squid's default, and twice what the large clouds accept. */
const MAX_HEADER = 65_536;
/** Milliseconds between two looks for connections whose header is overdue. */
const OVERDUE_CHECK = 1_000;

export class MessageServer {
  readonly #server: Server;
  readonly #connections = new WeakMap<Duplex, Connection>();
  readonly #handlers: Handlers;

  constructor(limits: Limits, handlers: Handlers) {
    this.#handlers = handlers;
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
    this.#connections.set(connection.socket, connection);
    connection.socket.once('end', () => watchEnd(connection.socket));
    this.#server.emit('connection', connection.socket);
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
    const connection = this.#connections.get(request.socket);
    if (!connection) {
      request.socket.destroy();
      return;
    }
    void this.#guard(connection, () => {
      countExchange(connection);
      return this.#handlers.request(connection, request, response);
    });
  }

  #onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.get(socket);
    if (!connection) {
      socket.destroy();
      return;
    }
    void this.#guard(connection, () => {
      countExchange(connection);
      return this.#handlers.connect(connection, request, head);
    });
  }

  #onClientError(error: Error & { code?: string }, socket: Duplex): void {
    const connection = this.#connections.get(socket);
    if (!connection) {
      socket.destroy();
      return;
    }
    const problem = parserProblem(error);
    if (problem.code !== 'client-aborted') countExchange(connection);
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
 * and a half-closed one look alike from here until something is written.
 */
const HALF_CLOSED_IDLE = 1_000;

function watchEnd(socket: Socket): void {
  let seen = socket.bytesWritten;
  const timer = setInterval(() => {
    if (socket.bytesWritten === seen) socket.destroy();
    seen = socket.bytesWritten;
  }, HALF_CLOSED_IDLE);
  socket.once('close', () => clearInterval(timer));
}

/** What llhttp or a deadline said, in our codes. */
function parserProblem(cause: Error & { code?: string; reason?: unknown }): ProxyError {
  switch (cause.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProxyError('request-too-large', `More than ${MAX_HEADER} bytes.`, { cause });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProxyError('request-timeout', '', { cause });
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
