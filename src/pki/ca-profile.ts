// What the DER of a CA certificate says beyond what node:crypto tells: name bytes, key identifier, constraints, usage.
// Read once at start from the administrator's own file, which OpenSSL has parsed before. Called by certificate-authority.

import type { X509Certificate } from 'node:crypto';
import type { NameConstraints, Subtrees } from '../core/certificate-facts.ts';
import { OIDS } from './certificate-fields.ts';
import { content, type Der, decode, dotted, encode, isContext, isTrue, members } from './der.ts';

export interface CaProfile {
  /** The subject as it stands in the certificate, byte for byte. */
  readonly subject: Buffer;
  /** subjectKeyIdentifier; `undefined` when there is none. */
  readonly keyId: Buffer | undefined;
  /** By basicConstraints alone; Node's own `ca` looks at keyUsage too and cannot tell which of them is wrong. */
  readonly isCa: boolean;
  readonly constraintsCritical: boolean;
  /** How many CA certificates may follow below this one; no limit when it does not say. */
  readonly pathLength: number;
  /** False too when there is no keyUsage, which strict clients demand of a CA. */
  readonly signsCertificates: boolean;
  /** What it may sign for; `undefined` when that is not limited. */
  readonly nameConstraints: NameConstraints | undefined;
}

/** Throws when the certificate is not encoded as DER demands. */
export function readCaProfile(certificate: X509Certificate): CaProfile {
  const fields = members(members(decode(certificate.raw))[0]);
  // version [0], serial, algorithm, issuer, validity, subject (RFC 5280 section 4.1); version 1 is not written.
  const versioned = fields[0] !== undefined && isContext(fields[0], 0);
  const name = fields[versioned ? 5 : 4];
  const subject = name ? encode(name) : Buffer.alloc(0);
  if (subject.length === 0 || !certificate.raw.includes(subject)) throw new TypeError('subject is not in DER');
  const extensions = extensionsOf(fields);
  const constraints = extensions.get(OIDS.basicConstraints);
  const keyId = extensions.get(OIDS.subjectKeyIdentifier);
  const usage = extensions.get(OIDS.keyUsage);
  const names = extensions.get(OIDS.nameConstraints);
  const [flag, length] = members(constraints?.value);
  return {
    subject,
    keyId: keyId && content(keyId.value),
    isCa: isTrue(flag),
    constraintsCritical: constraints?.critical ?? false,
    pathLength: length ? content(length).readUIntBE(0, content(length).length) : Number.POSITIVE_INFINITY,
    // keyCertSign is bit 5 of the first octet; octet 0 of the content counts the unused bits.
    signsCertificates: usage !== undefined && ((bitString(usage.value)[0] ?? 0) & 0x04) !== 0,
    nameConstraints: names && { permitted: subtreesOf(names.value, 0), excluded: subtreesOf(names.value, 1) },
  };
}

/** The subtrees below `[tag]` of NameConstraints (RFC 5280 section 4.2.1.10), of the kinds that a leaf names: 2 and 7. */
function subtreesOf(constraints: Der, tag: number): Subtrees {
  const bases = members(members(constraints).find((part) => isContext(part, tag))).flatMap(
    (subtree) => members(subtree)[0] ?? [],
  );
  const ofKind = (kind: number): Buffer[] => bases.filter((base) => isContext(base, kind)).map(content);
  return { dns: ofKind(2).map((name) => name.toString('latin1')), ip: ofKind(7) };
}

interface Extension {
  readonly critical: boolean;
  readonly value: Der;
}

function extensionsOf(fields: readonly Der[]): Map<string, Extension> {
  const wrapper = fields.find((field) => isContext(field, 3));
  return new Map(
    members(members(wrapper)[0]).map((entry) => {
      const [id, ...rest] = members(entry);
      return [dotted(id), { critical: isTrue(rest[0]), value: decode(content(rest.at(-1))) }];
    }),
  );
}

function bitString(value: Der): Buffer {
  return encode(value).subarray(3);
}
