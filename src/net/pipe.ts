// Carries bytes both ways between two sockets, with backpressure, half-close and an idle deadline. Called by flow/splice and
// flow/carry-upgrade.

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { HelloGate, Passed } from '../wire/hello-gate.ts';
import { sweepAfter } from './buffer-sweep.ts';
import { Deadline } from './deadline.ts';
import type { Inlet } from './inlet.ts';
import type { Intake } from './intake.ts';
import { StreamSocket } from './stream-socket.ts';

export type PipeEnd = 'complete' | 'client-error' | 'upstream-error' | 'idle' | 'refused';

export interface Piped {
  readonly end: PipeEnd;
  /** Bytes handed to the client. */
  readonly toClient: number;
  /** Bytes handed to the upstream. */
  readonly toUpstream: number;
}

export interface PipeOptions {
  /** Milliseconds without a byte either way. */
  readonly idleTimeout: number;
  /** What the upstream was dialled with. */
  readonly intake?: Pick<Intake, 'deliverTo' | 'end'>;
  /** Holds back what the client must not say; a tunnel in which it says it ends as `refused`. */
  readonly gate?: HelloGate;
  /** Where it counts, for whoever wants to know before the end. */
  readonly lanes?: Lanes | undefined;
}

/** What was handed on so far. */
export interface Lanes {
  readonly up: Lane;
  readonly down: Lane;
}

export function makeLanes(): Lanes {
  return { up: { bytes: 0, ended: false }, down: { bytes: 0, ended: false } };
}

/**
 * Milliseconds without a byte after which a tunnel is over when one direction has ended. A client may end its half and
 * wait for an answer; an upstream that has ended leaves the client little to say, and many only forget to close.
 */
const AFTER_CLIENT_ENDED = 30_000;
const AFTER_UPSTREAM_ENDED = 1_000;
/** Looks within such a time: a tunnel whose last byte came between two of them lives a quarter longer, not twice. */
const LOOKS = 4;

/** Resolves when both directions have ended, or one broke; both sockets are then destroyed. Never rejects. */
export function pipe(
  inlet: Inlet,
  upstream: Duplex,
  { idleTimeout, intake, gate, lanes }: PipeOptions,
): Promise<Piped> {
  const client = inlet.socket;
  return new Promise((resolve) => {
    let open = 2;
    let done = false;
    const up: Lane = lanes?.up ?? { bytes: 0, ended: false };
    const down: Lane = lanes?.down ?? { bytes: 0, ended: false };
    let seen = 0;
    let quiet = 0;
    let every = 0;

    // Looks whether anything moved: cheaper than a deadline that is moved with every chunk.
    const look = (): void => {
      const moved = up.bytes + down.bytes;
      quiet = moved === seen ? quiet + 1 : 0;
      seen = moved;
      deadline.set(every);
      if (quiet < LOOKS) return;
      if (open === 2 || quiet * every >= idleTimeout) finish('idle');
      // What one side has said and the other has not yet taken is still to be delivered, however slow the reader.
      else if (client.writableLength + upstream.writableLength === 0) finish('complete');
    };
    const deadline = new Deadline(look);
    const watch = (patience: number): void => {
      seen = up.bytes + down.bytes;
      quiet = 0;
      every = Math.ceil(Math.min(patience, idleTimeout) / LOOKS);
      deadline.set(every);
    };
    watch(idleTimeout);

    const finish = (end: PipeEnd): void => {
      if (done) return;
      done = true;
      deadline.end();
      intake?.end();
      client.destroy();
      // RFC 9113 section 8.5: what becomes of a stream by its reset becomes of the connection it stands for.
      if (end === 'client-error' && client instanceof StreamSocket && isPlain(upstream)) upstream.resetAndDestroy();
      else upstream.destroy();
      resolve({ end, toClient: down.bytes, toUpstream: up.bytes });
    };
    const isLast = (): boolean => open === 1;
    const laneEnded = (patience: number) => (): void => {
      if (done) return;
      open -= 1;
      if (open === 0) finish('complete');
      else watch(patience);
    };

    const unlessRefused = (passed: Passed): Uint8Array | undefined => {
      if (passed !== 'refused') return passed;
      finish('refused');
      return undefined;
    };
    const fromClient = (bytes: Uint8Array): Uint8Array | undefined => {
      if (!gate || gate.open) return bytes;
      const passed = unlessRefused(gate.fromClient(bytes));
      if (gate.full) client.pause();
      return passed;
    };
    const fromOrigin = (bytes: Uint8Array): Uint8Array => {
      if (!gate || gate.open) return bytes;
      const released = unlessRefused(gate.fromOrigin(bytes));
      if (released && released.length > 0 && upstream.writable) upstream.write(released);
      if (gate.open) client.resume();
      return bytes;
    };

    // `on` where it is heard once at most: `once` costs three more objects for each.
    client.on('error', () => finish('client-error'));
    upstream.on('error', () => finish('upstream-error'));
    upstream.on('close', () => {
      if (!down.ended || !upstream.writableFinished) finish('upstream-error');
    });
    const downward: Course = { lane: down, ended: laneEnded(AFTER_UPSTREAM_ENDED), isLast, pass: fromOrigin };
    const upward: Course = { lane: up, ended: laneEnded(AFTER_CLIENT_ENDED), isLast, pass: fromClient };
    client.on('drain', () => upstream.resume());
    upstream.on('drain', () => client.resume());
    upstream.on('end', () => sayEnd(client, downward));
    if (intake) {
      intake.deliverTo((piece) => {
        const more = handOn(client, downward, piece);
        return { more, held: client.writableLength > 0 };
      });
    } else {
      upstream.on('data', (piece: Buffer) => {
        sweepAfter(piece.length);
        if (!handOn(client, downward, piece)) upstream.pause();
      });
    }
    upstream.resume();
    inlet.read({
      onPiece: (piece) => {
        sweepAfter(piece.length);
        if (!handOn(upstream, upward, piece)) client.pause();
      },
      onEnd: () => sayEnd(upstream, upward),
      // A side that closes with both its halves at their end is done; what it has said may still be on its way out.
      onClose: () => {
        if (!up.ended || !client.writableFinished) finish('client-error');
      },
    });
    // What it has said before it went is with the client.
    if (upstream.destroyed) finish('upstream-error');
  });
}

interface Lane {
  bytes: number;
  ended: boolean;
}

/** One direction. */
interface Course {
  readonly lane: Lane;
  /** Called when the last byte has been handed over. */
  readonly ended: () => void;
  /** Whether the other direction has ended, its last byte handed over. */
  readonly isLast: () => boolean;
  /** What of these bytes goes on now. */
  readonly pass: (bytes: Uint8Array) => Uint8Array | undefined;
}

/** Only a connection without TLS can be reset by itself. */
function isPlain(stream: Duplex): stream is Socket {
  return stream instanceof Socket && !(stream instanceof TLSSocket);
}

function endsByMessage(to: Duplex): boolean {
  return to instanceof TLSSocket || to instanceof StreamSocket;
}

/** False: there should be no more for now. */
function handOn(to: Duplex, { lane, pass }: Course, piece: Uint8Array): boolean {
  lane.bytes += piece.length;
  const passed = pass(piece);
  return !passed || to.write(passed);
}

function sayEnd(to: Duplex, { lane, ended, isLast }: Course): void {
  lane.ended = true;
  // To close says the end, too, and is all that is left to do; but the end of TLS is a message of its own, and so is
  // that of a stream.
  if (isLast() && to.writableLength === 0 && !endsByMessage(to)) {
    ended();
    return;
  }
  // Told of a failure too: the event 'error' that follows says whose it was.
  to.end((error?: Error | null) => {
    if (!error) ended();
  });
}
