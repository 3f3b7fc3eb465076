// Two connections joined into one: what goes in comes out, no more is held than fits, and every way it can end.

import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Inlet } from '../../src/net/inlet.ts';
import type { Deliver } from '../../src/net/intake.ts';
import { type PipeOptions, pipe } from '../../src/net/pipe.ts';
import { HelloGate } from '../../src/wire/hello-gate.ts';
import { hear } from '../support/hear.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, until } from '../support/rig.ts';
import { closed, pourUntilStuck, readBytes, socketPair } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

/** `first`: what the client has said that was put back. */
async function joined(options: Partial<PipeOptions> = {}, first = Buffer.alloc(0)) {
  const [left, right] = await Promise.all([socketPair(), socketPair()]);
  const inlet = new Inlet(left.near);
  inlet.putBack(first);
  const piped = pipe(inlet, right.near, { idleTimeout: 5_000, ...options });
  /** `client` and `origin` are the parties; the proxy's own two sockets lie between them. */
  return { client: left.far, origin: right.far, inner: [left.near, right.near] as const, piped };
}

/**
 * Lets the origin send and end until all of it is in the proxy and some of it stays there, since the client does not
 * read. Gives back the bytes sent.
 */
async function endBehindUndelivered(
  origin: Socket,
  [toClient, fromOrigin]: readonly [Socket, Socket],
): Promise<number> {
  let sent = 0;
  // Below the mark at which the proxy stops reading, so that it comes to see the end.
  const block = Buffer.alloc(16_384);
  for (let stuck = 0; stuck < 20; stuck = toClient.writableLength > 0 ? stuck + 1 : 0) {
    if (toClient.writableLength === 0) {
      origin.write(block);
      sent += block.length;
    }
    while (fromOrigin.bytesRead < sent) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  origin.end();
  await until(() => fromOrigin.readableEnded, 'the end in the proxy');
  expect(toClient.writableLength).toBeGreaterThan(0);
  return sent;
}

/** The type of a TLS record. */
const ALERT = 21;

const write = (socket: Socket, text: string): void => void socket.write(text);

describe('a tunnel', () => {
  test('carries both ways at once and counts the bytes of each', async () => {
    const { client, origin, piped, inner } = await joined();
    const body = randomBytes(3_000_000);
    const digest = (bytes: Buffer | string): string =>
      createHash('sha256')
        .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
        .digest('hex');
    const [up, down] = [readAll(origin), readAll(client)];
    client.end(body.subarray(0, 1_000_000));
    origin.end(body);
    expect(digest(await up)).toBe(digest(body.subarray(0, 1_000_000)));
    expect(digest(await down)).toBe(digest(body));
    expect(await piped).toEqual({ end: 'complete', toClient: 3_000_000, toUpstream: 1_000_000 });
    expect(inner.map((socket) => socket.destroyed)).toEqual([true, true]);
  });

  test('starts with what was put back on the socket', async () => {
    const [left, right] = await Promise.all([socketPair(), socketPair()]);
    left.near.unshift(Buffer.from('hello '));
    const piped = pipe(new Inlet(left.near), right.near, { idleTimeout: 5_000 });
    left.far.end('world');
    right.far.end();
    expect(await readAll(right.far)).toBe('hello world');
    expect(await piped).toMatchObject({ end: 'complete', toUpstream: 11 });
  });

  test('starts with what was put back', async () => {
    const { client, origin, piped } = await joined({}, Buffer.from('hello '));
    client.end('world');
    origin.end();
    expect(await readAll(origin)).toBe('hello world');
    expect(await piped).toMatchObject({ end: 'complete', toUpstream: 11 });
  });

  test('starts with what was put back of a client that has ended since', async () => {
    const [left, right] = await Promise.all([socketPair(), socketPair()]);
    const inlet = new Inlet(left.near);
    left.far.end('hello');
    await hear(inlet);
    inlet.putBack(Buffer.from('hello'));
    const piped = pipe(inlet, right.near, { idleTimeout: 5_000 });
    right.far.write('and ');
    right.far.end('back');
    expect(await Promise.all([readAll(right.far), readAll(left.far)])).toEqual(['hello', 'and back']);
    await piped;
  });

  test('is over before it began when the gate refuses what was put back', async () => {
    const gate = new HelloGate({ accepted: 0, accept: () => true });
    // A handshake record with a ClientHello in it that has nothing in it.
    const first = Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]);
    const { client, origin, piped, inner } = await joined({ gate }, first);
    expect(await piped).toMatchObject({ end: 'refused', toClient: 0 });
    expect(inner.map((socket) => socket.destroyed)).toEqual([true, true]);
    expect(await readAll(origin)).toBe('');
    await closed(client.end().resume());
  });

  test.each(['client', 'origin'] as const)('stops taking from one side while the %s does not read', async (deaf) => {
    const { client, origin, piped, inner } = await joined();
    const [speaker, listener] = deaf === 'client' ? [origin, client] : [client, origin];
    const taken = await pourUntilStuck(speaker, 256 << 20);
    // What the system's own buffers hold on two connections, and no more; ours hold a chunk or two.
    expect(taken).toBeLessThan(64 << 20);
    for (const socket of inner) expect(socket.writableLength + socket.readableLength).toBeLessThan(512 << 10);
    const rest = readBytes(listener, taken);
    expect((await rest).length).toBe(taken);
    client.destroy();
    origin.destroy();
    await piped;
  });
});

describe('a tunnel of which one side has ended its half', () => {
  test('tells a client on TLS so in the words of TLS, also when it was the first to end', async () => {
    const [left, right] = await Promise.all([socketPair(), socketPair()]);
    const ca = new TestCa();
    onTestFinished(() => rmSync(ca.folder, { recursive: true }));
    const pair = ca.leaf({ san: 'DNS:pipe.test' });
    // In TLS 1.2 an alert can be told from what is said, which is encrypted as well.
    const secureContext = createSecureContext({ ...pair, maxVersion: 'TLSv1.2' });
    const near = new TLSSocket(left.near, { isServer: true, secureContext });
    const types: (number | undefined)[] = [];
    const wire = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => void left.far.write(chunk, () => done()),
      final: (done) => void left.far.end(() => done()),
    });
    left.far.on('data', (chunk: Buffer) => {
      types.push(chunk[0]);
      wire.push(chunk);
    });
    left.far.once('end', () => wire.push(null));
    const client = tlsConnect({ socket: wire, rejectUnauthorized: false });
    client.on('error', () => undefined);
    const piped = pipe(new Inlet(near), right.near, { idleTimeout: 5_000 });
    client.end('question');
    expect(await readAll(right.far)).toBe('question');
    expect(types.at(-1)).not.toBe(ALERT);
    right.far.end();
    expect(await piped).toEqual({ end: 'complete', toClient: 0, toUpstream: 8 });
    await closed(left.far);
    expect(types.at(-1)).toBe(ALERT);
  });

  test('still brings the client its answer', async () => {
    const { client, origin, piped } = await joined();
    client.end('question');
    expect(await readAll(origin)).toBe('question');
    origin.end('answer');
    expect(await readAll(client)).toBe('answer');
    expect(await piped).toEqual({ end: 'complete', toClient: 6, toUpstream: 8 });
  });

  test('still brings the origin what the client says', async () => {
    const { client, origin, piped } = await joined();
    origin.end('greeting');
    expect(await readAll(client)).toBe('greeting');
    client.end('reaction');
    expect(await readAll(origin)).toBe('reaction');
    expect(await piped).toEqual({ end: 'complete', toClient: 8, toUpstream: 8 });
  });

  test.each(['client', 'origin'] as const)('the %s, is over when nothing moves any more', async (first) => {
    const { client, origin, piped } = await joined({ idleTimeout: 120 });
    const [early, late] = first === 'client' ? [client, origin] : [origin, client];
    early.end();
    await readAll(late);
    expect(await piped).toMatchObject({ toClient: 0, toUpstream: 0 });
    await closed(late.end());
  });

  test('is not cut while the slow reader still has something to get', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
    onTestFinished(() => {
      // Clocks are lent, and none may go on waiting for a time that does not pass any more.
      vi.runOnlyPendingTimers();
      vi.useRealTimers();
    });
    const { client, origin, piped, inner } = await joined({ idleTimeout: 60_000 });
    client.end('question');
    expect(await readAll(origin)).toBe('question');
    const size = await endBehindUndelivered(origin, inner);
    // Long enough for a half-closed tunnel in which there is nothing to deliver.
    vi.advanceTimersByTime(40_000);
    expect((await readBytes(client, size)).length).toBe(size);
    expect(await piped).toEqual({ end: 'complete', toClient: size, toUpstream: 8 });
  });

  test('loses none of what the client has still to take when the origin closes', async () => {
    const { client, origin, piped, inner } = await joined();
    client.end('question');
    expect(await readAll(origin)).toBe('question');
    const size = await endBehindUndelivered(origin, inner);
    await until(() => inner[1].closed, 'the close of the upstream side');
    expect((await readBytes(client, size)).length).toBe(size);
    expect(await piped).toEqual({ end: 'complete', toClient: size, toUpstream: 8 });
  });

  test('loses none of what the origin has still to take when the client closes', async () => {
    const { client, origin, piped, inner } = await joined();
    origin.end('greeting');
    expect(await readAll(client)).toBe('greeting');
    const size = await endBehindUndelivered(client, [inner[1], inner[0]]);
    await until(() => inner[0].closed, 'the close of the client side');
    expect((await readBytes(origin, size)).length).toBe(size);
    expect(await piped).toEqual({ end: 'complete', toClient: 8, toUpstream: size });
  });
});

describe('a tunnel that breaks', () => {
  test.each([
    ['client', 'client-error'],
    ['origin', 'upstream-error'],
  ] as const)('by a reset of the %s ends as %s and closes the other side', async (side, end) => {
    const { client, origin, piped, inner } = await joined();
    write(client, 'one');
    write(origin, 'three');
    await Promise.all([readBytes(origin, 3), readBytes(client, 5)]);
    const [broken, other] = side === 'client' ? [client, origin] : [origin, client];
    broken.resetAndDestroy();
    expect(await piped).toEqual({ end, toClient: 5, toUpstream: 3 });
    expect(inner.map((socket) => socket.destroyed)).toEqual([true, true]);
    await closed(other.end().resume());
  });

  test('by a reset of the client that has ended its half and not taken its answer ends as client-error', async () => {
    const { client, origin, piped, inner } = await joined();
    client.end('question');
    expect(await readAll(origin)).toBe('question');
    await endBehindUndelivered(origin, inner);
    client.resetAndDestroy();
    expect(await piped).toMatchObject({ end: 'client-error', toUpstream: 8 });
  });

  test('because the origin was gone before gives the client what that had said', async () => {
    const [left, right] = await Promise.all([socketPair(), socketPair()]);
    right.near.destroy();
    const early = { deliverTo: (deliver: Deliver) => void deliver(Buffer.from('goodbye')), end: () => undefined };
    const said = readAll(left.far);
    expect(await pipe(new Inlet(left.near), right.near, { idleTimeout: 5_000, intake: early })).toEqual({
      end: 'upstream-error',
      toClient: 7,
      toUpstream: 0,
    });
    expect(await said).toBe('goodbye');
  });

  test.each(['client', 'upstream'] as const)('because the %s was gone before ends at once', async (side) => {
    const [left, right] = await Promise.all([socketPair(), socketPair()]);
    (side === 'client' ? left : right).near.destroy();
    expect(await pipe(new Inlet(left.near), right.near, { idleTimeout: 5_000 })).toEqual({
      end: `${side}-error`,
      toClient: 0,
      toUpstream: 0,
    });
    expect([left.near.destroyed, right.near.destroyed]).toEqual([true, true]);
  });
});

describe('a tunnel that is cut', () => {
  test('by its idle deadline ends as idle, and not while bytes move', async () => {
    const { client, origin, piped } = await joined({ idleTimeout: 150 });
    const begin = performance.now();
    for (let i = 0; i < 5; i += 1) {
      write(client, 'x');
      await readBytes(origin, 1);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(await piped).toEqual({ end: 'idle', toClient: 0, toUpstream: 5 });
    expect(performance.now() - begin).toBeGreaterThan(300);
  });

  test('DOS-02: by its idle deadline ends a quarter later at most, whenever its last byte came', async () => {
    const { client, origin, piped } = await joined({ idleTimeout: 600 });
    await new Promise((resolve) => setTimeout(resolve, 40));
    write(client, 'x');
    await readBytes(origin, 1);
    const begin = performance.now();
    expect(await piped).toEqual({ end: 'idle', toClient: 0, toUpstream: 1 });
    const took = performance.now() - begin;
    expect(took).toBeGreaterThanOrEqual(600);
    // A quarter is 150; the rest is for a busy machine. Once per deadline would be 1,160.
    expect(took).toBeLessThan(1_000);
  });

  test('from our side, as at the end of a drain, ends at once, its unread bytes with it', async () => {
    const { client, origin, piped, inner } = await joined();
    const toClient = await endBehindUndelivered(origin, inner);
    inner[0].destroy();
    expect(await piped).toEqual({ end: 'client-error', toClient, toUpstream: 0 });
    expect(inner[1].destroyed).toBe(true);
    await closed(client.end().resume());
  });
});
