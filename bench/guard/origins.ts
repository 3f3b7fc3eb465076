// What the proxy that the guard watches fetches from: origins on loopback, in the clear, by HTTP/1 and by HTTP/2.

import { createServer, type Server } from 'node:http';
import {
  createSecureServer as createH2Server,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createTlsServer } from 'node:https';

export interface Origins {
  readonly plainPort: number;
  readonly securePort: number;
  /** One that speaks nothing but HTTP/2. */
  readonly h2Port: number;
  close(): void;
}

export const BODY = 'x'.repeat(1024);

export async function openOrigins(pair: { key: string; cert: string }): Promise<Origins> {
  const [plain, secure, h2] = [createServer(), createTlsServer(pair), createH2Server(pair)];
  const sessions = new Set<ServerHttp2Session>();
  h2.on('session', (session) => void sessions.add(session.on('close', () => sessions.delete(session))));
  // Not as a request: its reply would end by a write of its own, and whether the proxy reads it apart depends on the machine.
  h2.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond();
    stream.end(BODY);
  });
  for (const server of [plain, secure]) server.on('request', (_request, response) => response.end(BODY));
  const ports = await Promise.all([plain, secure, h2].map(listen));
  const [plainPort = 0, securePort = 0, h2Port = 0] = ports;
  return {
    plainPort,
    securePort,
    h2Port,
    close: () => {
      for (const server of [plain, secure]) {
        server.close();
        server.closeAllConnections();
      }
      h2.close();
      for (const session of sessions) session.destroy();
    },
  };
}

function listen(server: Server | Http2SecureServer): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.2', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
