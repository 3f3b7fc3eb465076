// What a TLS context costs: for a host that is new (mint and context), for one that is known, and the bare context.

import { createSecureContext } from 'node:tls';
import { bench, run, summary } from 'mitata';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { newIdentity, ownCa } from './setting.ts';

const store = new LeafStore(await ownCa());
const known = newIdentity();
const knownRsa = newIdentity('rsa');
await store.contextFor(known);
await store.contextFor(knownRsa);

summary(() => {
  bench('a new host, EC', async () => store.contextFor(newIdentity()));
  bench('a new host, RSA', async () => store.contextFor(newIdentity('rsa')));
  bench('a bare context of Node', () => createSecureContext({ ca: [] }));
});

bench('a known host', async () => store.contextFor(known));

await run();
