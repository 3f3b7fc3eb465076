// The client that the outcome scenarios drive a proxy with: raw sockets and TLS inside a CONNECT, nothing cleverer.

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { OutcomeHost, OutcomeWorld } from './outcome-origins.ts';

export interface ProxyUnderTest {
  readonly host: string;
  readonly port: number;
  /** For a proxy that refuses a CONNECT by a 403 on a port of its own only. */
  readonly plainPort?: number;
  /** PEM of the root that the proxy's clients trust. */
  readonly ca: string;
  /** Complete lines of its native access log so far. */
  accessLines(): Promise<string[]>;
}

/** What a scenario may do to the proxy. */
export interface OutcomeClient {
  readonly world: OutcomeWorld;
  /** A connection to the proxy; to the port that refuses by a 403, where there are two. */
  dial(port?: 'refusing'): Promise<Socket>;
  /** Sends text on a new connection and reads until the other side has closed it. */
  say(text: string, port?: 'refusing'): Promise<string>;
  /** A CONNECT that must be answered by 200. */
  connect(host: OutcomeHost): Promise<Socket>;
  /** CONNECT and a TLS handshake inside it, trusting the CA of the proxy, or that of the origins. */
  tls(host: OutcomeHost, trust?: 'proxy' | 'origins'): Promise<TLSSocket>;
}

/** Every socket it opens is added to `sockets`, for the caller to destroy. */
export function clientOf(proxy: ProxyUnderTest, world: OutcomeWorld, sockets: Socket[]): OutcomeClient {
  const dial = (which?: 'refusing'): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const port = which === 'refusing' ? (proxy.plainPort ?? proxy.port) : proxy.port;
      const socket = connectTcp({ host: proxy.host, port, allowHalfOpen: true }, () => resolve(socket));
      socket.on('error', reject);
      sockets.push(socket);
    });
  const connect = async (host: OutcomeHost): Promise<Socket> => {
    const socket = await dial();
    const authority = world.authority(host);
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const head = await readUntil(socket, '\r\n\r\n');
    if (!/^HTTP\/1\.[01] 200/.test(head)) throw new Error(`CONNECT ${authority} was answered ${head}`);
    return socket;
  };
  return {
    world,
    dial,
    connect,
    say: async (text, which) => {
      const socket = await dial(which);
      socket.write(text);
      return readAll(socket);
    },
    tls: async (host, trust = 'proxy') => {
      const socket = await connect(host);
      const ca = trust === 'proxy' ? proxy.ca : world.originRoot;
      return new Promise((resolve, reject) => {
        const tls = connectTls({ socket, servername: host, ca }, () => resolve(tls));
        tls.on('error', reject);
        tls.once('close', () => reject(new Error('closed within the handshake')));
      });
    },
  };
}

/** Everything that comes until the other side ends or breaks off. */
export function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const done = (): void => resolve(text);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', done).once('end', done).once('close', done);
    socket.resume();
  });
}

/** Reads until `mark` has come, and stops there. */
export function readUntil(socket: Socket, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!text.includes(mark)) return;
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
      resolve(text);
    };
    const onEnd = (): void => reject(new Error(`ended before ${JSON.stringify(mark)}; got ${JSON.stringify(text)}`));
    socket.on('data', onData).once('end', onEnd).once('close', onEnd);
    socket.resume();
  });
}
