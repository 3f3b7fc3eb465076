// What the benches of pki/ start from: a CA of its own in a temporary folder, and one with an RSA key.

import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateAuthority, openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { distinguishedName, extension, OIDS, signCertificate } from '../../src/pki/certificate-fields.ts';
import { bits, encode, encodedSequence, octets, sequence, yes } from '../../src/pki/der.ts';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';

export async function ownCa(): Promise<CertificateAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-pki-'));
  try {
    const { ca } = await openCertificateAuthority({ cert: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') });
    return ca;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function rsaCa(): CertificateAuthority {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const name = distinguishedName([OIDS.organisation, 'Example'], [OIDS.commonName, 'RSA CA']);
  const keyId = Buffer.alloc(20, 7);
  const notBefore = new Date(Date.now() - 86_400_000);
  const notAfter = new Date(Date.now() + 365 * 86_400_000);
  const certificate = new X509Certificate(
    signCertificate(
      {
        issuer: name,
        subject: name,
        notBefore,
        notAfter,
        publicKey: encodedSequence(publicKey.export({ type: 'spki', format: 'der' })),
        extensions: [
          extension(OIDS.basicConstraints, 'critical', sequence(yes())),
          extension(OIDS.keyUsage, 'critical', bits(Uint8Array.of(0x06), 1)),
          extension(OIDS.subjectKeyIdentifier, 'plain', octets(keyId)),
        ],
      },
      privateKey,
    ),
  );
  const fingerprint = certificate.fingerprint256;
  return {
    certificate,
    key: privateKey,
    subject: encode(name),
    keyId,
    chain: [],
    anchor: certificate,
    constraints: [],
    notBefore,
    notAfter,
    fingerprint,
  };
}

let counter = 0;

/** A host that was never asked for before. */
export function newIdentity(keyType: LeafIdentity['keyType'] = 'ec'): LeafIdentity {
  counter += 1;
  return { hosts: [{ kind: 'name', text: `host-${counter}.example.test` }], keyType };
}
