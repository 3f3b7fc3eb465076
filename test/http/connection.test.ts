// What is counted on one client connection: exchanges, and the bytes of each reply.

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { beginSession } from '../../src/core/session.ts';
import { breakOff, connectionOn, countExchange, replied, takeWritten } from '../../src/http/connection.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, readUntil } from '../support/rig.ts';
import { socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const session = beginSession({ address: '127.0.0.1', port: 1 }, { address: '127.0.0.1', port: 2 });

describe('a connection', () => {
  test('starts at the bytes that were written on its socket before, as by the answer to a CONNECT', async () => {
    const { near, far } = await socketPair();
    near.write('HTTP/1.1 200 OK\r\n\r\n');
    await readUntil(far, '\r\n\r\n');
    const connection = connectionOn(near, session);
    expect(takeWritten(connection)).toBe(0);
    near.write('12345');
    expect(takeWritten(connection)).toBe(5);
    expect(takeWritten(connection)).toBe(0);
    near.write('6');
    expect(takeWritten(connection)).toBe(1);
  });

  test('tells of its first request, and of that only', async () => {
    const { near } = await socketPair();
    let told = 0;
    const connection = connectionOn(near, session);
    connection.onFirstRequest = () => {
      told += 1;
    };
    countExchange(connection);
    countExchange(connection);
    expect([connection.exchanges, told]).toEqual([2, 1]);
  });

  test.each(['itself', 'its carrier'])('that is broken off resets %s', async (which) => {
    const { near, far } = await socketPair();
    const above = await socketPair();
    const connection =
      which === 'itself' ? connectionOn(near, session) : connectionOn(above.near, session, undefined, near);
    expect(connection.carrier).toBe(which === 'itself' ? undefined : near);
    const reset = once(far, 'error');
    far.resume();
    breakOff(connection);
    expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(connection.socket.destroyed).toBe(true);
  });
});

describe('a reply', () => {
  /** Two requests at once on one connection; `cut`: the client goes away after the first bytes of the first reply. */
  async function exchange(cut: boolean) {
    const results: { bytes: number; complete: boolean }[] = [];
    const bus = new EventEmitter();
    const { near, far } = await socketPair();
    const connection = connectionOn(near, session);
    const server = createServer((request, response) => {
      void replied(connection, response).then((result) => {
        results.push(result);
        bus.emit('told');
      });
      if (!cut) response.end(`reply to ${request.url}`);
      else if (request.url === '/1') response.write('begun');
    });
    onTestFinished(() => void server.close());
    server.emit('connection', near);
    far.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    return { results, far, bus };
  }

  test('is complete when its last byte is out, each with its own bytes', async () => {
    const { results, far } = await exchange(false);
    const all = await readAll(far);
    const second = all.lastIndexOf('HTTP/1.1 200');
    expect(results).toEqual([
      { bytes: second, complete: true },
      { bytes: all.length - second, complete: true },
    ]);
  });

  test('is not complete when the client has gone, nor is the one that waited behind it', async () => {
    const { results, far, bus } = await exchange(true);
    await readUntil(far, 'begun');
    far.resetAndDestroy();
    while (results.length < 2) await new Promise((resolve) => bus.once('told', resolve));
    expect(results.map(({ complete }) => complete)).toEqual([false, false]);
    expect(results[0]?.bytes).toBeGreaterThan(0);
    expect(results[1]?.bytes).toBe(0);
  });
});
