// The hot paths that the guard measures, each as one operation against a proxy and an origin on loopback.

import { type ClientHttp2Session, connect as connectH2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { BODY, type Origins } from './origins.ts';
import type { WatchedProxy } from './proxy.ts';

export interface Path {
  readonly name: string;
  /** Operations before the count begins: code that runs often is compiled anew, and allocates less. */
  readonly warmUp: number;
  readonly count: number;
  /** Gives the operation; what it needs is opened here and closed by `close`. */
  open(setting: Setting): Promise<Operation>;
}

export interface Operation {
  run(): Promise<void>;
  close(): void;
}

export interface Setting extends Omit<Origins, 'close'> {
  readonly proxy: WatchedProxy;
  /** PEM: the root of the origins. */
  readonly root: string;
}

export const PATHS: readonly Path[] = [
  {
    name: 'a GET on a bumped connection',
    warmUp: 3_000,
    count: 3_000,
    open: async (setting) => {
      const tls = await tunnelled(setting, 'bump.guard.test', setting.proxy.ca);
      return {
        run: () => exchange(tls, `GET / HTTP/1.1\r\nHost: bump.guard.test:${setting.securePort}\r\n\r\n`, BODY),
        close: () => tls.destroy(),
      };
    },
  },
  {
    name: 'a GET in the clear',
    warmUp: 3_000,
    count: 3_000,
    open: async ({ proxy, plainPort }) => {
      const socket = await dial(proxy.port);
      const host = `bump.guard.test:${plainPort}`;
      return {
        run: () => exchange(socket, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`, BODY),
        close: () => socket.destroy(),
      };
    },
  },
  {
    name: 'a bumped connection with one GET',
    warmUp: 300,
    count: 500,
    open: async (setting) => ({
      run: async () => {
        const tls = await tunnelled(setting, 'bump.guard.test', setting.proxy.ca);
        await exchange(tls, `GET / HTTP/1.1\r\nHost: bump.guard.test:${setting.securePort}\r\n\r\n`, BODY);
        tls.destroy();
      },
      close: () => undefined,
    }),
  },
  {
    name: 'a spliced connection with one GET',
    warmUp: 300,
    count: 500,
    open: async (setting) => ({
      run: async () => {
        const tls = await tunnelled(setting, 'splice.guard.test', setting.root);
        await exchange(tls, 'GET / HTTP/1.1\r\nHost: splice.guard.test\r\n\r\n', BODY);
        tls.destroy();
      },
      close: () => undefined,
    }),
  },
  {
    name: 'a refused CONNECT',
    warmUp: 1_000,
    count: 1_000,
    open: async ({ proxy }) => ({
      run: async () => {
        const socket = await dial(proxy.port);
        await exchange(socket, 'CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\n\r\n', '</html>');
        socket.destroy();
      },
      close: () => undefined,
    }),
  },
  {
    name: 'a GET on a stream of HTTP/2',
    warmUp: 3_000,
    count: 3_000,
    open: async (setting) => {
      const to = { ...setting, securePort: setting.h2Port };
      const tls = await tunnelled(to, 'bump.guard.test', setting.proxy.ca, ['h2']);
      const session = connectH2(`https://bump.guard.test:${setting.h2Port}`, { createConnection: () => tls });
      return { run: () => exchangeOn(session), close: () => session.destroy() };
    },
  },
];

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Sends and reads until the mark has come. */
function exchange(socket: Socket, bytes: string, mark: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let got = '';
    const onData = (chunk: Buffer): void => {
      got += chunk.toString('latin1');
      if (!got.includes(mark)) return;
      socket.off('data', onData).off('close', onClose);
      resolve();
    };
    const onClose = (): void => reject(new Error(`closed before an answer was there; got ${got}`));
    socket.on('data', onData).once('close', onClose);
    socket.write(bytes);
  });
}

/** One GET on a stream of its own. */
function exchangeOn(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/' });
    let bytes = 0;
    stream.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    stream.on('error', reject).on('close', () => {
      if (bytes === BODY.length) resolve();
      else reject(new Error(`a stream was closed behind ${bytes} bytes`));
    });
  });
}

async function tunnelled(
  { proxy, securePort }: Setting,
  host: string,
  ca: string,
  protocols?: string[],
): Promise<TLSSocket> {
  const socket = await dial(proxy.port);
  const authority = `${host}:${securePort}`;
  await exchange(socket, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, '\r\n\r\n');
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, servername: host, ca, ...(protocols && { ALPNProtocols: protocols }) }, () =>
      resolve(tls),
    );
    tls.on('error', reject);
  });
}
