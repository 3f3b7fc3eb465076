// Clients that speak HTTP/2 to the proxy itself, over TLS: sessions, and tunnels on their streams.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { RawH2 } from './h2-frames.ts';
import type { Rig } from './rig.ts';

type Reached = Pick<Rig, 'port' | 'ca'>;

export function tlsToProxy({ port, ca }: Reached, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const all = { host: '127.0.0.1', servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'], ...options };
    const socket = connectTls({ port, ca, ...all }, () => resolve(socket));
    socket.on('error', reject);
    onTestFinished(() => void socket.destroy());
  });
}

/** A session with the proxy; it is closed when the test has ended. */
export async function h2ToProxy(rig: Reached, options: ConnectionOptions = {}): Promise<ClientHttp2Session> {
  const tls = await tlsToProxy(rig, options);
  if (tls.alpnProtocol !== 'h2') throw new Error(`the proxy has chosen ${tls.alpnProtocol}`);
  const session = connect(`https://localhost:${rig.port}`, { createConnection: () => tls });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

export async function rawToProxy(rig: Reached, settings?: Uint8Array): Promise<RawH2> {
  return new RawH2(await tlsToProxy(rig), settings);
}

export interface H2Tunnel {
  readonly stream: ClientHttp2Stream;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** A CONNECT on a stream of its own; resolves with its answer, status 0 where it was reset. */
export function connectOn(
  session: ClientHttp2Session,
  authority: string,
  fields: OutgoingHttpHeaders = {},
): Promise<H2Tunnel> {
  const stream = session.request(
    { ':method': 'CONNECT', ':authority': authority, ...fields },
    { endStream: false, waitForTrailers: true },
  );
  stream.on('error', () => undefined);
  return new Promise((resolve) => {
    stream.on('response', (headers) => resolve({ stream, status: Number(headers[':status']), headers }));
    stream.on('close', () => resolve({ stream, status: 0, headers: {} }));
  });
}

/** Until the stream has closed, however. */
export function gone(stream: ClientHttp2Stream | ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.once('close', resolve);
  });
}

/** A TLS handshake inside a tunnel. */
export function tlsOn(socket: Duplex, host: string, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, servername: host, ...options }, () => resolve(tls));
    tls.on('error', reject);
    tls.once('close', () => reject(new Error('closed within the handshake')));
  });
}
