// Bytes that nobody will ever look at, as many as fit: behind what is broken, in place of a header, past the end of a
// client's patience. They are not kept, and others are served meanwhile.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { type Origin, tcpOrigin } from '../support/origin.ts';
import { connectThrough, dialProxy, openRig, type Rig, readAll, readUntil, say, until } from '../support/rig.ts';

const FLOOD = Buffer.alloc(1 << 20, 'a');
const GET = (authority: string, path = '/'): string =>
  `GET http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\n`;
let rig: Rig;
let good: Origin;
let silent: Origin;

beforeAll(async () => {
  good = await tcpOrigin((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'));
  });
  silent = await tcpOrigin((socket) => void socket.resume());
  rig = await openRig({
    hosts: { 'ok.test': '127.0.0.1', 'raw.test': '127.0.0.1' },
    policy: {
      rules: [
        { name: 'ok', hosts: ['ok.test'], action: 'allow' },
        { name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' },
      ],
    },
    limits: { responseTimeout: 8_000 },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all([good.close(), silent.close()]);
});

async function expectService(): Promise<void> {
  const begin = performance.now();
  expect(await say(rig.port, `${GET(`ok.test:${good.port}`)}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(performance.now() - begin).toBeLessThan(1_000);
}

describe('a client', () => {
  test('DOS-05: that floods behind something malformed, while an answer is awaited, is not read any more', async () => {
    const socket = await dialProxy(rig.port);
    socket.on('error', () => undefined);
    const heap = process.memoryUsage().arrayBuffers;
    socket.write(`${GET(`ok.test:${silent.port}`)}\r\n`);
    await until(() => silent.accepted > 0, 'the request at the origin');
    socket.write('BAD\0\r\n\r\n');
    await wait(100);
    // Far more than the system's own buffers hold.
    for (let count = 0; count < 64; count++) socket.write(FLOOD);
    await expectService();
    await wait(500);
    // What the client could not send lies in its own buffer, in this process too.
    const sent = socket.bytesWritten - socket.writableLength;
    expect(sent).toBeLessThan(32 << 20);
    expect(process.memoryUsage().arrayBuffers - heap).toBeLessThan(32 << 20);
    await expectService();
    socket.destroy();
  });

  test('DOS-05: that floods behind our refusal is let go of, and nothing of it is kept', async () => {
    const heap = process.memoryUsage().arrayBuffers;
    const sockets = await Promise.all(Array.from({ length: 4 }, () => dialProxy(rig.port)));
    for (const socket of sockets) {
      socket.on('error', () => undefined).resume();
      socket.write('BAD\0\r\n\r\n');
      for (let count = 0; count < 16; count++) socket.write(FLOOD);
    }
    await expectService();
    // One more is that of the test before, which is read again when its answer is there.
    await until(() => rig.proxy.connections <= 1, 'the connections to be closed');
    expect(process.memoryUsage().arrayBuffers - heap).toBeLessThan(64 << 20);
  });

  test('FRONT-01: that waits with its hello in a tunnel that need not be TLS is looked at all the same', async () => {
    const before = (await rig.entries(0)).length;
    const { socket } = await connectThrough(rig.port, `raw.test:${silent.port}`);
    // Past the time in which the server may be the one to speak first.
    await wait(1_200);
    socket.write(hello({ extensions: [extension(0, hostNames('blocked.test'))] }));
    await readAll(socket);
    const entries = (await rig.entries(before + 2)).slice(before);
    expect(entries.at(-1)).toMatchObject({ outcome: 'terminated', error: 'sni-mismatch', sni: 'blocked.test' });
  });
});

describe('an origin', () => {
  test.each([
    ['a status line', 'HTTP/1.1 200 '],
    ['lines before its status line', '\r\n'.repeat(1_000)],
  ])(
    'RESP-04: that sends %s without end is answered for with 502, before much of it was read',
    async (_name, start) => {
      let sent = 0;
      const origin = await tcpOrigin((socket) => {
        socket.on('error', () => undefined);
        const pour = (): void => {
          while (
            !socket.destroyed &&
            socket.write(start.startsWith('\r\n') ? Buffer.from(start.repeat(30)) : FLOOD.subarray(0, 65_536))
          ) {
            sent = socket.bytesWritten;
          }
        };
        socket.once('data', () => {
          socket.write(start);
          pour();
        });
        socket.on('drain', pour);
      });
      const reply = await say(rig.port, `${GET(`ok.test:${origin.port}`)}Connection: close\r\n\r\n`);
      expect(reply).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
      // The system's buffers, and a quarter of a megabyte of ours.
      expect(sent).toBeLessThan(16 << 20);
      await expectService();
      await origin.close();
    },
  );

  test('RESP-06: that sends interim replies without end is given up at its deadline', { timeout: 15_000 }, async () => {
    const short = await openRig({
      hosts: { 'ok.test': '127.0.0.1' },
      policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
      limits: { responseTimeout: 500 },
    });
    const origin = await tcpOrigin((socket) => {
      socket.on('error', () => undefined);
      const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 100);
      socket.once('close', () => clearInterval(timer));
      socket.resume();
    });
    const begin = performance.now();
    const reply = await say(short.port, `${GET(`ok.test:${origin.port}`)}Connection: close\r\n\r\n`);
    expect(reply).toMatch(/^(?:HTTP\/1\.1 102 Processing\r\n\r\n){1,9}HTTP\/1\.1 504 Gateway Timeout\r\n/);
    expect(performance.now() - begin).toBeLessThan(1_500);
    await short.proxy.close(0);
    await origin.close();
  });
});

test('the proxy is in good order after all of them', async () => {
  await expectService();
  const { socket } = await connectThrough(rig.port, `raw.test:${good.port}`);
  socket.write('SSH-2.0\r\n');
  expect(await readUntil(socket, 'ok')).toMatch(/ok$/);
  socket.destroy();
  await until(
    () => rig.proxy.connections === 0,
    'the connections to be closed',
    () => '',
    10_000,
  );
});
