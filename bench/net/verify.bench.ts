// What our own pass over an origin's certificates costs after the handshake, for a chain of three: new, remembered, and
// within a whole connection. Client and origin share this one thread, so the sum of both is what shows.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { bench, run, summary } from 'mitata';
import { parseAuthority } from '../../src/core/authority.ts';
import type { Permit } from '../../src/core/decision.ts';
import { PeerVerifier } from '../../src/net/peer-verifier.ts';
import { Resolver } from '../../src/net/resolver.ts';
import { Upstream } from '../../src/net/upstream.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { AddressGuard } from '../../src/policy/address-guard.ts';
import { readCertificateFacts } from '../../src/wire/certificate.ts';
import { Workshop } from '../../test/support/chain-workshop.ts';

const shop = new Workshop();
const root = await shop.root();
const middle = await shop.middle();
const leaf = await shop.issue(middle, {});
const server = createServer({ cert: leaf.cert + middle.cert, key: leaf.key }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.resume();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const port = address !== null && typeof address === 'object' ? address.port : 0;

const parsed = parseAuthority(`ok.test:${port}`);
if (!parsed.ok) throw new Error(parsed.reason);
const authority = parsed.value;
const base = { action: 'allow', step: 'connect', rule: 'all', reason: '', tls: 'bump' } as const;
const permit: Permit = { ...base, authority, deferred: false, wouldDeny: false };

const upstream = new Upstream({
  resolver: new Resolver({ servers: ['127.0.0.1:1'], hosts: { 'ok.test': '127.0.0.1' }, maxTtl: 0 }, 500),
  guard: new AddressGuard({ allowAddresses: ['127.0.0.0/8'] }),
  context: createUpstreamContext([root.certFile]),
  connectTimeout: 2_000,
  handshakeTimeout: 2_000,
});
const route = await upstream.locate(permit);

const client = connect({ host: '127.0.0.1', port, servername: 'ok.test', rejectUnauthorized: false });
await once(client, 'secureConnect');
const shown = { leaf: client.getPeerX509Certificate(), staple: undefined, resumed: false };
client.destroy();
const roots = [new X509Certificate(root.cert)];
const verifier = new PeerVerifier(roots, undefined);
const der = shown.leaf?.raw ?? new Uint8Array();

function judged(by: PeerVerifier): void {
  const refusal = by.refusal(shown, authority);
  if (refusal) throw refusal;
}

summary(() => {
  bench('one certificate is read', () => readCertificateFacts(der));
  bench('a chain seen before', () => judged(verifier));
  bench('a chain seen for the first time, two signatures', function* () {
    yield {
      [0]: () => new PeerVerifier(roots, undefined),
      bench: (fresh: PeerVerifier) => judged(fresh),
    };
  });
});

bench('a connection, handshake and all', async () => {
  const { socket } = await upstream.connectSecurely(route);
  socket.destroy();
});

await run();
server.close();
shop.close();
