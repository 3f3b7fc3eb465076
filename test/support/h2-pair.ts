// The two ends of an HTTP/2 connection over loopback, without TLS, for what needs a session or a stream and no proxy.

import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientSessionOptions,
  connect,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface H2Pair {
  readonly client: ClientHttp2Session;
  readonly server: ServerHttp2Session;
  /** The next stream that the client opens, as the server sees it. */
  nextStream(): Promise<ServerHttp2Stream>;
}

export async function h2Pair(options: ClientSessionOptions = {}): Promise<H2Pair> {
  const listener = createServer();
  const streams: ServerHttp2Stream[] = [];
  let wake = (): void => undefined;
  listener.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    streams.push(stream);
    wake();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const opened = once(listener, 'session');
  const client = connect(`http://127.0.0.1:${port}`, options);
  client.on('error', () => undefined);
  const [server] = (await opened) as [ServerHttp2Session];
  server.on('error', () => undefined);
  onTestFinished(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return {
    client,
    server,
    nextStream: async () => {
      while (streams.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const [stream] = streams.splice(0, 1);
      if (!stream) throw new Error('no stream');
      return stream;
    },
  };
}
