// What is known of one client connection: how many requests came, and how it is broken off.

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { beginSession } from '../../src/core/session.ts';
import { breakOff, connectionOn, countExchange, hearFrom } from '../../src/http/connection.ts';
import { Inlet } from '../../src/net/inlet.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const session = beginSession({ address: '127.0.0.1', port: 1 });

test('a connection tells of its first request, and of that only', async () => {
  const { near } = await socketPair();
  let told = 0;
  const connection = connectionOn(new Inlet(near), session);
  connection.onFirstRequest = () => {
    told += 1;
  };
  countExchange(connection);
  countExchange(connection);
  expect([connection.exchanges, told]).toEqual([2, 1]);
});

test('a connection tells of the first bytes, and of those only', async () => {
  const { near } = await socketPair();
  let told = 0;
  const connection = connectionOn(new Inlet(near), session);
  connection.onFirstBytes = () => {
    told += 1;
  };
  hearFrom(connection);
  hearFrom(connection);
  expect([told, connection.exchanges]).toEqual([1, 0]);
});

test.each(['itself', 'its carrier'])('a connection that is broken off resets %s', async (which) => {
  const { near, far } = await socketPair();
  const above = await socketPair();
  const connection =
    which === 'itself'
      ? connectionOn(new Inlet(near), session)
      : connectionOn(new Inlet(above.near), session, undefined, near);
  expect(connection.carrier).toBe(which === 'itself' ? undefined : near);
  const reset = once(far, 'error');
  far.resume();
  breakOff(connection);
  expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  expect(connection.socket.destroyed).toBe(true);
});
