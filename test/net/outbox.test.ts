// What is sent through an outbox: all of it, in order, from bytes that may be others' at once; in few writes; and no more of
// it waiting than fits.

import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import fc from 'fast-check';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Outbox } from '../../src/net/outbox.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { until } from '../support/rig.ts';
import { closed, readBytes, type SocketPair, socketPair } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

const ca = new TestCa();
const secureContext = createSecureContext(ca.leaf({ san: 'DNS:out.test' }));
afterAll(() => rmSync(ca.folder, { recursive: true }));

/** Of one write, as the outbox has it. */
const CHUNK = 65_536;

/** A socket pair with TLS on it; `near` is the server. */
async function securePair(): Promise<SocketPair> {
  const below = await socketPair();
  const near = new TLSSocket(below.near, { isServer: true, secureContext });
  const far = tlsConnect({ socket: below.far, ca: ca.root, servername: 'out.test' });
  for (const socket of [near, far]) socket.on('error', () => undefined);
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  await new Promise((resolve) => far.once('secureConnect', resolve));
  return { near, far };
}

const PAIRS = [
  ['plain', socketPair],
  ['secure', securePair],
] as const;

interface Opened extends SocketPair {
  readonly outbox: Outbox;
  /** For each call of `onRoom`, whether the outbox was full at that moment. */
  readonly rooms: boolean[];
}

async function open(pair: () => Promise<SocketPair> = socketPair): Promise<Opened> {
  const { near, far } = await pair();
  const rooms: boolean[] = [];
  const outbox = new Outbox(near, () => rooms.push(outbox.full));
  return { near, far, outbox, rooms };
}

/** Bytes of which each says where it stands, as far as a byte can; a period that is no divisor of a chunk. */
function numbered(from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (from + at) % 251;
  return bytes;
}

/** Resolves when all of it is handed over. */
const sent = (outbox: Outbox, pieces: readonly (string | Buffer)[]): Promise<void> =>
  new Promise((resolve) => outbox.send(pieces, resolve));

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

/** Sends until the system takes no more and the outbox is full of what waits; gives back the bytes sent. */
async function stuff({ near, outbox }: Opened): Promise<number> {
  let length = 0;
  for (let still = 0, written = -1; still < 50; still = near.bytesWritten === written ? still + 1 : 0) {
    written = near.bytesWritten;
    while (!outbox.full) {
      outbox.send([numbered(length, 50_000)]);
      length += 50_000;
    }
    await turns(1);
  }
  return length;
}

const pieceSize = fc.oneof(
  fc.nat(20),
  fc.nat(5_000),
  fc.nat(CHUNK + 5_000),
  fc.constantFrom(0, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK),
);
const piece = fc.record({ size: pieceSize, text: fc.boolean() });
/** One call of `send`, in the turn of the one before or in a later one. */
const sending = fc.record({ pieces: fc.array(piece, { maxLength: 3 }), later: fc.boolean() });

describe('what is sent', () => {
  test.each(PAIRS)('arrives in order over a %s connection, whatever the sizes of the pieces', async (_name, pair) => {
    const { far, outbox } = await open(pair);
    await fc.assert(
      fc.asyncProperty(fc.array(sending, { maxLength: 6 }), async (sendings) => {
        const all: Buffer[] = [];
        let length = 0;
        for (const { pieces, later } of sendings) {
          if (later) await turns(1);
          const given = pieces.map(({ size, text }) => {
            const bytes = numbered(length, size);
            length += size;
            all.push(bytes);
            return text ? bytes.toString('latin1') : Buffer.from(bytes);
          });
          outbox.send(given);
        }
        const read = length > 0 ? readBytes(far, length) : Buffer.alloc(0);
        const out = sent(outbox, []);
        // By its content: a report on buffers that differ would be longer than they are.
        expect(Buffer.concat(all).equals(await read)).toBe(true);
        await out;
      }),
      { numRuns: 60 },
    );
    far.resume();
    await turns(20);
    // Nothing came behind the last byte.
    expect(far.readableLength).toBe(0);
  });

  test.each(PAIRS)('over a %s connection may be overwritten as soon as send has returned', async (_name, pair) => {
    const { near, far, outbox } = await open(pair);
    let length = 0;
    // Until the system takes no more: from then on, what is sent waits with us.
    while (!outbox.full || near.writableLength === 0) {
      const bytes = numbered(length, 100_000);
      length += bytes.length;
      outbox.send([bytes.subarray(0, 99_999), bytes.subarray(99_999)]);
      bytes.fill(0);
      if (outbox.full) await turns(5);
    }
    const got = await readBytes(far, length);
    expect(got.equals(numbered(0, length))).toBe(true);
  });

  test('is text in Latin-1', async () => {
    const { far, outbox } = await open();
    outbox.send(['caf\xe9 ', Buffer.from([0xff, 0]), '\x80\n']);
    expect((await readBytes(far, 9)).toString('latin1')).toBe('caf\xe9 \xff\0\x80\n');
  });

  test('while a write is on its way goes out with the next, in as few as there are chunks', async () => {
    const { near, far, outbox } = await open();
    const write = vi.spyOn(near, 'write');
    for (let at = 0; at < 20; at += 1) outbox.send([`${at}`.padStart(1_000, '.')]);
    expect(write).toHaveBeenCalledTimes(1);
    await sent(outbox, []);
    expect(write.mock.calls.map(([bytes]) => bytes.length)).toEqual([1_000, 19_000]);
    write.mockClear();
    for (let at = 0; at < 20; at += 1) outbox.send([Buffer.alloc(10_000)]);
    await sent(outbox, []);
    expect(write.mock.calls.map(([bytes]) => bytes.length)).toEqual([10_000, CHUNK, CHUNK, 190_000 - 2 * CHUNK]);
    expect((await readBytes(far, 220_000)).toString('latin1', 19_990, 20_002)).toBe('........19\0\0');
  });

  test('uses the chunks of what is out again, also for another connection', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    const buffers: ArrayBufferLike[] = [];
    for (const { near, far, outbox } of [one, other]) {
      const write = vi.spyOn(near, 'write');
      far.resume();
      for (const text of ['first', 'second']) await sent(outbox, [text]);
      for (const [bytes] of write.mock.calls) if (typeof bytes !== 'string') buffers.push(bytes.buffer);
    }
    expect(buffers).toHaveLength(4);
    expect(new Set(buffers).size).toBe(1);
  });
});

describe('an outbox to a side that does not read', () => {
  test.each(PAIRS)('over a %s connection is full until that reads again, and says so then', async (_name, pair) => {
    const opened = await open(pair);
    const { near, far, outbox, rooms } = opened;
    const length = await stuff(opened);
    expect(outbox.full).toBe(true);
    // Of one write, not of all that waits.
    expect(near.writableLength).toBeGreaterThan(0);
    expect(near.writableLength).toBeLessThanOrEqual(CHUNK);
    const before = rooms.length;
    const out = sent(outbox, []);
    const read = readBytes(far, length);
    await out;
    expect((await read).equals(numbered(0, length))).toBe(true);
    expect(rooms.slice(before)).toEqual([false]);
    expect(rooms).not.toContain(true);
    expect(outbox.full).toBe(false);
  });

  test('says nothing of room while more waits than may', async () => {
    const opened = await open();
    const { far, outbox, rooms } = opened;
    const length = await stuff(opened);
    const before = rooms.length;
    // Nobody should: what is decrypted comes even so.
    outbox.send([numbered(length, 10 * CHUNK)]);
    const out = sent(outbox, []);
    const read = readBytes(far, length + 10 * CHUNK);
    await out;
    expect((await read).equals(numbered(0, length + 10 * CHUNK))).toBe(true);
    expect(rooms.slice(before)).toEqual([false]);
  });

  test('goes on with what is sent from within the call that says there is room', async () => {
    const { near, far } = await socketPair();
    let length = 0;
    const all = 20_000_000;
    const more = (): void => {
      while (!outbox.full && length < all) {
        outbox.send([numbered(length, 40_000)]);
        length += 40_000;
      }
    };
    const outbox = new Outbox(near, more);
    more();
    const got = await readBytes(far, all);
    expect(got.equals(numbered(0, all))).toBe(true);
  });
});

describe('the end of what is sent', () => {
  test.each(PAIRS)('is told once, when the last byte of a %s connection is handed over', async (_name, pair) => {
    const opened = await open(pair);
    const { near, far, outbox } = opened;
    const length = await stuff(opened);
    const ends: number[] = [];
    outbox.send(['the last'], () => ends.push(near.writableLength));
    await turns(20);
    expect(ends).toEqual([]);
    expect((await readBytes(far, length + 8)).toString('latin1', length)).toBe('the last');
    await until(() => ends.length > 0, 'the end');
    await turns(20);
    expect(ends).toEqual([0]);
  });

  test('is not told again for what is sent behind it', async () => {
    const { far, outbox } = await open();
    const onOut = vi.fn();
    outbox.send(['one'], onOut);
    await until(() => onOut.mock.calls.length > 0, 'the end');
    outbox.send(['two']);
    expect((await readBytes(far, 6)).toString()).toBe('onetwo');
    await turns(20);
    expect(onOut).toHaveBeenCalledTimes(1);
  });

  test.each(PAIRS)('is not told when the %s socket is destroyed before', async (_name, pair) => {
    const opened = await open(pair);
    const { near, outbox, rooms } = opened;
    await stuff(opened);
    const before = rooms.length;
    const onOut = vi.fn();
    outbox.send(['the last'], onOut);
    near.destroy();
    await closed(near);
    await turns(20);
    expect(onOut).not.toHaveBeenCalled();
    expect(rooms.length).toBe(before);
  });
});

describe('an outbox whose socket is gone', () => {
  const gone: readonly (readonly [string, (pair: SocketPair) => Socket])[] = [
    ['is destroyed', ({ near }) => near.destroy()],
    [
      'is reset by the other side',
      ({ near, far }) => {
        far.resetAndDestroy();
        return near.resume();
      },
    ],
  ];
  test.each(gone)('because it %s takes what is sent, and throws and tells nothing', async (_name, end) => {
    for (const busy of [true, false]) {
      const opened = await open();
      const { near, outbox, rooms } = opened;
      if (busy) await stuff(opened);
      const before = rooms.length;
      await closed(end(opened));
      const onOut = vi.fn();
      for (let at = 0; at < 5; at += 1) outbox.send(['text', Buffer.alloc(100_000)], onOut);
      await turns(20);
      expect(near.destroyed).toBe(true);
      expect(onOut).not.toHaveBeenCalled();
      expect(rooms.length).toBe(before);
    }
  });

  test('does not write what another one sends from a buffer that the system may still have', async () => {
    const opened = await open();
    const { near } = opened;
    const write = vi.spyOn(near, 'write');
    await stuff(opened);
    const lost = write.mock.lastCall?.[0];
    near.destroy();
    await closed(near);
    const other = await open();
    const written = vi.spyOn(other.near, 'write');
    other.far.resume();
    for (let at = 0; at < 50; at += 1) other.outbox.send([Buffer.alloc(CHUNK)]);
    await sent(other.outbox, []);
    const isLost = (bytes: unknown): boolean =>
      bytes instanceof Buffer && lost instanceof Buffer && bytes.buffer === lost.buffer;
    expect(isLost(lost)).toBe(true);
    expect(written.mock.calls.length).toBeGreaterThan(40);
    expect(written.mock.calls.some(([bytes]) => isLost(bytes))).toBe(false);
  });
});
