// What one leaf costs: DER and signature, with the CA that we make and with an RSA CA that was brought along.

import { sign } from 'node:crypto';
import { bench, run, summary } from 'mitata';
import { mintLeaf } from '../../src/pki/leaf.ts';
import { makeLeafKey } from '../../src/pki/leaf-key.ts';
import { newIdentity, ownCa, rsaCa } from './setting.ts';

const own = await ownCa();
const rsa = rsaCa();
const ecKey = await makeLeafKey('ec');
const rsaKey = await makeLeafKey('rsa');
const someBytes = Buffer.alloc(350, 1);

summary(() => {
  bench('EC leaf, EC CA', () => mintLeaf(own, ecKey, newIdentity()));
  bench('the EC signature in it', () => sign('sha256', someBytes, own.key));
  bench('RSA leaf, EC CA', () => mintLeaf(own, rsaKey, newIdentity('rsa')));
  bench('EC leaf, RSA CA', () => mintLeaf(rsa, ecKey, newIdentity()));
  bench('the RSA signature in it', () => sign('sha256', someBytes, rsa.key));
});

await run();
