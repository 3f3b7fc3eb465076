// What is known of a socket on which requests come: whose it is, and how many have come. flow/ makes one for
// the plain side and one for the inside of each bumped tunnel.

import type { Socket } from 'node:net';
import type { Session, Tunnel } from '../core/session.ts';
import type { Inlet } from '../net/inlet.ts';

export interface Connection {
  readonly session: Session;
  /** The tunnel whose inside this is; absent on the plain side. */
  readonly tunnel: Tunnel | undefined;
  readonly socket: Socket;
  /** What comes on it; where it carries streams, that is for node:http2 alone. */
  readonly inlet: Inlet;
  /** The TCP connection below the TLS of `socket`; absent when `socket` is that itself. */
  readonly carrier: Socket | undefined;
  /** Requests, well-formed or not, that began on it. */
  exchanges: number;
  /** Called once when the client has said anything, a request or the begin of one or how it speaks; taken away then. */
  onFirstBytes?: (() => void) | undefined;
  /** Called once when the first bytes of a request were parsed; flow/bump waits for it. */
  onFirstRequest?: () => void;
  /** The name by which a client of TLS has reached us: what it asks below that by HTTP/2 is not for anybody else. */
  ownName?: string;
  /** Set where a firewall has turned the connection around to us: the port of its origins where Host names none. */
  originPort?: number;
  /** A reply has said that it is the last: what comes behind it is not looked at (RFC 9112 section 9.6). */
  closing?: boolean;
  /** Where the exchange is one of many at once: resets its stream, by a code of RFC 9113 section 7. */
  readonly abort?: (code?: number) => void;
  /** Where a CONNECT has come on a stream, for which `socket` stands: how it is answered. */
  readonly answer?: ConnectAnswer;
}

/** Not by bytes on the socket: those are the tunnel's from the first one on. */
export interface ConnectAnswer {
  /** From now on the socket is the tunnel. */
  establish(): void;
  /** Names and values in turn; ends the stream. Gives back the bytes sent. */
  refuse(status: number, fields: readonly string[], body: Buffer): number;
}

/** `carrier` and `tunnel` as in Connection. */
export function connectionOn(inlet: Inlet, session: Session, tunnel?: Tunnel, carrier?: Socket): Connection {
  const { socket } = inlet;
  return { socket, inlet, session, exchanges: 0, tunnel, carrier: carrier === socket ? undefined : carrier };
}

/** Ends the connection so that nobody can take it for the end of a reply: by a reset, without a word of TLS before. */
export function breakOff({ socket, carrier }: Connection): void {
  (carrier ?? socket).resetAndDestroy();
  socket.destroy();
}

/** Ends what carries the exchange at once: its stream, or else the connection. */
export function dropExchange({ socket, abort }: Connection, code?: number): void {
  if (abort) abort(code);
  else socket.destroy();
}

/** Marks that the client has said anything; told of once. */
export function hearFrom(connection: Connection): void {
  if (!connection.onFirstBytes) return;
  const tell = connection.onFirstBytes;
  connection.onFirstBytes = undefined;
  tell();
}

/** Marks the begin of an exchange on the connection. */
export function countExchange(connection: Connection): void {
  connection.exchanges += 1;
  if (connection.exchanges === 1) connection.onFirstRequest?.();
}
