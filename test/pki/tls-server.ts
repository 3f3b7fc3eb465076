// A server that answers with one TLS context, and what OpenSSL's clients make of it. For the tests of leaf-store and leaf-context.

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, type SecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls';
import { promisify } from 'node:util';
import type { CertificateAuthority } from '../../src/pki/certificate-authority.ts';

const run = promisify(execFile);

/** Answers every handshake with this context, the way a bump does. */
export async function serve(
  secureContext: SecureContext,
  options: TLSSocketOptions = {},
): Promise<AsyncDisposable & { port: number; peers: TLSSocket[] }> {
  const peers: TLSSocket[] = [];
  const server = createServer((socket) => {
    const tls = new TLSSocket(socket, { ...options, isServer: true, secureContext });
    peers.push(tls);
    socket.on('error', () => tls.destroy());
    tls.on('error', () => socket.destroy());
    tls.on('secure', () => tls.write('hello'));
    tls.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    port: address.port,
    peers,
    [Symbol.asyncDispose]: async () => {
      for (const peer of peers) peer.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The session of one connection for `a.test`, as Node's client gets it. */
export async function sessionFrom(
  ca: CertificateAuthority,
  context: SecureContext,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
): Promise<Buffer> {
  await using server = await serve(context);
  const options = { host: '127.0.0.1', port: server.port, ca: ca.anchor.toString(), maxVersion, servername: 'a.test' };
  const client = connect(options).resume();
  const [session]: Buffer[] = await once(client, 'session');
  client.destroy();
  if (!session) throw new Error('no session');
  return session;
}

/** The certificates that are sent for the name, in order, as OpenSSL's own client prints them. */
export async function sentFor(context: SecureContext, name: string): Promise<X509Certificate[]> {
  await using server = await serve(context);
  const words = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-showcerts', '-servername', name];
  const asked = run('openssl', words);
  asked.child.stdin?.end();
  const { stdout } = await asked;
  const blocks = stdout.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
