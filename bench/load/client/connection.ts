// One connection through the proxy, ready for GETs, opened the way a plan says.

import { connect, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Plan } from './job.ts';
import { type Reply, ReplyReader } from './reply-reader.ts';

export interface Client {
  readonly plan: Plan;
  readonly context: SecureContext;
  /** That of the first connection, when the plan wants sessions resumed. */
  session: Buffer | undefined;
  handshakes: number;
  resumed: number;
}

export function createClient(plan: Plan): Client {
  const context = createSecureContext({ ca: plan.trust });
  return { plan, context, session: undefined, handshakes: 0, resumed: 0 };
}

let names = 0;

export class Connection {
  readonly #socket: Socket | TLSSocket;
  readonly #reader: ReplyReader;
  readonly #get: string;
  #last = false;

  private constructor(socket: Socket | TLSSocket, get: string) {
    this.#socket = socket;
    this.#reader = new ReplyReader(socket);
    this.#get = get;
  }

  static async open(client: Client): Promise<Connection> {
    const { entry, path } = client.plan;
    const { socket, authority } = await openSocket(client);
    return new Connection(socket, get(entry === 'absolute' ? `http://${authority}${path}` : path, authority));
  }

  /** False once the other side has said or shown that this connection carries nothing more. */
  get usable(): boolean {
    return !this.#last && !this.#reader.failed;
  }

  /** One GET; bytes of the reply's body. */
  async get(): Promise<number> {
    this.#socket.write(this.#get);
    const reply = await this.#reader.next();
    if (reply.status !== 200) throw new Error(`GET was answered ${reply.status}`);
    this.#last = reply.last;
    return reply.bytes;
  }

  close(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }
}

/** Ready for requests to the authority. */
export async function openSocket(client: Client): Promise<{ socket: Socket | TLSSocket; authority: string }> {
  const { plan } = client;
  const host = typeof plan.host === 'string' ? plan.host : `n${process.pid}x${++names}.${plan.host.newBelow}`;
  const authority = `${host}:${plan.originPort}`;
  const socket = await dial(plan.proxyPort);
  try {
    if (plan.entry === 'absolute') return { socket, authority };
    if (plan.entry === 'connect') await openTunnel(socket, authority);
    return { socket: await shakeHands(client, socket, host), authority };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A CONNECT that must be refused, on a connection of its own. */
export async function askToBeRefused({ plan }: Client): Promise<number> {
  const socket = await dial(plan.proxyPort);
  try {
    const { status, bytes } = await askForTunnel(socket, `${plan.host}:${plan.originPort}`);
    if (status !== 403) throw new Error(`CONNECT was answered ${status}, not 403`);
    return bytes;
  } finally {
    socket.destroy();
  }
}

function get(target: string, authority: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;
}

/** Connections come from as many addresses as a fleet has, in turns, so that no proxy's share per client is in the way. */
const FLEET = 200;
let dials = 0;

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.1.${1 + (dials++ % FLEET)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true }, () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

async function openTunnel(socket: Socket, authority: string): Promise<void> {
  const { status } = await askForTunnel(socket, authority);
  if (status !== 200) throw new Error(`CONNECT was answered ${status}`);
}

async function askForTunnel(socket: Socket, authority: string): Promise<Reply> {
  const reader = new ReplyReader(socket);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: bench\r\n\r\n`);
  const reply = await reader.next(true);
  reader.release();
  return reply;
}

/** Offers what clients of today offer: TLS 1.3 with a post-quantum share, h2 and http/1.1. */
function shakeHands(client: Client, socket: Socket, host: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      socket,
      secureContext: client.context,
      servername: host,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...(client.session && { session: client.session }),
      // The chain is verified by OpenSSL; the names are, too, once in a plan, since in JavaScript that costs the client
      // half as much as the handshake.
      ...(client.handshakes > 0 && { checkServerIdentity: () => undefined }),
    });
    const onClose = (): void => reject(new Error('closed within the handshake'));
    tls.once('error', reject).once('close', onClose);
    tls.once('secureConnect', () => {
      tls.off('error', reject).off('close', onClose);
      const wanted = client.plan.operation === 'stream';
      if ((tls.alpnProtocol === 'h2') !== wanted) return reject(new Error(`the proxy chose ${tls.alpnProtocol}`));
      client.handshakes += 1;
      if (tls.isSessionReused()) client.resumed += 1;
      resolve(tls);
    });
    if (client.plan.resumed && !client.session) {
      tls.once('session', (session) => {
        client.session ??= session;
      });
    }
  });
}
