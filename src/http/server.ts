// Where requests are heard: takes every socket, plain or decrypted, and gives what comes on it to the handlers of flow/;
// each of them runs guarded, so that what it throws ends one connection at most.

import type { Socket } from 'node:net';
import type { Authority } from '../core/authority.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { Roster } from '../core/roster.ts';
import type { RequestHead } from '../wire/http-head.ts';
import type { Admission } from './admission.ts';
import type { Connection } from './connection.ts';
import { Conversation } from './conversation.ts';
import { H2Conversation } from './h2-conversation.ts';
import type { ReplyPort } from './reply-port.ts';
import type { Request } from './request.ts';
import { StalledReplies } from './stalled-replies.ts';

export interface Handlers {
  /** One with an error is not to be looked at, only answered. */
  request(connection: Connection, request: Request, reply: ReplyPort): Promise<void>;
  /** What came behind the CONNECT is to be read on the inlet, and nobody does. `admitted`: where it leads to, if it may be looked at. */
  connect(connection: Connection, request: RequestHead, admitted: Admission<Authority>): Promise<void>;
  /** What came is no request; `error` says what to answer, but on streams. The socket may be gone already. */
  malformed(connection: Connection, error: ProxyError): void;
  /** A handler threw: a fault of ours. */
  fault(connection: Connection, error: unknown): void;
}

export class MessageServer {
  #limits: Limits;
  readonly #handlers: Handlers;
  readonly #stopping: AbortSignal | undefined;
  readonly #open = new Roster<Conversation>();
  readonly #multiplexed = new Roster<H2Conversation>();
  readonly #stalled = new StalledReplies();

  /** `stopping`: from then on each reply says that it is the last on its connection. */
  constructor(limits: Limits, handlers: Handlers, stopping?: AbortSignal) {
    this.#stopping = stopping;
    this.#limits = limits;
    this.#handlers = handlers;
  }

  /** For the connections that come from now on. */
  useLimits(limits: Limits): void {
    this.#limits = limits;
  }

  /** Reads from now on. */
  take(connection: Connection): void {
    if (connection.socket.destroyed) return;
    const [limits, stopping] = [this.#limits, this.#stopping];
    const conversation = new Conversation(connection, { limits, stopping }, this.#handlers, () => seat.leave());
    const seat = this.#open.add(conversation);
    conversation.begin();
  }

  /** Likewise, where the client has chosen HTTP/2 in the handshake. `webSockets`: it may open some (RFC 8441). */
  takeStreams(connection: Connection, webSockets = false): void {
    if (connection.socket.destroyed) return;
    const [limits, stalled] = [this.#limits, this.#stalled];
    const options = { limits, webSockets, stalled };
    const seat = this.#multiplexed.add(new H2Conversation(connection, options, this.#handlers, () => seat.leave()));
  }

  /** Closes the connections that wait for a further request, as at the begin of a drain. */
  closeIdle(): void {
    for (const conversation of this.#multiplexed) if (conversation.hasBegun) conversation.leave();
    for (const conversation of this.#open) if (conversation.idle) conversation.destroy();
  }

  /** Decrypted tunnels that are open. */
  get tunnels(): number {
    let open = 0;
    for (const { tunnel } of this.#open) if (tunnel) open += 1;
    for (const { tunnel } of this.#multiplexed) if (tunnel) open += 1;
    return open;
  }
}

/** True while the socket can still take a reply. */
export function canReply(socket: Socket): boolean {
  return socket.writable && !socket.destroyed;
}
