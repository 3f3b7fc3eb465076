// Origins on loopback for whole-connection tests: http or https, each on a port the system chose.

import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Pair } from './test-ca.ts';

export interface Origin {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Of these, those that are open. */
  readonly open: number;
  /** Closes the listener and every connection. */
  close(): Promise<void>;
}

export function httpOrigin(handler: RequestListener, address = '127.0.0.1'): Promise<Origin> {
  return listening(createServer({ keepAliveTimeout: 60_000 }, handler), address);
}

export function httpsOrigin(pair: Pair, handler: RequestListener, address = '127.0.0.1'): Promise<Origin> {
  return listening(createSecureServer({ ...pair, keepAliveTimeout: 60_000 }, handler), address);
}

/** A raw one: what it gets and sends is up to the test. */
export function tcpOrigin(onSocket: (socket: Socket) => void, address = '127.0.0.1'): Promise<Origin> {
  return listening(createTcpServer({ allowHalfOpen: true }, onSocket), address);
}

export function listening(server: Server, address: string): Promise<Origin> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  return new Promise((resolve) => {
    server.listen(0, address, () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        port,
        get accepted() {
          return accepted;
        },
        get open() {
          return sockets.size;
        },
        close: () =>
          new Promise<void>((closed) => {
            server.close(() => closed());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}
