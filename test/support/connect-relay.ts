// A port of its own for programs that cannot speak to a proxy: each connection to it goes through a CONNECT to one
// authority. For tests with real clients.

import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { portOf } from './socket-pair.ts';

/** The port; closed with all its connections when the test that called this has ended. */
export async function connectRelay(proxyPort: number, authority: string): Promise<number> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const proxy = connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true });
    keep(client);
    keep(proxy);
    proxy.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    let head = '';
    const onHead = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      proxy.off('data', onHead);
      const rest = Buffer.from(head.slice(end + 4), 'latin1');
      if (!head.startsWith('HTTP/1.1 200')) client.destroy();
      if (rest.length > 0) client.write(rest);
      proxy.pipe(client);
      client.pipe(proxy);
    };
    proxy.on('data', onHead);
    client.on('close', () => proxy.destroy());
    proxy.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return portOf(server);
}
