// Answers operators: a small HTTP server over the control socket, where whoever may open it is an operator, and over TCP,
// where a token makes one. It lives in the process that supervises, apart from all that clients can reach.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { AdminOptions } from '../core/admin-options.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import { type Endpoint, plainAddress } from '../core/session.ts';
import type { ServiceLog } from '../log/service-log.ts';
import { type HeldSocket, holdSocket } from './control-socket.ts';
import { OperatorToken } from './operator-token.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, CONTROL_SOCKET, jsonReply } from './route.ts';

/** Milliseconds for a whole request; operators are near. */
const REQUEST_TIMEOUT = 10_000;
const KEEP_ALIVE = 5_000;
/** How often late requests are looked for. */
const LOOK = 1_000;
const MOST_CONNECTIONS = 64;
/** Bytes of a body. */
const MOST_BODY = 65_536;
/** Milliseconds before a wrong token is answered: with so few connections, guessing leads nowhere. */
const WRONG_TOKEN = 1_000;
/** Milliseconds between two tries to open what the proxy before still has. */
const AGAIN = 250;
/** Milliseconds between two lines about those. */
const TOLD_EACH = 60_000;

export interface AdminParts {
  readonly options: Omit<AdminOptions, 'manager'>;
  readonly routes: readonly AdminRoute[];
  readonly service: ServiceLog;
  /**
   * Has the proxy before make room, once nothing is left that only a mend of the config could: from then on there is no way
   * back, and what cannot be opened is told and tried again.
   */
  readonly take?: () => Promise<void>;
}

export class AdminServer {
  readonly #routes: readonly AdminRoute[];
  readonly #service: ServiceLog;
  readonly #servers: Server[] = [];
  #port: Server | undefined;
  #closed = false;
  readonly #tokenFile: string | undefined;
  readonly #names: ReadonlySet<string>;
  #token: OperatorToken | undefined;
  /** Tries with a wrong token, or none, since they were last told of; and when that was. */
  #tries = 0;
  #triesToldAt = Number.NEGATIVE_INFINITY;
  #socket: HeldSocket | undefined;
  #address: Endpoint | undefined;

  private constructor({ options, routes, service }: AdminParts) {
    this.#routes = routes;
    this.#service = service;
    this.#tokenFile = options.tokenFile;
    this.#names = new Set(['localhost', ...(options.names ?? [])]);
  }

  /** Throws ProxyError `admin-failed`; then nothing is left open. */
  static async open(parts: AdminParts): Promise<AdminServer> {
    const { options, service, take } = parts;
    const admin = new AdminServer(parts);
    try {
      (await admin.prepareToken())();
      await take?.();
      if (options.socket !== undefined) {
        await admin.#openSocket(options.socket, take !== undefined).catch((thrown: unknown) => {
          const isTaken = thrown instanceof ProxyError && thrown.detail.includes(' belongs to ');
          if ((options.named || isTaken) && !take) throw thrown;
          // Its folder may be one where nobody writes; then signals are what is left.
          service.warn({ reason: messageOf(thrown) }, 'there is no control socket: name a path under admin.socket');
        });
      }
      const { listen } = options;
      if (listen) await (take ? admin.#openPortAtLast(listen) : admin.#openPort(listen));
    } catch (thrown) {
      await admin.close();
      throw thrown;
    }
    return admin;
  }

  /** Where it listens over TCP, with the port the system chose. */
  get address(): Endpoint | undefined {
    return this.#address;
  }

  /** Undefined: there is none. */
  get socket(): string | undefined {
    return this.#socket?.path;
  }

  /**
   * Reads the token as it stands in its file now; what is given back puts it in force. Throws ProxyError `admin-failed`: the
   * one before still holds.
   */
  async prepareToken(): Promise<() => void> {
    const file = this.#tokenFile;
    if (file === undefined) return ignore;
    const token = await OperatorToken.read(file);
    if (token.isOpen) this.#service.warn({ file }, 'the token of operators is open to everybody; run: chmod o= FILE');
    return () => {
      this.#token = token;
    };
  }

  /** Over TCP nothing is answered any more but what was asked before: another proxy opens the port. */
  releasePort(): void {
    this.#port?.close();
    this.#port?.closeIdleConnections();
  }

  /** Nothing is answered any more but what was asked before. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#socket?.release();
    for (const server of this.#servers) {
      server.close();
      server.closeIdleConnections();
    }
  }

  async #openSocket(path: string, take: boolean): Promise<void> {
    const server = this.#serve((request) => ({ by: CONTROL_SOCKET, refusal: undefined, request }));
    this.#socket = await holdSocket(server, path, take);
    server.on('error', ignore);
  }

  /** Resolves after the first try. */
  async #openPortAtLast(listen: Endpoint): Promise<void> {
    try {
      await this.#openPort(listen);
    } catch (thrown) {
      this.#service.warn({ reason: messageOf(thrown) }, 'the admin port is not open yet: it is tried until it is');
      void this.#retryPort(listen);
    }
  }

  async #retryPort(listen: Endpoint): Promise<void> {
    for (let isOpen = false; !isOpen; ) {
      await wait(AGAIN, undefined, { ref: false });
      if (this.#closed) return;
      isOpen = await this.#openPort(listen).then(
        () => true,
        () => false,
      );
    }
    this.#service.info({ ...listen }, 'the admin port is open');
  }

  async #openPort({ address, port }: Endpoint): Promise<void> {
    const server = this.#serve((request) => ({
      by: plainAddress(request.socket.remoteAddress),
      refusal: foreign(request, this.#names),
      request,
    }));
    await new Promise<void>((resolve, reject) => {
      const place = `${address}:${port}`;
      server.once('error', (cause) => {
        this.#servers.splice(this.#servers.indexOf(server), 1);
        reject(new ProxyError('admin-failed', `${place}: ${messageOf(cause)}`));
      });
      server.listen({ host: address, port }, resolve);
    });
    // It may have been closed meanwhile.
    if (this.#closed) server.close();
    this.#port = server;
    server.on('error', ignore);
    const bound = server.address();
    if (bound !== null && typeof bound !== 'string') this.#address = { address, port: bound.port };
  }

  #serve(meet: (request: IncomingMessage) => Met): Server {
    const server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT,
        headersTimeout: REQUEST_TIMEOUT,
        keepAliveTimeout: KEEP_ALIVE,
        connectionsCheckingInterval: LOOK,
      },
      (request, response) => {
        response.on('error', ignore);
        void this.#answer(meet(request))
          .catch((thrown: unknown) => {
            this.#service.error({ err: thrown }, 'internal fault of an admin call');
            return jsonReply({ error: 'The call failed; the service log has the cause.' }, 500);
          })
          .then((reply) => send(request, response, reply));
      },
    );
    server.maxConnections = MOST_CONNECTIONS;
    server.on('clientError', (_, socket) => void socket.destroy());
    this.#servers.push(server);
    return server;
  }

  async #answer({ by, refusal, request }: Met): Promise<AdminReply> {
    if (refusal !== undefined) return jsonReply({ error: refusal }, 403);
    const { method = '', url = '/' } = request;
    const [path = '/', query = ''] = url.split(/\?(.*)/s, 2);
    const there = this.#routes.filter((route) => route.path === path);
    const wanted = method === 'HEAD' ? 'GET' : method;
    const route = there.find((one) => one.method === wanted);
    if (there.length === 0) return jsonReply({ error: 'There is nothing of this name.' }, 404);
    if (!route) return jsonReply({ error: `Use ${there.map((one) => one.method).join(' or ')}.` }, 405);
    if (route.needs === 'operator' && by !== CONTROL_SOCKET) {
      if (!this.#token) return jsonReply({ error: 'Only by the control socket: there is no admin.tokenFile.' }, 401);
      if (!this.#token.fits(request.headers.authorization)) {
        this.#noteTry(by);
        await wait(WRONG_TOKEN, undefined, { ref: false });
        return jsonReply({ error: 'An operator shows a token: Authorization: Bearer TOKEN.' }, 401);
      }
    }
    const body = await bodyOf(request);
    if (!body) return jsonReply({ error: `A body has at most ${MOST_BODY} bytes.` }, 413);
    const asked: AdminRequest = { method, path, query: new URLSearchParams(query), body, by };
    return route.answer(asked);
  }

  /** At once, and then as seldom as whoever guesses cannot fill a disk with it. */
  #noteTry(by: string): void {
    this.#tries += 1;
    const now = performance.now();
    if (now - this.#triesToldAt < TOLD_EACH) return;
    this.#service.warn({ by, tries: this.#tries }, 'an operator call was refused: its token is wrong, or missing');
    this.#triesToldAt = now;
    this.#tries = 0;
  }
}

const FOREIGN = 'Ask by address, or by a name of admin.names.';

interface Met {
  readonly by: string;
  /** Why nothing is answered, whatever is asked. */
  readonly refusal: string | undefined;
  readonly request: IncomingMessage;
}

/**
 * A page in somebody's browser must not reach us: neither as itself, which `Origin` tells, nor under a name that its owner
 * has turned to our address (DNS rebinding).
 */
function foreign({ headers }: IncomingMessage, names: ReadonlySet<string>): string | undefined {
  if (headers.origin !== undefined) return 'Not from a web page.';
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return names.has(host.toLowerCase()) || isIP(host) !== 0 ? undefined : FOREIGN;
}

/** Undefined: too long, or broken off; then the rest is not kept. */
function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const take = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes <= MOST_BODY) pieces.push(piece);
      else {
        request.off('data', take).resume();
        resolve(undefined);
      }
    };
    request.on('data', take).on('error', () => resolve(undefined));
    request.once('end', () => resolve(Buffer.concat(pieces))).once('close', () => resolve(undefined));
  });
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: AdminReply): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  // What is left of a body would be read for nothing.
  const close = request.complete ? {} : { Connection: 'close' };
  const challenge = status === 401 ? { 'WWW-Authenticate': 'Bearer realm="Sallyport"' } : {};
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...challenge,
    ...close,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function ignore(): void {
  // Accept errors pass, and whoever does not hear us has gone.
}
