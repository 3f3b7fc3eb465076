// What a client has to trust, in the form that its store takes: PEM, DER, or a PKCS#12 trust store for Java and Windows.
// The certificate only, never a key. Called by cli/ and the pages that hand out the CA.

import { createHmac, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import type { CertificateAuthority } from './certificate-authority.ts';
import { bmp, type Der, encode, explicit, nothing, octets, oid, sequence, set, smallInteger } from './der.ts';

export type CaFormat = 'pem' | 'der' | 'p12';

/** Java's own default. It keeps nothing secret: the file holds a public certificate, and the format wants a password. */
export const P12_PASSWORD = 'changeit';

const OIDS = {
  data: '1.2.840.113549.1.7.1',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  /** Java takes a certificate without a key for trusted only if it carries this. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

/** RFC 7292 appendix B.3: the purpose "MAC key" of the derived bytes. */
const MAC_KEY = 3;
const MAC_ITERATIONS = 2048;

/** The anchor of `ca`, which is the root where the CA file holds it. `p12` opens with `P12_PASSWORD`. */
export function exportCa(ca: CertificateAuthority, format: CaFormat): Buffer {
  if (format === 'pem') return Buffer.from(ca.anchor.toString());
  return format === 'der' ? Buffer.from(ca.anchor.raw) : trustStore(ca.anchor.raw, friendlyName(ca.anchor.subject));
}

/** PFX with one certificate bag, in the clear, under a MAC (RFC 7292 section 4). */
function trustStore(certificate: Uint8Array, name: string): Buffer {
  const bag = sequence(
    oid(OIDS.certBag),
    explicit(0, sequence(oid(OIDS.x509Certificate), explicit(0, octets(certificate)))),
    set(attribute(OIDS.friendlyName, bmp(name)), attribute(OIDS.trustedKeyUsage, oid(OIDS.anyExtendedKeyUsage))),
  );
  const safe = encode(sequence(dataContent(encode(sequence(bag)))));
  return encode(sequence(smallInteger(3), dataContent(safe), macOver(safe)));
}

const dataContent = (bytes: Uint8Array): Der => sequence(oid(OIDS.data), explicit(0, octets(bytes)));
const attribute = (id: string, value: Der): Der => sequence(oid(id), set(value));

function macOver(safe: Uint8Array): Der {
  const salt = randomBytes(20);
  const derived = forge.pkcs12.generateKey(
    P12_PASSWORD,
    forge.util.createBuffer(salt.toString('latin1')),
    MAC_KEY,
    MAC_ITERATIONS,
    32,
    forge.md.sha256.create(),
  );
  const mac = createHmac('sha256', Buffer.from(derived.getBytes(), 'latin1')).update(safe).digest();
  const digest = sequence(sequence(oid(OIDS.sha256), nothing()), octets(mac));
  return sequence(digest, octets(salt), smallInteger(MAC_ITERATIONS));
}

/** The common name, which keytool and certmgr show as the alias. */
function friendlyName(subject: string): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? 'Sallyport CA';
}
