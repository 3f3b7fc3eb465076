// Clients that hold on to a proxy, and the origins that hold with them, in a process of their own, so that their work is
// not in the way of the clients that are measured. Started by startSlowLoad; the other half of this file is that process.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { extension, hostNames, hello as makeHello } from '../support/client-hello.ts';
import { NODE } from '../support/run.ts';
import type { Pair } from '../support/test-ca.ts';

export interface SlowLoadSetting {
  /** Of the TLS origin, for `bump.test` and `splice.test`. */
  readonly pair: Pair;
  /** PEM of all that the clients trust: the CA of the proxy and the root of `pair`. */
  readonly trust: string;
  readonly proxyPort: number;
}

/** What is held at this moment, and what has moved since the start. */
export interface Held {
  /** Clients within the header of a request. */
  readonly headers: number;
  /** Requests whose header has reached the origin and whose body has not ended. */
  readonly bodies: number;
  /** Clients that have the header of a reply and not its end. */
  readonly readers: number;
  /** Tunnels whose first bytes have reached the origin. */
  readonly tunnels: number;
  /** Bytes of bodies, counted at each end that sends or gets them. */
  readonly moved: number;
  /** Connections that were closed by the proxy and opened anew. */
  readonly reopened: number;
}

export interface SlowLoad {
  tell(): Promise<Held>;
  /** Uploads and downloads of a gigabyte, so many of each in a bump and in a splice, that stop after a megabyte. */
  stall(each: number): Promise<void>;
  /** Clients that send or take one byte in five seconds: a third each in a header, in a body, in a reply. */
  crawl(clients: number): Promise<void>;
  /** Spliced tunnels in which nobody says anything. */
  idle(tunnels: number): Promise<void>;
  /** Clients that send so many bytes of a header and then no more. */
  lure(clients: number, bytes: number): Promise<void>;
  /** Closes every connection, of clients and origins. */
  drop(): Promise<void>;
  stop(): Promise<void>;
}

export const GIGABYTE = 1_000_000_000;
/** Few, so that the windows of the two connections stay small: the system's own buffers shall not take it all. */
const STALL_AT = 100_000;
/** First byte of what follows a hello in a splice: the origin shall take so much and stop, or shall send. */
const UP = 'u';
const DOWN = 'd';
const CRAWL = 5_000;
/** Addresses the clients come from: what one of them may have of the proxy is limited. */
const ADDRESSES = 250;
/** Connections that are being opened at the same time. */
const ABREAST = 40;

type Order =
  | { readonly do: 'serve'; readonly setting: SlowLoadSetting }
  | { readonly do: 'stall' | 'crawl' | 'idle'; readonly count: number }
  | { readonly do: 'lure'; readonly count: number; readonly bytes: number }
  | { readonly do: 'tell' }
  | { readonly do: 'drop' };

export async function startSlowLoad(setting: SlowLoadSetting): Promise<SlowLoad> {
  const child = fork(import.meta.filename, [], { execPath: NODE, execArgv: [], stdio: 'inherit' });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await ask(child, { do: 'serve', setting });
  return {
    tell: () => ask(child, { do: 'tell' }),
    stall: async (count) => void (await ask(child, { do: 'stall', count })),
    crawl: async (count) => void (await ask(child, { do: 'crawl', count })),
    idle: async (count) => void (await ask(child, { do: 'idle', count })),
    lure: async (count, bytes) => void (await ask(child, { do: 'lure', count, bytes })),
    drop: async () => void (await ask(child, { do: 'drop' })),
    stop: async () => {
      process.off('exit', kill);
      kill();
      await once(child, 'exit');
    },
  };
}

async function ask(child: ChildProcess, order: Order): Promise<Held> {
  child.send(order);
  const [answer]: (Held | { failed: string })[] = await once(child, 'message');
  if (answer === undefined) throw new Error('no answer');
  if ('failed' in answer) throw new Error(answer.failed);
  return answer;
}

const BLOCK = Buffer.alloc(1 << 16);

class Load {
  readonly #setting: SlowLoadSetting;
  readonly #clients = new Set<Socket>();
  readonly #upstreams = new Set<Socket>();
  readonly #count = { headers: 0, bodies: 0, readers: 0, tunnels: 0, moved: 0, reopened: 0 };
  readonly #servers: Server[];
  #dropping = false;
  #opened = 0;

  constructor(setting: SlowLoadSetting) {
    this.#setting = setting;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#answer(request, response);
    this.#servers = [
      createHttpsServer({ ...setting.pair, requestTimeout: 0 }, onRequest),
      createHttpServer({ requestTimeout: 0 }, onRequest),
      createTcpServer((socket) => this.#keep(socket)),
    ];
  }

  async open(): Promise<void> {
    for (const server of this.#servers) {
      server.on('connection', (socket: Socket) => {
        this.#upstreams.add(socket);
        socket.on('error', () => undefined).once('close', () => this.#upstreams.delete(socket));
      });
      server.on('tlsClientError', () => undefined);
      server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
      await once(server, 'listening');
    }
  }

  get held(): Held {
    return { ...this.#count };
  }

  async stall(each: number): Promise<void> {
    const kinds = [
      async (): Promise<void> => this.#download(await this.#inside(), this.#head('GET', `/${GIGABYTE}`)),
      async (): Promise<void> => this.#upload(await this.#inside(), this.#head('PUT', '/', GIGABYTE)),
      async (): Promise<void> => this.#download(await this.#spliced(), DOWN),
      async (): Promise<void> => this.#upload(await this.#spliced(), UP),
    ];
    await this.#many(4 * each, (at) => kinds[at % 4]?.());
  }

  async crawl(clients: number): Promise<void> {
    const kinds = [
      () => this.#crawlHeader(),
      (secure: boolean) => this.#crawlBody(secure),
      (secure: boolean) => this.#crawlReply(secure),
    ];
    await this.#many(clients, (at) => kinds[at % 3]?.(at % 12 < 3));
  }

  async idle(tunnels: number): Promise<void> {
    await this.#many(tunnels, async () => void (await this.#spliced()).resume());
  }

  async lure(clients: number, bytes: number): Promise<void> {
    await this.#many(clients, async () => {
      const socket = await this.#dial();
      const head = 'GET http://bump.test/ HTTP/1.1\r\n';
      const field = `X: ${'x'.repeat(100)}\r\n`;
      socket.resume();
      this.#counted(socket, 'headers');
      await new Promise((resolve) =>
        socket.write(`${head}${field.repeat(Math.ceil(bytes / field.length))}`.slice(0, bytes), resolve),
      );
    });
  }

  async drop(): Promise<void> {
    this.#dropping = true;
    // By a reset: an end would wait behind bytes that the proxy is not to take any more.
    for (const socket of [...this.#clients, ...this.#upstreams]) socket.resetAndDestroy();
    while (this.#clients.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#dropping = false;
  }

  #port(at: 0 | 1 | 2): number {
    const address = this.#servers[at]?.address();
    if (typeof address !== 'object' || !address) throw new Error('an origin does not listen');
    return address.port;
  }

  async #many(count: number, open: (at: number) => Promise<void> | undefined): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let at = next++; at < count; at = next++) await open(at);
    };
    await Promise.all(Array.from({ length: ABREAST }, worker));
  }

  /** To the origin: `GET /N` is answered with N bytes as fast as they are taken; of a body, a megabyte is read. */
  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET') {
      const size = Number(request.url?.slice(1));
      response.writeHead(200, { 'Content-Length': size });
      this.#pour(response, size);
      return;
    }
    this.#take(request);
  }

  #take(request: IncomingMessage | Socket): void {
    this.#count.bodies += 1;
    request.once('close', () => {
      this.#count.bodies -= 1;
    });
    let got = 0;
    request.on('data', (chunk: Buffer) => {
      got += chunk.length;
      this.#count.moved += chunk.length;
      if (got >= STALL_AT) request.pause();
    });
  }

  /** At the end of a splice: it answers the hello, so that the client knows it is through, and then does as it is told. */
  #keep(socket: Socket): void {
    this.#count.tunnels += 1;
    socket.once('close', () => {
      this.#count.tunnels -= 1;
    });
    socket.once('data', () => {
      socket.write('x');
      socket.once('data', (order: Buffer) => {
        if (order.toString('latin1', 0, 1) === DOWN) this.#pour(socket, GIGABYTE);
        else this.#take(socket);
      });
    });
  }

  #pour(to: Socket | ServerResponse, size: number): void {
    let left = size;
    const more = (): void => {
      while (left > 0 && !to.destroyed) {
        const part = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
        left -= part.length;
        this.#count.moved += part.length;
        if (!to.write(part)) return void to.once('drain', more);
      }
    };
    more();
  }

  /** Resolves when the client has what it takes. */
  async #download(socket: Socket, ask: string): Promise<void> {
    socket.write(ask);
    let got = 0;
    await new Promise<void>((resolve, reject) => {
      socket.once('close', () => reject(new Error(`a download was closed after ${got} bytes`)));
      socket.on('data', (chunk: Buffer) => {
        got += chunk.length;
        this.#count.moved += chunk.length;
        if (got < STALL_AT) return;
        socket.pause();
        resolve();
      });
    });
    this.#counted(socket, 'readers');
  }

  #upload(socket: Socket, announce: string): void {
    socket.write(announce);
    this.#pour(socket, GIGABYTE);
  }

  /** Its deadline is absolute: who is cut comes again, so that as many are held all the time. */
  async #crawlHeader(): Promise<void> {
    const socket = await this.#dial();
    this.#counted(socket, 'headers');
    const text = `GET http://bump.test/ HTTP/1.1\r\nX: ${'x'.repeat(100)}`;
    let at = 0;
    const send = (): void => void socket.write(text[at++] ?? 'x');
    send();
    const timer = setInterval(send, CRAWL);
    socket.resume();
    socket.once('close', () => {
      clearInterval(timer);
      if (this.#dropping) return;
      this.#count.reopened += 1;
      void this.#crawlHeader();
    });
  }

  async #crawlBody(secure: boolean): Promise<void> {
    const socket = await this.#way(secure);
    socket.write(`${this.#head('POST', '/', 1_000, secure)}x`);
    const timer = setInterval(() => socket.write('x'), CRAWL);
    socket.resume().once('close', () => clearInterval(timer));
  }

  async #crawlReply(secure: boolean): Promise<void> {
    const socket = await this.#way(secure);
    socket.write(this.#head('GET', `/${GIGABYTE}`, 0, secure));
    await new Promise<void>((resolve) => socket.once('readable', () => resolve()));
    this.#counted(socket, 'readers');
    const timer = setInterval(() => socket.read(1), CRAWL);
    socket.once('close', () => clearInterval(timer));
  }

  #counted(socket: Socket, what: 'headers' | 'readers'): void {
    this.#count[what] += 1;
    socket.once('close', () => {
      this.#count[what] -= 1;
    });
  }

  /** To where requests are heard: the inside of a bumped tunnel, or the proxy's own port. */
  #way(secure: boolean): Promise<Socket> {
    return secure ? this.#inside() : this.#dial();
  }

  #head(method: string, path: string, length = 0, secure = true): string {
    const authority = `bump.test:${this.#port(secure ? 0 : 1)}`;
    const target = secure ? path : `http://${authority}${path}`;
    return `${method} ${target} HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: ${length}\r\n\r\n`;
  }

  async #dial(): Promise<Socket> {
    this.#opened += 1;
    const localAddress = `127.0.1.${1 + (this.#opened % ADDRESSES)}`;
    const socket = connectTcp({ host: '127.0.0.1', port: this.#setting.proxyPort, localAddress });
    this.#clients.add(socket);
    socket.on('error', () => undefined).once('close', () => this.#clients.delete(socket));
    await once(socket, 'connect');
    return socket;
  }

  async #tunnel(authority: string): Promise<Socket> {
    const socket = await this.#dial();
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const [answer]: Buffer[] = await once(socket, 'data');
    socket.pause();
    const line = answer?.toString('latin1') ?? '';
    if (!line.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered ${line}`);
    return socket;
  }

  async #inside(): Promise<Socket> {
    const socket = connectTls({
      socket: await this.#tunnel(`bump.test:${this.#port(0)}`),
      servername: 'bump.test',
      ca: this.#setting.trust,
    });
    await once(socket, 'secureConnect');
    socket.on('error', () => undefined);
    return socket;
  }

  /** A hello is all that a splice looks at. */
  async #spliced(): Promise<Socket> {
    const socket = await this.#tunnel(`splice.test:${this.#port(2)}`);
    socket.write(makeHello({ extensions: [extension(0, hostNames('splice.test'))] }));
    await new Promise<void>((resolve) => socket.resume().once('data', () => resolve()));
    return socket;
  }
}

function obey(load: Load, order: Exclude<Order, { do: 'serve' }>): Promise<void> | undefined {
  if (order.do === 'lure') return load.lure(order.count, order.bytes);
  if (order.do === 'tell') return undefined;
  return order.do === 'drop' ? load.drop() : load[order.do](order.count);
}

if (process.send && process.argv[1] === import.meta.filename) {
  let load: Load | undefined;
  process.on('message', async (order: Order) => {
    try {
      if (order.do === 'serve') {
        load = new Load(order.setting);
        await load.open();
      } else if (load) await obey(load, order);
      process.send?.(load?.held);
    } catch (error) {
      process.send?.({ failed: String(error) });
    }
  });
  // The test has ended, in whatever way.
  process.once('disconnect', () => process.exit());
}
