// Mints one leaf certificate with the profile that strict clients accept (RFC 5280, CA/Browser Forum lifetimes).
// Called by leaf-store.

import type { Host } from '../core/authority.ts';
import { ProxyError } from '../core/errors.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { BACKDATE, distinguishedName, extension, OIDS, signCertificate } from './certificate-fields.ts';
import { bits, type Der, encodedSequence, implicit, oid, sequence } from './der.ts';
import { ipBytes } from './ip-bytes.ts';
import type { LeafIdentity } from './leaf-identity.ts';
import type { LeafKey } from './leaf-key.ts';
import { respects } from './name-constraints.ts';

/** The shortest limit that a browser has announced; both ends count, hence the second less (RFC 5280 section 4.1.2.5). */
const LIFETIME = 47 * 24 * 3_600_000 - 1000;
/** RFC 5280 appendix A: ub-common-name. */
const MAX_COMMON_NAME = 64;

const BASIC_CONSTRAINTS = extension(OIDS.basicConstraints, 'plain', sequence());
const EXTENDED_KEY_USAGE = extension(OIDS.extendedKeyUsage, 'plain', sequence(oid(OIDS.serverAuth)));
/** digitalSignature; RSA also keyEncipherment, which old clients look for. */
const KEY_USAGE: Readonly<Record<LeafKey['type'], Der>> = {
  ec: extension(OIDS.keyUsage, 'critical', bits(Uint8Array.of(0x80), 7)),
  rsa: extension(OIDS.keyUsage, 'critical', bits(Uint8Array.of(0xa0), 5)),
};
const EMPTY_NAME = sequence();

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * From a day before `now` for 47 days at most, never beyond the CA's own validity. Throws ProxyError `ca-unusable`
 * when the CA is not valid at `now`.
 */
export function leafValidity(ca: CertificateAuthority, now: Date): Validity {
  const start = now.getTime() - BACKDATE;
  const notBefore = new Date(Math.max(start, ca.notBefore.getTime()));
  const notAfter = new Date(Math.min(start + LIFETIME, ca.notAfter.getTime()));
  if (notBefore > now || notAfter <= now) {
    throw new ProxyError('ca-unusable', 'The CA certificate is not valid at this time, so it signs nothing.');
  }
  return { notBefore, notAfter };
}

/** Whether the name constraints of the CA let it sign for this host; clients refuse a leaf that names another one. */
export function maySignFor({ constraints }: Pick<CertificateAuthority, 'constraints'>, host: Host): boolean {
  const address = host.kind === 'name' ? undefined : ipBytes(host.text);
  const names = address ? { dnsNames: [], ipAddresses: [address] } : { dnsNames: [host.text], ipAddresses: [] };
  return constraints.every((limits) => respects(names, limits));
}

/** A leaf for `identity`, valid as `leafValidity` says, as DER. */
export function mintLeaf(ca: CertificateAuthority, key: LeafKey, identity: LeafIdentity, now = new Date()): Buffer {
  const requested = identity.hosts[0];
  if (!requested) throw new ProxyError('internal', 'A leaf needs at least one host.');
  // Constraints may limit the subject too, and OpenSSL takes it for a DNS name where the SAN has addresses alone.
  const named = requested.text.length <= MAX_COMMON_NAME && ca.constraints.length === 0;
  return signCertificate(
    {
      issuer: encodedSequence(ca.subject),
      subject: named ? distinguishedName([OIDS.commonName, requested.text]) : EMPTY_NAME,
      ...leafValidity(ca, now),
      publicKey: encodedSequence(key.spki),
      extensions: [
        // A certificate whose subject is empty is named by its SAN alone, so that must be critical.
        extension(OIDS.subjectAltName, named ? 'plain' : 'critical', sequence(...alternativeNames(identity.hosts))),
        BASIC_CONSTRAINTS,
        KEY_USAGE[key.type],
        EXTENDED_KEY_USAGE,
        // The CA's identifier as it stands, however it was made: strict clients compare the bytes.
        extension(OIDS.authorityKeyIdentifier, 'plain', sequence(implicit(0, ca.keyId))),
      ],
    },
    ca.key,
  );
}

function alternativeNames(hosts: readonly Host[]): Der[] {
  const seen = new Set<string>();
  return hosts
    .filter((host) => !seen.has(host.text) && seen.add(host.text))
    .map((host) => {
      const address = host.kind === 'name' ? undefined : ipBytes(host.text);
      return address ? implicit(7, address) : implicit(2, Buffer.from(host.text, 'latin1'));
    });
}
