// Ends an HTTP/2 connection whose other side sends frames that are of no use (CVE-2019-9512 and the like): pings, settings,
// and by their bytes all others that are neither bodies nor heads. Kept by h2-conversation.ts and h2-lane.ts; nghttp2
// itself counts resets, malformed frames and CONTINUATION.

import { constants, type Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Roster, type Seat } from '../core/roster.ts';
import { Budget } from './budget.ts';

/** gRPC measures the path with one ping for each round trip. */
const PINGS = { burst: 2_000, perSecond: 500 };
const SETTINGS = { burst: 20, perSecond: 1 };
/** Bytes, with all that may wait in our windows unread; each byte we send may be answered by a window update besides. */
const IDLE_BYTES = { burst: 32 << 20, perSecond: 65_536 };
const UPDATES_FOR_BYTES = 8;
/** Bytes before each frame (RFC 9113 section 4.1), and before each name or value at most (RFC 7541 section 6.2), as a rule. */
const FRAME_HEAD = 9;
const TEXT_HEAD = 2;
/** Milliseconds between two looks at the bytes, of all connections. */
const LOOK = 1_000;

const open = new Roster<FrameWatch>();
let looking: NodeJS.Timeout | undefined;

export class FrameWatch {
  readonly #session: Http2Session;
  readonly #socket: Socket;
  readonly #pings = new Budget(PINGS.burst, PINGS.perSecond);
  readonly #settings = new Budget(SETTINGS.burst, SETTINGS.perSecond);
  readonly #idle = new Budget(IDLE_BYTES.burst, IDLE_BYTES.perSecond);
  #read = 0;
  #written = 0;
  #useful = 0;

  readonly #seat: Seat;
  readonly #onFlood: () => void;
  readonly #onLook: (() => void) | undefined;

  /**
   * `onFlood`: the session has been destroyed for it; its socket ends when the other side has read so. `onLook`: a second
   * has gone by.
   */
  constructor(session: Http2Session, socket: Socket, onFlood: () => void, onLook?: () => void) {
    this.#onLook = onLook;
    this.#onFlood = onFlood;
    this.#session = session;
    this.#socket = socket;
    session.on('ping', () => this.#count(this.#pings)).on('remoteSettings', () => this.#count(this.#settings));
    this.#seat = open.add(this);
    looking ??= setInterval(lookAtAll, LOOK).unref();
  }

  /** Notes a head or trailers that have come: names and values in turn. */
  noteHead(raw: readonly string[]): void {
    let bytes = FRAME_HEAD + raw.length * TEXT_HEAD;
    for (const text of raw) bytes += text.length;
    this.#useful += bytes;
  }

  /** Notes a frame of a body that has come. */
  noteData(bytes: number): void {
    this.#useful += bytes + FRAME_HEAD;
  }

  end(): void {
    this.#seat.leave();
    if (open.size > 0) return;
    clearInterval(looking);
    looking = undefined;
  }

  look(): void {
    this.#onLook?.();
    const { bytesRead, bytesWritten } = this.#socket;
    const idle = bytesRead - this.#read - this.#useful - (bytesWritten - this.#written) / UPDATES_FOR_BYTES;
    this.#read = bytesRead;
    this.#written = bytesWritten;
    this.#useful = 0;
    // What was read in one second may be handed on in the next.
    if (this.#idle.exceededBy(idle)) this.#close();
  }

  #count(budget: Budget): void {
    if (budget.exceededBy(1)) this.#close();
  }

  #close(): void {
    if (this.#session.destroyed) return;
    this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#onFlood();
  }
}

function lookAtAll(): void {
  for (const watch of open) watch.look();
}
