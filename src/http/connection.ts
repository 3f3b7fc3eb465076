// What the HTTP parser knows of the socket it reads: whose it is, and how much was answered on it. flow/ makes one for
// the plain side and one for the inside of each bumped tunnel.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ProxyError } from '../core/errors.ts';
import type { Session, Tunnel } from '../core/session.ts';

export interface Connection {
  readonly session: Session;
  /** The tunnel whose inside this is; absent on the plain side. */
  readonly tunnel?: Tunnel;
  readonly socket: Socket;
  /** The TCP connection below the TLS of `socket`; absent when `socket` is that itself. */
  readonly carrier?: Socket;
  /** Requests, well-formed or not, that began on it. */
  exchanges: number;
  /** Value of `socket.bytesWritten` when the last reply was complete: replies come one after another. */
  written: number;
  /** Called once when the first bytes of a request were parsed; flow/bump waits for it. */
  onFirstRequest?: () => void;
  /** A reply has said that it is the last: what comes behind it is not looked at (RFC 9112 section 9.6). */
  closing?: boolean;
  /** Called when the body of the request that began last turns out malformed. */
  onBrokenBody?: (error: ProxyError) => void;
}

/** `carrier` and `tunnel` as in Connection. */
export function connectionOn(socket: Socket, session: Session, tunnel?: Tunnel, carrier?: Socket): Connection {
  return {
    socket,
    session,
    exchanges: 0,
    written: socket.bytesWritten,
    ...(tunnel ? { tunnel } : {}),
    ...(carrier && carrier !== socket ? { carrier } : {}),
  };
}

/** Ends the connection so that nobody can take it for the end of a reply: by a reset, without a word of TLS before. */
export function breakOff({ socket, carrier }: Connection): void {
  (carrier ?? socket).resetAndDestroy();
  socket.destroy();
}

/** Marks the begin of an exchange on the connection. */
export function countExchange(connection: Connection): void {
  connection.exchanges += 1;
  if (connection.exchanges === 1) connection.onFirstRequest?.();
}

/** Bytes written since the last reply was complete; the next reply starts from here. */
export function takeWritten(connection: Connection): number {
  const bytes = connection.socket.bytesWritten - connection.written;
  connection.written = connection.socket.bytesWritten;
  return bytes;
}

export interface Replied {
  /** Bytes of the reply, its header included, and of interim replies before it. */
  readonly bytes: number;
  /** All of it was handed to the system. */
  readonly complete: boolean;
}

/** Resolves when the reply is out or the client is gone. Bytes are taken at once: the next reply follows on its heels. */
export function replied(connection: Connection, response: ServerResponse): Promise<Replied> {
  return new Promise((resolve) => {
    const onFinish = (): void => {
      response.off('close', onClose);
      resolve({ bytes: takeWritten(connection), complete: true });
    };
    const onClose = (): void => resolve({ bytes: takeWritten(connection), complete: false });
    response.prependOnceListener('finish', onFinish);
    response.once('close', onClose);
  });
}
