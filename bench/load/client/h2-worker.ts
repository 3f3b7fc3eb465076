// Does GETs of a plan over HTTP/2: so many workers share a connection, and each has one stream at a time.

import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { sweepAfter } from '../../../src/net/buffer-sweep.ts';
import { type Client, openSocket } from './connection.ts';
import type { Worker } from './worker.ts';

interface Shared {
  readonly session: Promise<ClientHttp2Session>;
  workers: number;
}

const shared = new WeakMap<Client, Shared[]>();

export async function createH2Worker(client: Client): Promise<Worker> {
  const all = shared.get(client) ?? [];
  shared.set(client, all);
  let place = all.find(({ workers }) => workers < client.plan.streams);
  if (!place) {
    place = { session: open(client), workers: 0 };
    all.push(place);
  }
  place.workers += 1;
  const session = await place.session;
  const worker: Worker = {
    operate: () => get(session, client.plan.path),
    pour: (path) => pour(session, path),
    end: () => session.destroy(),
  };
  await worker.operate();
  return worker;
}

async function open(client: Client): Promise<ClientHttp2Session> {
  const { socket, authority } = await openSocket(client);
  const session = connect(`https://${authority}`, { createConnection: () => socket });
  session.on('error', () => undefined);
  return session;
}

function pour(session: ClientHttp2Session, path: string): () => number {
  let bytes = 0;
  let over = false;
  const more = (): void => {
    if (over || session.destroyed) return;
    const stream = session.request({ ':path': path, 'user-agent': 'bench', accept: '*/*' });
    stream.on('data', (piece: Buffer) => {
      bytes += piece.length;
      // Else V8 lets them pile up, and what is measured is how long this process collects them: 8 ms each time.
      sweepAfter(piece.length);
      if (over) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', () => undefined).once('close', more);
  };
  more();
  return () => {
    over = true;
    return bytes;
  };
}

/** Bytes of the reply's body. */
function get(session: ClientHttp2Session, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, 'user-agent': 'bench', accept: '*/*' });
    let bytes = 0;
    let status: number | undefined;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    stream.once('error', reject);
    stream.once('close', () => (status === 200 ? resolve(bytes) : reject(new Error(`GET was answered ${status}`))));
  });
}
