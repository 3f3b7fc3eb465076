// What a TLS context costs: for a host that is new (mint and context), for one that is known, and the bare context.

import { setImmediate } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { bench, run, summary } from 'mitata';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { newIdentity, ownCa } from './setting.ts';

const ca = await ownCa();
const store = new LeafStore(ca);
/** One that is full all the time, so that each new host takes the context of one that was let go of. */
const full = new LeafStore(ca, { maxEntries: 1 });
const known = newIdentity();
const knownRsa = newIdentity('rsa');
const ask = (identity: LeafIdentity): Promise<void> => store.lend(identity, async () => undefined);
await ask(known);
await ask(knownRsa);

summary(() => {
  bench('a new host, EC, store full', async () => {
    await full.lend(newIdentity(), async () => undefined);
    await setImmediate();
  });
  bench('a new host, EC', async () => ask(newIdentity()));
  bench('a new host, RSA', async () => ask(newIdentity('rsa')));
  bench('a bare context of Node', () => createSecureContext({ ca: [] }));
});

bench('a known host', async () => ask(known));

await run();
