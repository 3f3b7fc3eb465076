// Opening a connection: the first address that answers wins, no other stays open, and waiting has an end.

import { readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dial } from '../../src/net/dial.ts';
import { blackHole } from '../support/black-hole.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { until } from '../support/rig.ts';
import { closed, closedPort, portOf, readBytes } from '../support/socket-pair.ts';

expectNothingLeft();

/** No attempt is under way any more. */
const nothingPending = (): boolean => !process.getActiveResourcesInfo().includes('ConnectWrap');

/** Listens and keeps what it accepts. */
async function listenOn(address: string, port = 0): Promise<{ port: number; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = await new Promise<Server>((resolve, reject) => {
    const opening = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      accepted.push(socket);
    });
    opening.once('error', reject).listen(port, address, () => resolve(opening));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  return { port: portOf(server), accepted };
}

/** The socket, which is closed when the test has ended. */
async function dialled(addresses: readonly string[], port: number, timeout: number) {
  const result = await dial(addresses, port, timeout, connect);
  onTestFinished(() => void result.socket.destroy());
  return result;
}

describe('a dial', () => {
  test('to one address gives a socket that may be half open', async () => {
    const { port, accepted } = await listenOn('127.0.0.1');
    const { socket, address } = await dialled(['127.0.0.1'], port, 20_000);
    expect(address).toBe('127.0.0.1');
    expect(socket.allowHalfOpen).toBe(true);
    socket.end('x');
    await until(() => accepted.length === 1, 'the connection');
    expect((await readBytes(accepted[0] ?? socket, 1)).toString()).toBe('x');
  });

  test('to an IPv6 address works likewise', async () => {
    const { port } = await listenOn('::1');
    expect((await dialled(['::1'], port, 20_000)).address).toBe('::1');
  });

  test('REL-10: of which the first address refuses goes on to the next at once', async () => {
    const { port } = await listenOn('127.0.0.8');
    const begin = performance.now();
    const { address } = await dialled(['127.0.0.7', '127.0.0.6', '127.0.0.8'], port, 20_000);
    expect(address).toBe('127.0.0.8');
    expect(performance.now() - begin).toBeLessThan(200);
  });

  test('REL-10: of which the first address is a black hole tries the next beside it after a quarter of a second', async () => {
    const port = await blackHole('127.0.0.7');
    await listenOn('127.0.0.8', port);
    const begin = performance.now();
    const { address } = await dialled(['127.0.0.7', '127.0.0.8'], port, 5_000);
    expect(address).toBe('127.0.0.8');
    expect(performance.now() - begin).toBeGreaterThan(200);
    expect(performance.now() - begin).toBeLessThan(1_000);
    await until(nothingPending, 'the loser to be closed');
  });

  test.skipIf(process.platform !== 'linux')(
    'DOS-04: of which many are black holes has two sockets pending at a time, and still comes to the good one',
    async () => {
      const port = await blackHole('127.0.0.7');
      await listenOn('127.0.0.8', port);
      const descriptors = (): number => readdirSync('/proc/self/fd').length;
      const base = descriptors();
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, descriptors() - base);
      }, 20);
      onTestFinished(() => clearInterval(watch));
      const holes = Array.from({ length: 5 }, () => '127.0.0.7');
      expect((await dialled([...holes, '127.0.0.8'], port, 5_000)).address).toBe('127.0.0.8');
      // The last hole, the good one, and what was accepted at its other end.
      expect(most).toBeGreaterThanOrEqual(2);
      expect(most).toBeLessThanOrEqual(3);
      await until(nothingPending, 'the losers to be closed');
    },
  );

  test.skipIf(process.platform !== 'linux')(
    'DOS-04: has one of them at a time when many others dial in vain too',
    async () => {
      const port = await blackHole('127.0.0.7');
      const holes = Array.from({ length: 4 }, () => '127.0.0.7');
      const descriptors = (): number => readdirSync('/proc/self/fd').length;
      const base = descriptors();
      const dials = Array.from({ length: 60 }, () =>
        dial(holes, port, 1_500, connect).catch((error: unknown) => error),
      );
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, descriptors() - base);
      }, 20);
      onTestFinished(() => clearInterval(watch));
      for (const error of await Promise.all(dials)) expect(error).toMatchObject({ code: 'connect-timeout' });
      expect(most).toBeGreaterThan(60);
      expect(most).toBeLessThanOrEqual(60 + 32);
      await until(nothingPending, 'the attempts to be closed');
    },
  );

  test('takes the first of several good addresses and opens no other', async () => {
    const first = await listenOn('127.0.0.7');
    const second = await listenOn('127.0.0.8', first.port);
    expect((await dialled(['127.0.0.7', '127.0.0.8'], first.port, 20_000)).address).toBe('127.0.0.7');
    await until(() => first.accepted.length === 1, 'the connection');
    expect(second.accepted).toHaveLength(0);
  });

  test('hands over a socket whose later errors do not end the process', async () => {
    const { port, accepted } = await listenOn('127.0.0.1');
    const { socket } = await dialled(['127.0.0.1'], port, 20_000);
    await until(() => accepted.length === 1, 'the connection');
    accepted[0]?.resetAndDestroy();
    await closed(socket.resume());
    expect(socket.errored).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a dial in vain', () => {
  test('REL-10: because all refuse is connect-failed, with the last address', async () => {
    const port = await closedPort();
    await expect(dial(['127.0.0.7', '127.0.0.8'], port, 20_000, connect)).rejects.toMatchObject({
      code: 'connect-failed',
      peer: '127.0.0.8',
      detail: `connect ECONNREFUSED 127.0.0.8:${port}`,
      cause: { code: 'ECONNREFUSED' },
    });
  });

  test('REL-10: because nobody answers is connect-timeout at the deadline', async () => {
    const port = await blackHole('127.0.0.7');
    const begin = performance.now();
    await expect(dial(['127.0.0.7'], port, 150, connect)).rejects.toMatchObject({
      code: 'connect-timeout',
      status: 504,
      peer: '127.0.0.7',
      detail: `127.0.0.7 port ${port}`,
    });
    await until(nothingPending, 'the attempt to be closed');
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test('because one refuses and the other does not answer is connect-timeout', async () => {
    const port = await blackHole('127.0.0.7');
    await expect(dial(['127.0.0.8', '127.0.0.7'], port, 200, connect)).rejects.toMatchObject({
      code: 'connect-timeout',
    });
  });
});
