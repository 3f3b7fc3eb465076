// A TCP relay on loopback that carries an exchange up to an exact byte, both directions counted together, and then resets
// the connection towards the proxy. Used by test/walk/abuse.test.ts on either side of the proxy.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/** A piece of an exchange as it passed, in order. */
export interface Piece {
  readonly from: 'client' | 'server';
  readonly length: number;
}

export interface CuttingRelay {
  readonly port: number;
  /** The next connection is reset after so many bytes, or never at `Infinity`; those after it pass whole. */
  cutAt(position: number): void;
  /** What happened on the connections since. */
  readonly seen: Seen;
  /** Ends the connections that are open, and waits until both ends know. */
  drop(): Promise<void>;
  close(): Promise<void>;
}

export interface Seen {
  readonly connections: number;
  /** Of the first one. */
  readonly pieces: readonly Piece[];
  readonly hasCut: boolean;
}

/** `proxySide`: which of the two ends is the proxy, and so sees a reset; the other end just closes. */
export async function startCuttingRelay(target: () => number, proxySide: 'client' | 'server'): Promise<CuttingRelay> {
  let position = Number.POSITIVE_INFINITY;
  let seen = { connections: 0, pieces: [] as Piece[], hasCut: false };
  const sockets = new Set<Socket>();

  const drop = async (): Promise<void> => {
    const open = [...sockets];
    for (const socket of open) socket.destroy();
    await Promise.all(open.map((socket) => (socket.closed ? undefined : once(socket, 'close'))));
    await turn();
    await turn();
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: target(), allowHalfOpen: true, noDelay: true });
    const ends = { client, server: upstream };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    seen.connections += 1;
    const isFirst = seen.connections === 1;
    const limit = isFirst ? position : Number.POSITIVE_INFINITY;
    let passed = 0;
    let isOver = false;
    const cut = (): void => {
      seen.hasCut = true;
      ends[proxySide].resetAndDestroy();
    };
    const carry = (from: Piece['from'], to: Socket): void => {
      ends[from].on('data', (chunk: Buffer) => {
        if (isOver) return;
        const part = chunk.subarray(0, Math.min(chunk.length, limit - passed));
        passed += part.length;
        if (isFirst) seen.pieces.push({ from, length: part.length });
        to.write(part);
        if (passed < limit) return;
        isOver = true;
        // What was written shall be read before the reset comes, which would throw it away: the proxy lives in this process.
        void turn().then(turn).then(cut);
      });
      ends[from].once('end', () => to.end());
    };
    if (limit === 0) return void upstream.once('connect', cut);
    carry('client', upstream);
    carry('server', client);
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cutAt: (next) => {
      position = next;
      seen = { connections: 0, pieces: [], hasCut: false };
    },
    get seen() {
      return seen;
    },
    drop,
    close: async () => {
      server.close();
      await drop();
    },
  };
}
