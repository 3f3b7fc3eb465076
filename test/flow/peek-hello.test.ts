// A ClientHello is waited for whole, whatever it comes in, and stays to be read.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Hello, peekHello } from '../../src/flow/peek-hello.ts';
import { Inlet } from '../../src/net/inlet.ts';
import type { Peeked } from '../../src/net/peek.ts';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { hearBytes } from '../support/hear.ts';

const named = { extensions: [extension(0, hostNames('ok.test'))] };

/** Both ends of a connection: what is written to the first is peeked at on the second. */
async function pair(): Promise<[Socket, Inlet]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const near = connect(address.port, '127.0.0.1');
  const [far] = await once(server, 'connection');
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, new Inlet(far)];
}

const seen = (peeked: Peeked<Hello>): Hello => {
  if (peeked.seen !== 'value') throw new Error(`saw ${peeked.seen}`);
  return peeked.value;
};

describe('peekHello', () => {
  test('gives the server name of a hello that comes byte by byte, and leaves every byte in place', async () => {
    const [near, far] = await pair();
    const bytes = Buffer.from(hello(named));
    const peeked = peekHello(far, 5_000);
    near.setNoDelay(true);
    for (const byte of bytes) await new Promise<void>((resolve) => near.write(Buffer.of(byte), () => resolve()));
    near.write('and more');
    expect(seen(await peeked)).toMatchObject({ state: 'hello', hello: { serverName: 'ok.test' } });
    const got = await hearBytes(far, bytes.length + 8);
    expect(got.equals(Buffer.concat([bytes, Buffer.from('and more')]))).toBe(true);
  });

  test('gives one that is spread over a record for each byte', async () => {
    const [near, far] = await pair();
    near.write(hello(named, 1));
    expect(seen(await peekHello(far, 5_000))).toMatchObject({ state: 'hello', hello: { serverName: 'ok.test' } });
  });

  test.each([
    ['an SSH banner', 'SSH-2.0-x\r\n', 'not-tls', 'no protocol that this proxy knows'],
    ['plain HTTP', 'GET / HTTP/1.1\r\n', 'not-tls', 'plain HTTP'],
    ['a broken record', '\x16\x03\x01\x00\x00', 'malformed', ''],
  ])('says that %s is none', async (_name, bytes, state, says) => {
    const [near, far] = await pair();
    near.write(bytes, 'latin1');
    const value = seen(await peekHello(far, 5_000));
    expect(value.state).toBe(state);
    if (value.state !== 'hello') expect(value.reason).toContain(says);
  });

  test('gives up at the deadline, and at the end of the connection', async () => {
    const [near, far] = await pair();
    near.write('\x16\x03');
    expect(await peekHello(far, 50)).toEqual({ seen: 'timeout', bytes: 2 });
    const late = peekHello(far, 5_000);
    near.destroy();
    expect((await late).seen).toBe('end');
  });
});
