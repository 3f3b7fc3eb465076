// Bytes read into a buffer that is used again: all of them, in order, each piece whole until it is written.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Intake } from '../../src/net/intake.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { portOf } from '../support/socket-pair.ts';

expectNothingLeft();

/** A socket that is read through an intake, and the one at its other end. */
async function dialled(intake: Intake): Promise<{ socket: Socket; far: Socket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const socket = connect({ host: '127.0.0.1', port: portOf(server), onread: intake.onread });
  socket.pause();
  socket.on('error', () => undefined);
  const [far]: Socket[] = await accepted;
  if (!far) throw new Error('no connection');
  far.on('error', () => undefined);
  server.close();
  onTestFinished(() => {
    socket.destroy();
    far.destroy();
  });
  return { socket, far };
}

/** Bytes that say where they stand. */
const numbered = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32BE(at, Math.min(at, length - 4));
  return bytes;
};

describe('an intake', () => {
  test('hands over all bytes in their order, and the end comes after them', async () => {
    const intake = new Intake();
    const { socket, far } = await dialled(intake);
    const sent = numbered(3_000_000);
    const got: Buffer[] = [];
    intake.deliverTo((piece) => {
      got.push(Buffer.from(piece));
      return { held: false, more: true };
    });
    far.end(sent);
    const ended = once(socket, 'end');
    socket.resume();
    await ended;
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  test('uses the buffer again for a piece that is written, and not for one that is held', async () => {
    for (const held of [false, true]) {
      const intake = new Intake();
      const { socket, far } = await dialled(intake);
      const buffers = new Set<ArrayBufferLike>();
      const pieces: { piece: Uint8Array; text: string }[] = [];
      const arrived = new EventTarget();
      intake.deliverTo((piece) => {
        buffers.add(piece.buffer);
        pieces.push({ piece, text: Buffer.from(piece).toString() });
        arrived.dispatchEvent(new Event('piece'));
        return { held, more: true };
      });
      socket.resume();
      for (const text of ['one', 'two', 'three']) {
        const next = once(arrived, 'piece');
        far.write(text);
        await next;
      }
      expect(pieces.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
      expect(buffers.size).toBe(held ? 3 : 1);
      if (held) expect(pieces.map(({ piece }) => Buffer.from(piece).toString())).toEqual(['one', 'two', 'three']);
    }
  });

  test('grows while the buffer is filled, and is small again when it is not', async () => {
    const intake = new Intake();
    const { socket, far } = await dialled(intake);
    const sizes: number[] = [];
    let got = 0;
    const all = Promise.withResolvers<void>();
    const last = Promise.withResolvers<void>();
    intake.deliverTo((piece) => {
      sizes.push(piece.buffer.byteLength);
      got += piece.length;
      if (got === 1_000_000) all.resolve();
      if (got === 1_000_006) last.resolve();
      return { held: false, more: true };
    });
    far.write(Buffer.alloc(1_000_000));
    socket.resume();
    await all.promise;
    far.write('abc');
    // Two pieces: the buffer for the first was chosen before it came.
    await expect.poll(() => got).toBe(1_000_003);
    far.write('def');
    await last.promise;
    expect(sizes[0]).toBe(8_192);
    expect(Math.max(...sizes)).toBe(65_536);
    expect(sizes.at(-1)).toBe(8_192);
  });

  test('asks for no more when that is said, until the socket is resumed', async () => {
    const intake = new Intake();
    const { socket, far } = await dialled(intake);
    const got: string[] = [];
    const arrived = new EventTarget();
    intake.deliverTo((piece) => {
      got.push(Buffer.from(piece).toString());
      arrived.dispatchEvent(new Event('piece'));
      return { held: false, more: false };
    });
    let next = once(arrived, 'piece');
    socket.resume();
    far.write('one');
    await next;
    await new Promise((resolve) => far.write('two', resolve));
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(got).toEqual(['one']);
    next = once(arrived, 'piece');
    socket.resume();
    await next;
    expect(got).toEqual(['one', 'two']);
  });

  test.each([
    ['is read into by the next one', 'written', 'then'],
    ["is nobody else's when a write still holds it", 'held', 'then'],
    ["is nobody else's when it closes while a piece is delivered", 'written', 'meanwhile'],
  ] as const)('the buffer of a closed socket %s', async (_name, piece, closes) => {
    const buffers: ArrayBufferLike[] = [];
    for (const turn of ['first', 'second']) {
      const intake = new Intake();
      const { socket, far } = await dialled(intake);
      const arrived = new EventTarget();
      const next = once(arrived, 'piece');
      intake.deliverTo(({ buffer }) => {
        buffers.push(buffer);
        if (turn === 'first' && closes === 'meanwhile') intake.end();
        arrived.dispatchEvent(new Event('piece'));
        return { held: piece === 'held', more: false };
      });
      socket.resume();
      far.write('x');
      await next;
      if (turn === 'first' && closes === 'then') intake.end();
      socket.destroy();
    }
    expect(buffers.length).toBe(2);
    expect(buffers[0] === buffers[1]).toBe(piece === 'written' && closes === 'then');
  });
});
