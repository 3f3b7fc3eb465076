// The key pair of minted leaves: its own, never the CA's, made anew by each leaf-store and never written to disk.

import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

export interface LeafKey {
  readonly type: 'ec' | 'rsa';
  /** Private key, as `tls.createSecureContext` wants it. */
  readonly pem: string;
  /** SubjectPublicKeyInfo as DER. */
  readonly spki: Buffer;
}

/** P-256, or RSA-2048 (which takes some 100 ms, on the thread pool). */
export async function makeLeafKey(type: LeafKey['type']): Promise<LeafKey> {
  if (type === 'rsa') {
    const pair = await generate('rsa', { modulusLength: 2048 });
    return leafKey(type, pair.publicKey, pair.privateKey.export({ type: 'pkcs1', format: 'pem' }));
  }
  const pair = await generate('ec', { namedCurve: 'P-256' });
  // SEC 1 rather than PKCS#8: OpenSSL reads it a tenth of a millisecond sooner, once per context.
  return leafKey(type, pair.publicKey, pair.privateKey.export({ type: 'sec1', format: 'pem' }));
}

function leafKey(type: LeafKey['type'], publicKey: KeyObject, pem: string | Buffer): LeafKey {
  return { type, pem: pem.toString(), spki: publicKey.export({ type: 'spki', format: 'der' }) };
}
