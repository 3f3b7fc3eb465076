// The end of a handshake with an origin: who proves to be the authority is let pass, who does not ends with the reason.

import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { CertificateWish } from '../../src/net/certificate-wish.ts';
import { PeerVerifier } from '../../src/net/peer-verifier.ts';
import { UpstreamHandshakes } from '../../src/net/upstream-handshakes.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { listening, tcpOrigin } from '../support/origin.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const context = createUpstreamContext([ca.rootFile]);
const pair = ca.leaf({ san: 'DNS:ok.test' });

async function portOf(how: 'secure' | ((socket: Socket) => void), options: TlsOptions = {}): Promise<number> {
  const origin =
    how === 'secure'
      ? await listening(
          createServer({ ...pair, ...options }, (socket) => void socket.on('error', () => undefined)),
          '127.0.0.1',
        )
      : await tcpOrigin(how);
  onTestFinished(() => origin.close());
  return origin.port;
}

/** What the socket and the wish are after it. */
async function shakeHands(port: number, host = 'ok.test') {
  const authority = { kind: 'name', host, port } as const;
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    servername: host,
    secureContext: context,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
  });
  onTestFinished(() => void socket.destroy());
  const wish = new CertificateWish(authority, false);
  const handshakes = new UpstreamHandshakes(new PeerVerifier(context.roots, undefined), 300);
  const failure = await handshakes.end(socket, authority, wish).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { failure, destroyed: socket.destroyed, asked: wish.asked };
}

test('is good where the peer is who was meant', async () => {
  expect(await shakeHands(await portOf('secure'))).toEqual({ failure: undefined, destroyed: false, asked: false });
});

test('tells that the peer has asked for a client certificate', async () => {
  const port = await portOf('secure', { requestCert: true, rejectUnauthorized: false });
  expect(await shakeHands(port)).toEqual({ failure: undefined, destroyed: false, asked: true });
});

test.each<[string, 'secure' | ((socket: Socket) => void), string, string, string]>([
  ['is somebody else', 'secure', 'other.test', 'upstream-name', 'other.test'],
  ['says nothing', (socket: Socket) => void socket.resume(), 'ok.test', 'upstream-tls', 'No end of the handshake'],
  ['goes', (socket: Socket) => void socket.resume().end(), 'ok.test', 'upstream-tls', ''],
  ['speaks no TLS', (socket: Socket) => void socket.resume().write('SSH-2.0-x\r\n'), 'ok.test', 'upstream-tls', 'SSL'],
])('is an error, and the end of the connection, where the peer %s', async (_who, how, host, code, detail) => {
  const { failure, destroyed } = await shakeHands(await portOf(how), host);
  expect(failure).toMatchObject({ code, detail: expect.stringContaining(detail) });
  expect(destroyed).toBe(true);
});
