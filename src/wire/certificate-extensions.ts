// The extensions of a certificate, each at most once, those that we judge by read in full (RFC 5280 section 4.2). Called
// by certificate.

import type { AlternativeNames, ExtensionFacts, NameConstraints, Purposes } from '../core/certificate-facts.ts';
import { type DerReader, TAG } from './der.ts';
import { takeBits, takeBoolean, takeCount, takeOid } from './der-value.ts';
import { readAlternativeNames, readNameConstraints } from './general-names.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<ExtensionFacts>;

export const NO_EXTENSIONS: ExtensionFacts = { dnsNames: [], ipAddresses: [], mustStaple: false, unknownCritical: [] };

interface Known {
  readonly name: string;
  readonly read: (value: DerReader, facts: Draft) => void;
}

/** By the OID in hexadecimal. */
const READERS: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['551d0e', { name: 'subjectKeyIdentifier', read: readSubjectKeyId }],
  ['551d0f', { name: 'keyUsage', read: readKeyUsage }],
  ['551d11', { name: 'subjectAltName', read: readNames }],
  ['551d13', { name: 'basicConstraints', read: readBasicConstraints }],
  ['551d1e', { name: 'nameConstraints', read: readConstraints }],
  ['551d23', { name: 'authorityKeyIdentifier', read: readAuthorityKeyId }],
  ['551d25', { name: 'extendedKeyUsage', read: readPurposes }],
  ['2b06010505070118', { name: 'TLS feature', read: readFeatures }],
]);

/**
 * Those that may be critical: the ones of us and of OpenSSL together. certificatePolicies, policyMappings,
 * policyConstraints and inhibitAnyPolicy ask nothing of one who accepts every policy; OpenSSL looks at the CRL
 * distribution points. A pre-certificate's poison (RFC 6962) is not among them, as it is meant.
 */
const MAY_BE_CRITICAL: ReadonlySet<string> = new Set([
  ...['551d0f', '551d11', '551d13', '551d1e', '551d25'],
  ...['551d20', '551d21', '551d24', '551d36', '551d1f'],
]);

const SERVER_AUTH = '2b06010505070301';
const CLIENT_AUTH = '2b06010505070302';
const OCSP_SIGNING = '2b06010505070309';
const ANY_PURPOSE = '551d2500';
/** RFC 7633: the status_request extension of TLS, by its number. */
const STATUS_REQUEST = 5;
/** keyCertSign is bit 5 of the first octet. */
const CERT_SIGN = 0x04;
const KEY_ID = 0x80;

/** `list` is the inside of the SEQUENCE of extensions. */
export function readExtensions(list: DerReader): ExtensionFacts {
  const unknownCritical: string[] = [];
  const facts: Draft = { ...NO_EXTENSIONS, unknownCritical };
  const seen = new Set<string>();
  if (list.done) throw list.malformed('is empty');
  while (!list.done) {
    list.inside(TAG.sequence, 'extension', (extension) => {
      const oid = takeOid(extension, 'OID');
      // RFC 5280 section 4.2. Two lists of names would be read by two readers as two certificates.
      if (seen.has(oid)) throw extension.malformed(`is there twice (OID ${oid})`);
      seen.add(oid);
      // Spelling out the default, false, is not DER (X.690 section 11.5), but common enough to be let pass.
      const critical = extension.isNext(TAG.boolean) && takeBoolean(extension, 'critical');
      if (critical && !MAY_BE_CRITICAL.has(oid)) unknownCritical.push(oid);
      const known = READERS.get(oid);
      if (known) extension.inside(TAG.octetString, known.name, (value) => known.read(value, facts));
      else extension.take(TAG.octetString, 'value');
    });
  }
  return facts;
}

function readNames(value: DerReader, facts: Draft): void {
  const { dnsNames, ipAddresses, otherNames }: AlternativeNames = readAlternativeNames(value);
  facts.dnsNames = dnsNames;
  facts.ipAddresses = ipAddresses;
  if (otherNames) facts.otherNames = otherNames;
}

function readConstraints(value: DerReader, facts: Draft): void {
  const constraints: NameConstraints = readNameConstraints(value);
  facts.nameConstraints = constraints;
}

function readBasicConstraints(value: DerReader, facts: Draft): void {
  facts.basicConstraints = value.inside(TAG.sequence, 'basicConstraints', (fields) => {
    const ca = fields.isNext(TAG.boolean) && takeBoolean(fields, 'cA');
    return fields.done ? { ca } : { ca, pathLength: takeCount(fields, 'pathLenConstraint') };
  });
}

function readKeyUsage(value: DerReader, facts: Draft): void {
  const [bits = 0] = takeBits(value, 'keyUsage');
  facts.keyUsage = { certSign: (bits & CERT_SIGN) !== 0 };
}

function readPurposes(value: DerReader, facts: Draft): void {
  facts.purposes = value.inside(TAG.sequence, 'extendedKeyUsage', (list): Purposes => {
    const oids = new Set<string>();
    if (list.done) throw list.malformed('is empty');
    while (!list.done) oids.add(takeOid(list, 'purpose'));
    return {
      server: oids.has(SERVER_AUTH),
      client: oids.has(CLIENT_AUTH),
      any: oids.has(ANY_PURPOSE),
      ocspSigning: oids.has(OCSP_SIGNING),
    };
  });
}

function readSubjectKeyId(value: DerReader, facts: Draft): void {
  facts.subjectKeyId = value.take(TAG.octetString, 'key identifier');
}

function readAuthorityKeyId(value: DerReader, facts: Draft): void {
  value.inside(TAG.sequence, 'authorityKeyIdentifier', (fields) => {
    if (fields.isNext(KEY_ID)) facts.authorityKeyId = fields.take(KEY_ID, 'key identifier');
    // Name and serial number of the issuer's certificate: OpenSSL compares them.
    while (!fields.done) fields.element();
  });
}

function readFeatures(value: DerReader, facts: Draft): void {
  value.inside(TAG.sequence, 'list of TLS features', (list) => {
    while (!list.done) if (takeCount(list, 'TLS feature') === STATUS_REQUEST) facts.mustStaple = true;
  });
}
