// Handshakes of one client: so many at once, the others in their turn.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { failedHandshake } from '../../src/flow/shake-hands.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { connectThrough, dialProxy, get, readAll, startRig, tlsThrough } from '../support/rig.ts';

expectNothingLeft();

const OWN = 'sallyport.internal:443';

/** Sends a real ClientHello into a tunnel and never looks at the answer. */
async function stall(port: number): Promise<Socket> {
  const { socket } = await connectThrough(port, OWN);
  return greet(socket);
}

async function greet(socket: Socket): Promise<Socket> {
  const sent = new Promise<void>((resolve) => {
    const half = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        socket.write(chunk, done);
        resolve();
      },
    });
    const tls = connectTls({ socket: half, servername: 'sallyport.internal' });
    tls.on('error', () => undefined);
    onTestFinished(() => void tls.destroy());
  });
  await sent;
  return socket;
}

describe('a handshake beyond the share of a client', () => {
  test('waits until one of the others is over', async () => {
    const rig = await startRig({ limits: { handshakesPerClient: 1 } });
    const stalled = await stall(rig.port);
    // The answer of the proxy has come: that handshake is under way.
    await new Promise((resolve) => stalled.once('readable', resolve));
    const order: string[] = [];
    const second = tlsThrough(rig.port, OWN, { ca: rig.ca }).then((tls) => {
      order.push('second is secure');
      return tls;
    });
    const third = await connectThrough(rig.port, OWN);
    order.push('the first goes away');
    third.socket.destroy();
    stalled.destroy();
    expect(await get(await second, 'sallyport.internal')).toMatch(/^HTTP\/1\.1 200 /);
    expect(order).toEqual(['the first goes away', 'second is secure']);
  });

  test('whose turn does not come in time is closed, and the line says why', async () => {
    // It waits for half of that, and must have begun to within the other half.
    const rig = await startRig({ limits: { handshakesPerClient: 1, handshakeTimeout: 3_000 } });
    const first = await stall(rig.port);
    await new Promise((resolve) => first.once('readable', resolve));
    const second = await stall(rig.port);
    expect(await readAll(second)).toBe('');
    const entries = await rig.entries(2);
    expect(entries.map(({ error }) => error).sort()).toEqual(['client-limit', 'client-tls']);
  });
});

describe('the context of a handshake, so long as that waits for its turn and is under way,', () => {
  /** What became of each loan so far. */
  function watchLoans(): () => Promise<string[]> {
    const spy = vi.spyOn(LeafStore.prototype, 'lend');
    onTestFinished(() => spy.mockRestore());
    return () =>
      Promise.all(
        spy.mock.results.map(async ({ value }) => Promise.race([value.then(() => 'over'), setImmediate('on loan')])),
      );
  }

  test.each([
    ['in a tunnel', stall],
    ['to the proxy itself', async (port: number) => greet(await dialProxy(port))],
  ])('is on loan: %s', async (_where, begin) => {
    const loans = watchLoans();
    const rig = await startRig({ limits: { handshakesPerClient: 1 } });
    const first = await begin(rig.port);
    // The answer of the proxy has come: that handshake is under way.
    await new Promise((resolve) => first.once('readable', resolve));
    const second = await begin(rig.port);
    await vi.waitUntil(async () => (await loans()).length === 2);
    expect(await loans()).toEqual(['on loan', 'on loan']);
    first.destroy();
    await new Promise((resolve) => second.once('readable', resolve));
    expect(await loans()).toEqual(['over', 'on loan']);
    second.destroy();
    await vi.waitUntil(async () => (await loans())[1] === 'over');
  });
});

test.each([
  [
    { outcome: 'rejected', alert: 'unknown_ca', confidence: 'certain' } as const,
    'client-rejected-certificate',
    'Its alert: unknown_ca.',
  ],
  [
    { outcome: 'rejected', alert: 'none', confidence: 'likely' } as const,
    'client-rejected-certificate',
    'It broke off the handshake without an alert.',
  ],
  [{ outcome: 'timeout' } as const, 'client-tls', 'No end of the handshake in time.'],
  [{ outcome: 'crowded' } as const, 'client-limit', 'Too many handshakes at once.'],
  [{ outcome: 'failed', reason: 'no shared cipher' } as const, 'client-tls', 'no shared cipher'],
])('a handshake that ended as %o is told as %s', (handshake, code, detail) => {
  expect(failedHandshake(handshake).failure).toMatchObject({ code, detail });
});
