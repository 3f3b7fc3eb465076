// The origin's side behind a 101: no byte is lost between the change and whoever carries it on.

import { describe, expect, test } from 'vitest';
import { Upgraded } from '../../src/http/upgraded.ts';
import { socketPair } from '../support/socket-pair.ts';

async function upgraded(rest = '') {
  const { near: socket } = await socketPair();
  const connection = { socket, address: '127.0.0.1', protocol: 'http/1.1' as const, timings: { dns: 0, connect: 0 } };
  return { socket, one: new Upgraded(connection, 'websocket', Buffer.from(rest)) };
}

describe('what an origin says in another protocol', () => {
  test('is kept in its order until somebody takes it, though its buffer is used again', async () => {
    const { one } = await upgraded('a');
    const shared = Buffer.from('b');
    one.take(shared);
    shared.write('x');
    one.take(Buffer.alloc(0));
    const got: string[] = [];
    one.deliverTo((piece) => {
      got.push(Buffer.from(piece).toString());
      return { more: true, held: false };
    });
    one.take(Buffer.from('c'));
    expect(got).toEqual(['a', 'b', 'c']);
    expect([one.protocol, one.connection.address]).toEqual(['websocket', '127.0.0.1']);
  });

  test('is not taken from the socket while nobody can take more', async () => {
    const { one, socket } = await upgraded();
    let more = true;
    one.deliverTo(() => ({ more, held: !more }));
    socket.resume();
    one.take(Buffer.from('a'));
    expect(socket.isPaused()).toBe(false);
    more = false;
    one.take(Buffer.from('b'));
    expect(socket.isPaused()).toBe(true);
  });

  test('is dropped when all is over', async () => {
    const { one } = await upgraded('a');
    const got: string[] = [];
    one.deliverTo((piece) => {
      got.push(Buffer.from(piece).toString());
      return { more: true, held: false };
    });
    one.end();
    one.take(Buffer.from('b'));
    expect(got).toEqual(['a']);
  });
});
