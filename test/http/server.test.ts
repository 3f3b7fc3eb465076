// Where sockets are handed over, and what becomes of the idle ones.

import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import { beginSession } from '../../src/core/session.ts';
import { connectionOn } from '../../src/http/connection.ts';
import { canReply, MessageServer } from '../../src/http/server.ts';
import { Inlet } from '../../src/net/inlet.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, readUntil, until } from '../support/rig.ts';
import { closed, socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const session = beginSession({ address: '127.0.0.1', port: 1 });
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

function start(held: Promise<void> = Promise.resolve()) {
  const asked: string[] = [];
  const server = new MessageServer(DEFAULT_LIMITS, {
    request: async (_connection, request, reply) => {
      asked.push(request.url);
      if (request.url === '/slow') await held;
      reply.writeHead(200, 'OK', []);
      reply.end(Buffer.from('done'));
    },
    connect: async ({ socket }) => void socket.write('tunnel'),
    malformed: ({ socket }) => void socket.destroy(),
    fault: (_connection, fault) => {
      throw fault;
    },
  });
  return { server, asked };
}

async function open(server: MessageServer): Promise<Socket> {
  const { near, far } = await socketPair();
  server.take(connectionOn(new Inlet(near), session));
  return far;
}

describe('the server', () => {
  test('closes what waits for a further request when a drain begins, and nothing else', async () => {
    const held = Promise.withResolvers<void>();
    const { server, asked } = start(held.promise);
    const [idle, busy, fresh] = [await open(server), await open(server), await open(server)];
    idle.write(get('/'));
    await readUntil(idle, 'done');
    busy.write(get('/slow'));
    await until(() => asked.includes('/slow'), 'the request');
    const tunnel = await open(server);
    tunnel.write('CONNECT ok.test:443 HTTP/1.1\r\n\r\n');
    await readUntil(tunnel, 'tunnel');
    const ended = readAll(idle);
    for (const end = performance.now() + 5_000; !idle.readableEnded && performance.now() < end; ) {
      server.closeIdle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ended).toMatch(/^[\r\n0]*$/);
    expect(tunnel.destroyed || tunnel.readableEnded).toBe(false);
    held.resolve();
    expect(await readUntil(busy, 'done')).toMatch(/^HTTP\/1\.1 200/);
    fresh.write(get('/'));
    expect(await readUntil(fresh, 'done')).toMatch(/^HTTP\/1\.1 200/);
  });

  test('does nothing with a socket that is closed already', async () => {
    const { server } = start();
    const { near } = await socketPair();
    near.destroy();
    await closed(near);
    server.take(connectionOn(new Inlet(near), session));
    expect(near.listenerCount('data')).toBe(0);
  });
});

describe('a socket', () => {
  test('can take a reply until it is ended or destroyed', async () => {
    const [first, second] = [await socketPair(), await socketPair()];
    expect(canReply(first.near)).toBe(true);
    first.near.end();
    second.near.destroy();
    expect([canReply(first.near), canReply(second.near)]).toEqual([false, false]);
    await until(() => first.near.writableFinished, 'the end');
  });
});
