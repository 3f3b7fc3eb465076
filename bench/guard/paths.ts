// The hot paths that the guard measures, each as one operation against a proxy and an origin on loopback.

import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
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

export interface Setting {
  readonly proxy: WatchedProxy;
  /** PEM: the root of the origins. */
  readonly root: string;
  readonly plainPort: number;
  readonly securePort: number;
}

export interface Origins {
  readonly plainPort: number;
  readonly securePort: number;
  close(): void;
}

const BODY = 'x'.repeat(1024);

export async function openOrigins(pair: { key: string; cert: string }): Promise<Origins> {
  const [plain, secure] = [createServer(), createTlsServer(pair)];
  const ports = await Promise.all([plain, secure].map(listen));
  const [plainPort = 0, securePort = 0] = ports;
  return {
    plainPort,
    securePort,
    close: () => {
      for (const server of [plain, secure]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function listen(server: Server): Promise<number> {
  server.on('request', (_request, response) => response.end(BODY));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.2', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
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

async function tunnelled({ proxy, securePort }: Setting, host: string, ca: string): Promise<TLSSocket> {
  const socket = await dial(proxy.port);
  const authority = `${host}:${securePort}`;
  await exchange(socket, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, '\r\n\r\n');
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, servername: host, ca }, () => resolve(tls));
    tls.on('error', reject);
  });
}
