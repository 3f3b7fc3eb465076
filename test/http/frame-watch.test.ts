// Frames of no use, counted.

import { connect, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FrameWatch } from '../../src/http/frame-watch.ts';
import { h2Pair } from '../support/h2-pair.ts';

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
