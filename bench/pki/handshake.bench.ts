// What a client's handshake costs over a real loopback socket, client side included: TCP, mint where the host is new,
// TLS 1.3 to the first byte back. Client and server share this one thread, so the sum of both is what shows.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { bench, run, summary } from 'mitata';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { newIdentity, ownCa } from './setting.ts';

const ca = await ownCa();
const store = new LeafStore(ca);
const trust = createSecureContext({ ca: ca.anchor.toString() });
let wanted = newIdentity();

const server = createServer({ noDelay: true }, async (socket) => {
  await store.lend(wanted, async (secureContext) => {
    const tls = new TLSSocket(socket, { isServer: true, secureContext });
    tls.on('error', () => socket.destroy());
    tls.on('secure', () => tls.end('x'));
    await new Promise((resolve) => tls.once('close', resolve).once('secure', resolve));
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const port = address !== null && typeof address === 'object' ? address.port : 0;

async function handshake(identity: LeafIdentity): Promise<void> {
  wanted = identity;
  const servername = identity.hosts[0]?.text ?? '';
  const client = connect({ host: '127.0.0.1', port, servername, secureContext: trust });
  await once(client, 'data');
  client.destroy();
}

const known = newIdentity();
const knownRsa = newIdentity('rsa');
await handshake(known);
await handshake(knownRsa);

summary(() => {
  bench('the first handshake for a new host', async () => handshake(newIdentity()));
  bench('a handshake for a known host', async () => handshake(known));
  bench('a handshake for a known host, RSA leaf', async () => handshake(knownRsa));
});

await run();
server.close();
