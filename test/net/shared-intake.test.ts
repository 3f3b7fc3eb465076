// Connections read into one buffer: each gets its own bytes, all of them and in order, as long as it takes them at once.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type OnReadOpts, type Socket } from 'node:net';
import { createServer as createSecureServer, connect as tlsConnect } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { SharedIntake } from '../../src/net/shared-intake.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { closed, portOf } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

const ca = new TestCa();
const leaf = ca.leaf({ san: 'DNS:in.test' });
afterAll(() => rmSync(ca.folder, { recursive: true }));

interface Opened {
  readonly intake: SharedIntake;
  /** Read through the intake; paused when it is plain. */
  readonly socket: Socket;
  readonly far: Socket;
}

const KINDS = {
  plain: {
    listen: () => createServer(),
    accepts: 'connection',
    dial: (port: number, onread: OnReadOpts): Socket => connect({ host: '127.0.0.1', port, onread }).pause(),
    stands: 'connect',
  },
  secure: {
    listen: () => createSecureServer(leaf),
    accepts: 'secureConnection',
    dial: (port: number, onread: OnReadOpts): Socket => {
      // Passed on to the socket, though its type does not say so.
      const options = { host: '127.0.0.1', port, onread, ca: ca.root, servername: 'in.test' };
      return tlsConnect(options);
    },
    stands: 'secureConnect',
  },
} as const;
type Kind = keyof typeof KINDS;
const BOTH = ['plain', 'secure'] as const;

async function open(kind: Kind): Promise<Opened> {
  const { listen, accepts, dial, stands } = KINDS[kind];
  const server = listen();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<Socket>((resolve) => server.once(accepts, resolve));
  const intake = new SharedIntake();
  const socket = dial(portOf(server), intake.onread);
  socket.on('error', () => undefined);
  const [far] = await Promise.all([accepted, once(socket, stands)]);
  far.on('error', () => undefined);
  server.close();
  onTestFinished(() => {
    socket.destroy();
    far.destroy();
  });
  return { intake, socket, far };
}

/** Bytes that say whose they are and where they stand. */
function numbered(owner: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32BE(((owner << 28) | at) >>> 0, Math.min(at, length - 4));
  return bytes;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

describe('connections that share the buffer', () => {
  test.each([
    ['plain', 'plain'],
    ['secure', 'secure'],
    ['plain', 'secure'],
  ] as const)('one %s and one %s, get their own bytes each, and the end behind them', async (...kinds) => {
    const length = 6_000_000;
    const opened = await Promise.all(kinds.map(open));
    const got: Buffer[][] = opened.map(() => []);
    /** Whose piece came, as often as it was another's than before. */
    let switches = 0;
    let last = -1;
    const buffers = new Set<ArrayBufferLike>();
    opened.forEach(({ intake }, owner) => {
      const deliver = (piece: Buffer): void => {
        buffers.add(piece.buffer);
        got[owner]?.push(Buffer.from(piece));
        if (last !== owner) switches += 1;
        last = owner;
      };
      expect(intake.deliverTo(deliver)).toBe(true);
    });
    const ends = opened.map(({ socket }) => once(socket, 'end'));
    opened.forEach(({ far, socket }, owner) => {
      far.end(numbered(owner, length));
      socket.resume();
    });
    await Promise.all(ends);
    got.forEach((pieces, owner) => {
      expect(Buffer.concat(pieces).equals(numbered(owner, length))).toBe(true);
    });
    expect(switches).toBeGreaterThan(2);
    expect(buffers.size).toBe(1);
  });

  test('have it in turn: a piece that was kept is the next one', async () => {
    const [one, other] = await Promise.all([open('plain'), open('plain')]);
    const kept = Promise.withResolvers<Buffer>();
    one.intake.deliverTo(kept.resolve);
    one.socket.resume();
    one.far.write('mine');
    const piece = await kept.promise;
    expect(piece.toString()).toBe('mine');
    const next = Promise.withResolvers<Buffer>();
    other.intake.deliverTo(next.resolve);
    other.socket.resume();
    other.far.write('thine');
    expect((await next.promise).toString()).toBe('thine');
    expect(piece.toString()).toBe('thin');
  });
});

describe('a shared intake', () => {
  test.each(BOTH)('of a %s connection says that something came before anybody heard it', async (kind) => {
    const { intake, socket, far } = await open(kind);
    socket.resume();
    const before = socket.bytesRead;
    far.write('early');
    await expect.poll(() => socket.bytesRead).toBeGreaterThan(before);
    // With TLS, its own bytes are counted as well.
    await turns(20);
    expect(intake.deliverTo(() => undefined)).toBe(false);
  });

  test.each(BOTH)('of a %s connection has lost nothing when nothing came before', async (kind) => {
    const { intake, socket, far } = await open(kind);
    await turns(20);
    const got = Promise.withResolvers<string>();
    expect(intake.deliverTo((piece) => got.resolve(piece.toString()))).toBe(true);
    socket.resume();
    far.write('late');
    expect(await got.promise).toBe('late');
  });

  test('delivers to the one that was named last', async () => {
    const { intake, socket, far } = await open('plain');
    const got: string[] = [];
    const arrived = new EventTarget();
    for (const name of ['first', 'second']) {
      expect(
        intake.deliverTo((piece) => {
          got.push(`${name}: ${piece}`);
          arrived.dispatchEvent(new Event('piece'));
        }),
      ).toBe(true);
      socket.resume();
      const next = once(arrived, 'piece');
      far.write(name);
      await next;
    }
    expect(got).toEqual(['first: first', 'second: second']);
  });

  test('delivers no more to a connection that was paused from there, until it is resumed', async () => {
    const { intake, socket, far } = await open('plain');
    const length = 3_000_000;
    const got: Buffer[] = [];
    const arrived = new EventTarget();
    intake.deliverTo((piece) => {
      got.push(Buffer.from(piece));
      socket.pause();
      arrived.dispatchEvent(new Event('piece'));
    });
    far.write(numbered(5, length));
    for (let bytes = 0; bytes < length; bytes = got.reduce((sum, { length }) => sum + length, 0)) {
      const pieces = got.length;
      const next = once(arrived, 'piece');
      socket.resume();
      await next;
      await turns(3);
      expect(got.length).toBe(pieces + 1);
    }
    expect(got.length).toBeGreaterThan(10);
    expect(Buffer.concat(got).equals(numbered(5, length))).toBe(true);
  });

  test('of a secure connection that was paused from there still gets what is decrypted, and then no more', async () => {
    const { intake, socket, far } = await open('secure');
    const length = 8_000_000;
    const got: Buffer[] = [];
    const first = Promise.withResolvers<void>();
    intake.deliverTo((piece) => {
      got.push(Buffer.from(piece));
      socket.pause();
      first.resolve();
    });
    const ended = once(socket, 'end');
    far.end(numbered(6, length));
    socket.resume();
    await first.promise;
    await turns(50);
    const early = got.reduce((sum, piece) => sum + piece.length, 0);
    // What one read of the socket below holds, and no second.
    expect(early).toBeLessThanOrEqual(131_072);
    const goOn = setInterval(() => socket.resume(), 0);
    onTestFinished(() => clearInterval(goOn));
    await ended;
    expect(Buffer.concat(got).equals(numbered(6, length))).toBe(true);
  });

  test('leaves a reset to the close of the socket', async () => {
    const { intake, socket, far } = await open('plain');
    const got = Promise.withResolvers<void>();
    intake.deliverTo(() => got.resolve());
    socket.resume();
    far.write('x');
    await got.promise;
    const ends: string[] = [];
    socket.on('end', () => ends.push('end'));
    far.resetAndDestroy();
    await closed(socket);
    expect(ends).toEqual([]);
  });
});
