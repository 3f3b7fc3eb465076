// Carries bytes both ways between two sockets, with backpressure, half-close and an idle deadline. Called by flow/splice.

import type { Duplex } from 'node:stream';
import { sweepAfter } from './buffer-sweep.ts';
import type { Intake } from './intake.ts';

export type PipeEnd = 'complete' | 'client-error' | 'upstream-error' | 'idle' | 'cut';

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
  /** Cuts the tunnel at once, as at the end of a drain. */
  readonly signal?: AbortSignal;
  /** What the upstream was dialled with. */
  readonly intake?: Intake;
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
export function pipe(client: Duplex, upstream: Duplex, { idleTimeout, signal, intake }: PipeOptions): Promise<Piped> {
  return new Promise((resolve) => {
    let open = 2;
    let done = false;
    const up: Lane = { bytes: 0, ended: false };
    const down: Lane = { bytes: 0, ended: false };
    let seen = 0;
    let quiet = 0;
    let every = 0;
    let timer: NodeJS.Timeout | undefined;

    // A timer that looks whether anything moved: cheaper than one re-armed with every chunk.
    const look = (): void => {
      const moved = up.bytes + down.bytes;
      quiet = moved === seen ? quiet + 1 : 0;
      seen = moved;
      if (quiet < LOOKS) return;
      if (open === 2 || quiet * every >= idleTimeout) finish('idle');
      // What one side has said and the other has not yet taken is still to be delivered, however slow the reader.
      else if (client.writableLength + upstream.writableLength === 0) finish('complete');
    };
    const watch = (patience: number): void => {
      clearInterval(timer);
      seen = up.bytes + down.bytes;
      quiet = 0;
      every = Math.ceil(Math.min(patience, idleTimeout) / LOOKS);
      timer = setInterval(look, every);
    };
    watch(idleTimeout);
    const cut = (): void => finish('cut');

    const finish = (end: PipeEnd): void => {
      if (done) return;
      done = true;
      clearInterval(timer);
      signal?.removeEventListener('abort', cut);
      client.destroy();
      upstream.destroy();
      resolve({ end, toClient: down.bytes, toUpstream: up.bytes });
    };
    const laneEnded = (patience: number) => (): void => {
      if (done) return;
      open -= 1;
      if (open === 0) finish('complete');
      else watch(patience);
    };

    carry(client, upstream, up, laneEnded(AFTER_CLIENT_ENDED));
    carry(upstream, client, down, laneEnded(AFTER_UPSTREAM_ENDED), intake);
    client.once('error', () => finish('client-error'));
    upstream.once('error', () => finish('upstream-error'));
    // A side that closes with both its halves at their end is done; what it has said may still be on its way out.
    client.once('close', () => {
      if (!up.ended || !client.writableFinished) finish('client-error');
    });
    upstream.once('close', () => {
      if (!down.ended || !upstream.writableFinished) finish('upstream-error');
    });
    if (signal?.aborted) cut();
    signal?.addEventListener('abort', cut, { once: true });
    if (client.destroyed) finish('client-error');
    if (upstream.destroyed) finish('upstream-error');
  });
}

interface Lane {
  bytes: number;
  ended: boolean;
}

function carry(from: Duplex, to: Duplex, lane: Lane, ended: () => void, intake?: Intake): void {
  if (intake) {
    intake.deliverTo((piece) => {
      lane.bytes += piece.length;
      const more = to.write(piece);
      return { more, held: to.writableLength > 0 };
    });
  } else {
    from.on('data', (chunk: Buffer) => {
      lane.bytes += chunk.length;
      sweepAfter(chunk.length);
      if (!to.write(chunk)) from.pause();
    });
  }
  to.on('drain', () => from.resume());
  from.once('end', () => {
    lane.ended = true;
    // Told of a failure too: the event 'error' that follows says whose it was.
    to.end((error?: Error | null) => {
      if (!error) ended();
    });
  });
  from.resume();
}
