// The server's part of a handshake, with real clients that accept, reject, break off, stall and talk nonsense.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { acceptTls, type ClientHandshake } from '../../src/net/client-tls.ts';
import { Inlet } from '../../src/net/inlet.ts';
import { Listener } from '../../src/net/listener.ts';
import { peek } from '../../src/net/peek.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { tcpOrigin } from '../support/origin.ts';
import { dialProxy, readAll } from '../support/rig.ts';
import { closed, readBytes } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

const ca = new TestCa();
const pair = ca.leaf({ san: 'DNS:ok.test' });
const expired = ca.leaf({ san: 'DNS:ok.test', notAfter: '20200201000000Z' });
const context = createSecureContext({ ...pair, minVersion: 'TLSv1.2' });
afterAll(() => rmSync(ca.folder, { recursive: true }));

interface Accepting {
  readonly port: number;
  /** What became of the first connection. */
  readonly outcome: Promise<ClientHandshake>;
  /** The TCP socket of the first connection. */
  readonly socket: Promise<Socket>;
}

/** Takes one client: peeks at its first byte, as the proxy does, and then makes the handshake. */
async function accepting(options: { timeout?: number; secureContext?: typeof context } = {}): Promise<Accepting> {
  const outcome = Promise.withResolvers<ClientHandshake>();
  const accepted = Promise.withResolvers<Socket>();
  const listener = await Listener.open([{ address: '127.0.0.1', port: 0, names: [] }], (socket) => {
    onTestFinished(() => void socket.destroy());
    accepted.resolve(socket);
    const inlet = new Inlet(socket);
    peek(inlet, () => ({ more: false, value: true }), { timeout: 5_000, ceiling: 1 })
      .then(() =>
        acceptTls(inlet.release() ?? socket, {
          context: options.secureContext ?? context,
          timeout: options.timeout ?? 5_000,
        }),
      )
      .then(outcome.resolve, outcome.reject);
  });
  onTestFinished(() => listener.stop());
  return { port: listener.addresses[0]?.port ?? 0, outcome: outcome.promise, socket: accepted.promise };
}

/** A Node client; its errors are its own affair. */
function dialTls(port: number, options: ConnectionOptions = {}) {
  const client = connect({ host: '127.0.0.1', port, servername: 'ok.test', ca: ca.root, ...options });
  client.on('error', () => undefined);
  onTestFinished(() => void client.destroy());
  return client;
}

function run(command: string, ...args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  onTestFinished(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return child;
}

describe('a handshake that succeeds', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('in %s gives the socket and what was negotiated', async (version) => {
    const { port, outcome } = await accepting();
    const client = dialTls(port, { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
    const shake = await outcome;
    if (shake.outcome !== 'secure') throw new Error(shake.outcome);
    expect(shake.facts).toEqual({ version, cipher: expect.stringMatching(/^TLS_/) });
    expect(shake.socket.alpnProtocol).toBe('http/1.1');
    client.write('question');
    expect((await readBytes(shake.socket, 8)).toString()).toBe('question');
    shake.socket.end('answer');
    expect((await readBytes(client, 6)).toString()).toBe('answer');
    client.end();
    await closed(shake.socket);
  });

  test.each([
    ['none', undefined, false],
    ['http/1.0 alone', ['http/1.0'], 'http/1.0'],
  ])('with %s of application protocols', async (_name, offered, chosen) => {
    const { port, outcome } = await accepting();
    dialTls(port, offered ? { ALPNProtocols: offered } : {});
    const shake = await outcome;
    expect(shake.outcome === 'secure' && shake.socket.alpnProtocol).toBe(chosen);
  });

  test('keeps what the client sends in the same flight', async () => {
    const { port, outcome } = await accepting();
    const client = dialTls(port);
    client.end('all at once');
    const shake = await outcome;
    if (shake.outcome !== 'secure') throw new Error(shake.outcome);
    expect((await readBytes(shake.socket, 11)).toString()).toBe('all at once');
    shake.socket.destroy();
  });

  test.each([
    ['a reset', (raw: Socket) => void raw.resetAndDestroy()],
    ['a close', (raw: Socket) => void raw.destroy()],
    ['a record that is none', (raw: Socket) => void raw.write('nonsense that is no record')],
  ])('is not undone by %s, which its owner sees as the end of the socket', async (_name, behaviour) => {
    const { port, outcome } = await accepting();
    // Between client and server, a hand on the bare connection.
    const raw = await dialProxy(port);
    const relay = await tcpOrigin((client) => client.pipe(raw, { end: false }).pipe(client));
    onTestFinished(() => relay.close());
    dialTls(relay.port);
    const shake = await outcome;
    if (shake.outcome !== 'secure') throw new Error(shake.outcome);
    behaviour(raw);
    expect(await readAll(shake.socket)).toBe('');
    shake.socket.destroy();
  });
});

describe('a client that rejects the certificate', () => {
  test('openssl, by the alert unknown_ca, is certain', async () => {
    const { port, outcome, socket } = await accepting();
    run('openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', 'ok.test', '-verify_return_error');
    expect(await outcome).toEqual({ outcome: 'rejected', alert: 'unknown_ca', confidence: 'certain' });
    await closed(await socket);
  });

  test.each(['TLSv1_2', 'TLSv1_3'])('python, by the alert unknown_ca in %s, is certain', async (version) => {
    const { port, outcome } = await accepting();
    run(
      'python3',
      '-c',
      `import socket, ssl
context = ssl.create_default_context()
context.minimum_version = context.maximum_version = ssl.TLSVersion.${version}
context.wrap_socket(socket.create_connection(('127.0.0.1', ${port})), server_hostname='ok.test')`,
    );
    expect(await outcome).toEqual({ outcome: 'rejected', alert: 'unknown_ca', confidence: 'certain' });
  });

  test('openssl, because it has expired, is certain', async () => {
    const { port, outcome } = await accepting({ secureContext: createSecureContext(expired) });
    run('openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-CAfile', ca.rootFile, '-verify_return_error');
    expect(await outcome).toEqual({ outcome: 'rejected', alert: 'certificate_expired', confidence: 'certain' });
  });

  /** Sends a real ClientHello and lets the test break off once the server's flight is there. */
  async function afterOurFlight(port: number): Promise<Socket> {
    const raw = await dialProxy(port);
    raw.on('error', () => undefined);
    // A client whose answers go nowhere.
    const hello = await new Promise<Buffer>((resolve) => {
      void accepting().then(({ port: other, socket }) => {
        dialTls(other);
        void socket.then((first) => first.once('readable', () => resolve(first.read())));
      });
    });
    raw.write(hello);
    await readBytes(raw, 1);
    return raw;
  }

  test('by a reset instead of an answer is likely', async () => {
    const { port, outcome, socket } = await accepting();
    (await afterOurFlight(port)).resetAndDestroy();
    expect(await outcome).toEqual({ outcome: 'rejected', alert: 'reset', confidence: 'likely' });
    await closed(await socket);
  });

  test('by closing instead of an answer is likely', async () => {
    const { port, outcome, socket } = await accepting();
    (await afterOurFlight(port)).resume().end();
    expect(await outcome).toEqual({ outcome: 'rejected', alert: 'closed', confidence: 'likely' });
    await closed(await socket);
  });
});

describe('a handshake that comes to nothing', () => {
  test.each([
    ['garbage', Buffer.from('\x16\x03\x01\x00\x05garbage', 'latin1'), /^ERR_SSL_/],
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /^ERR_SSL_HTTP_REQUEST$/],
    ['an alert about something else', Buffer.from([0x15, 3, 1, 0, 2, 2, 40]), /^ERR_SSL_/],
  ])('because of %s is failed, with the reason', async (_name, bytes, reason) => {
    const { port, outcome, socket } = await accepting();
    const client = await dialProxy(port);
    client.on('error', () => undefined).write(bytes);
    expect(await outcome).toEqual({ outcome: 'failed', reason: expect.stringMatching(reason) });
    await closed(await socket);
  });

  test('because nothing fits is failed, with the reason', async () => {
    const protocol = await accepting();
    dialTls(protocol.port, { ALPNProtocols: ['h2'] });
    expect(await protocol.outcome).toEqual({
      outcome: 'failed',
      reason: expect.stringMatching(/APPLICATION_PROTOCOL/),
    });
    const version = await accepting();
    dialTls(version.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
    expect(await version.outcome).toEqual({ outcome: 'failed', reason: expect.stringMatching(/PROTOCOL/) });
  });

  test('because the client falls silent is timeout, and the socket is closed', async () => {
    const { port, outcome, socket } = await accepting({ timeout: 100 });
    const client = await dialProxy(port);
    client.write(Buffer.from([0x16, 3, 1, 2, 0]));
    expect(await outcome).toEqual({ outcome: 'timeout' });
    await closed(await socket);
  });
});

describe('a client that thinks better of it after the handshake', () => {
  test.each([
    ['by an alert about the certificate', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'unknown_ca'],
    ['by another alert', 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', undefined],
    ['by a reset', 'ECONNRESET', undefined],
  ])('%s is heard as such', async (_name, code, alert) => {
    const { port, outcome } = await accepting();
    dialTls(port);
    const handshake = await outcome;
    if (handshake.outcome !== 'secure') throw new Error(handshake.outcome);
    expect(handshake.lateAlert).toBeUndefined();
    // As Node tells of an alert that comes when nobody asks any more.
    handshake.socket.emit('_tlsError', Object.assign(new Error(code), { code }));
    expect(handshake.lateAlert).toBe(alert);
    await closed(handshake.socket);
  });
});
