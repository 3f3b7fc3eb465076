// Frames of no use, counted.

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Budget } from '../../src/http/budget.ts';
import { FrameWatch } from '../../src/http/frame-watch.ts';
import { h2Origin, h2Through, replyOf } from '../support/h2.ts';
import { h2Pair } from '../support/h2-pair.ts';
import { startRig, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

/** A socket that nothing comes on: here only frames are counted. */
async function quietSocket() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  return socket;
}

describe('a watch', () => {
  test('lets pass the pings of a client that measures', async () => {
    const { client, server } = await h2Pair({ maxOutstandingPings: 100 });
    let floods = 0;
    const watch = new FrameWatch(server, await quietSocket(), () => {
      floods += 1;
    });
    await Promise.all(Array.from({ length: 100 }, () => new Promise((resolve) => client.ping(resolve))));
    expect(floods).toBe(0);
    expect(server.destroyed).toBe(false);
    watch.end();
  });

  test.each([
    ['ping', 2_000],
    ['remoteSettings', 20],
  ])('ends a session that is flooded with what is told as %s, and tells of it once', async (event, most) => {
    const { server } = await h2Pair();
    let floods = 0;
    const watch = new FrameWatch(server, await quietSocket(), () => {
      floods += 1;
    });
    for (let at = 0; at < most; at += 1) server.emit(event, {});
    expect(floods).toBe(0);
    for (let at = 0; at < most; at += 1) server.emit(event, {});
    expect(floods).toBe(1);
    expect(server.destroyed).toBe(true);
    watch.end();
  });
});

class CountedSocket extends Socket {
  override bytesRead = 0;
  override bytesWritten = 0;
}

describe('the bytes of a connection', () => {
  const SECOND = 40 << 20;

  test.each<[string, (watch: FrameWatch) => void]>([
    ['heads', (watch) => watch.noteHead(['x-long', 'a'.repeat(SECOND)])],
    ['bodies', (watch) => watch.noteData(SECOND)],
    // Nine bytes of each frame are its header (RFC 9113 section 4.1).
    [
      'tiny pieces of bodies',
      (watch) => {
        for (let at = 0; at < SECOND / 10; at += 1) watch.noteData(1);
      },
    ],
  ])('are well spent on %s, on nothing else', async (_, note) => {
    const { server } = await h2Pair();
    const socket = new CountedSocket();
    let floods = 0;
    const watch = new FrameWatch(server, socket, () => {
      floods += 1;
    });
    onTestFinished(() => watch.end());
    for (let second = 0; second < 5; second += 1) {
      socket.bytesRead += SECOND;
      note(watch);
      watch.look();
    }
    expect([floods, server.destroyed]).toEqual([0, false]);
    socket.bytesRead += SECOND;
    watch.look();
    expect([floods, server.destroyed]).toEqual([1, true]);
  });

  // It is looked at within this process.
  test.skipIf(WORKERS > 1)(
    'are all accounted for on both sides of the proxy, whatever has heads and trailers only',
    async () => {
      const ca = new TestCa();
      onTestFinished(() => rmSync(ca.folder, { recursive: true }));
      const noise = (): string => randomBytes(750).toString('base64');
      const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream) => {
        stream.resume();
        stream.additionalHeaders({ ':status': 103, 'x-noise': noise() });
        stream.respond({ ':status': 200, 'x-noise': noise() }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-noise': noise() }));
        stream.end();
      });
      onTestFinished(() => origin.close());
      const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const }] };
      const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy });
      const session = await h2Through(rig, `ok.test:${origin.port}`);
      const idle = new Map<unknown, number>();
      const spent = vi.spyOn(Budget.prototype, 'exceededBy').mockImplementation(function (this: Budget, bytes: number) {
        idle.set(this, (idle.get(this) ?? 0) + bytes);
        return false;
      });
      onTestFinished(() => spent.mockRestore());
      const COUNT = 200;
      for (let at = 0; at < COUNT; at += 1) {
        const head = { ':method': 'POST', ':path': '/', 'x-noise': noise() };
        const stream = session.request(head, { endStream: false, waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-noise': noise() }));
        stream.end();
        expect((await replyOf(stream)).status).toBe(200);
      }
      // A look at all of them, with what has come last.
      const looks = spent.mock.calls.length;
      await expect.poll(() => spent.mock.calls.length, { timeout: 5_000 }).toBeGreaterThan(looks + 3);
      expect(idle.size).toBeGreaterThan(1);
      // A head that nobody counts is a kilobyte of each exchange.
      for (const bytes of idle.values()) expect(bytes).toBeLessThan(COUNT * 200);
    },
  );
});
