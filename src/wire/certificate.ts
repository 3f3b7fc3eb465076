// The facts of an X.509 certificate that we judge ourselves, read from its DER (RFC 5280 section 4.1). pki/ asks for
// them after every upstream handshake, since the text that Node makes of a subjectAltName can be forged.

import type { Parsed } from '../core/authority.ts';
import type { CertificateFacts } from '../core/certificate-facts.ts';
import { latin1 } from './cursor.ts';
import { type DerReader, readDer, TAG } from './der.ts';

/** Context tags within TBSCertificate. */
const VERSION = 0xa0;
const ISSUER_UNIQUE_ID = 0x81;
const SUBJECT_UNIQUE_ID = 0x82;
const EXTENSIONS = 0xa3;

/** Context tags of a GeneralName (RFC 5280 section 4.2.1.6), by number: the structured ones are constructed. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const OTHER_NAMES: ReadonlySet<number> = new Set([0xa0, 0x81, 0xa3, 0xa4, 0xa5, 0x86, 0x88]);

/** 2.5.29.17 */
const SUBJECT_ALT_NAME = '551d11';

type AlternativeNames = Pick<CertificateFacts, 'dnsNames' | 'ipAddresses'>;

const NO_NAMES: AlternativeNames = { dnsNames: [], ipAddresses: [] };

/**
 * Reads version and subjectAltName, and insists on the shape of everything around them, so that no field can be taken
 * for another. Never throws: what is not a well-formed certificate comes back as one sentence.
 */
export function readCertificateFacts(der: Uint8Array): Parsed<CertificateFacts> {
  return readDer(der, 'DER', (outer) =>
    outer.inside(TAG.sequence, 'certificate', (certificate) => {
      const facts = certificate.inside(TAG.sequence, 'TBSCertificate', readTbs);
      certificate.take(TAG.sequence, 'signatureAlgorithm');
      certificate.take(TAG.bitString, 'signatureValue');
      return facts;
    }),
  );
}

function readTbs(tbs: DerReader): CertificateFacts {
  const version = tbs.isNext(VERSION) ? tbs.inside(VERSION, 'version', readVersion) : 1;
  tbs.take(TAG.integer, 'serialNumber');
  for (const field of ['signature', 'issuer', 'validity', 'subject', 'subjectPublicKeyInfo']) {
    tbs.take(TAG.sequence, field);
  }
  if (tbs.isNext(ISSUER_UNIQUE_ID)) tbs.element();
  if (tbs.isNext(SUBJECT_UNIQUE_ID)) tbs.element();
  if (!tbs.isNext(EXTENSIONS)) return { version, ...NO_NAMES };
  if (version !== 3) throw tbs.malformed(`has extensions but is of version ${version}`);
  const names = tbs.inside(EXTENSIONS, 'extensions', (field) =>
    field.inside(TAG.sequence, 'list of extensions', readExtensions),
  );
  return { version, ...names };
}

/** Written from 0. Version 1 is the default, which DER leaves out (X.690 section 11.5). */
function readVersion(field: DerReader): number {
  const [number, ...rest] = field.take(TAG.integer, 'version number');
  if (rest.length > 0 || (number !== 1 && number !== 2)) throw field.malformed('is neither 2 nor 3');
  return number + 1;
}

function readExtensions(list: DerReader): AlternativeNames {
  let names = NO_NAMES;
  const seen = new Set<string>();
  while (!list.done) {
    list.inside(TAG.sequence, 'extension', (extension) => {
      const oid = Buffer.from(extension.take(TAG.oid, 'OID')).toString('hex');
      // RFC 5280 section 4.2. Two lists of names would be read by two readers as two certificates.
      if (seen.has(oid)) throw extension.malformed(`is there twice (OID ${oid})`);
      seen.add(oid);
      if (extension.isNext(TAG.boolean)) readBoolean(extension);
      if (oid === SUBJECT_ALT_NAME) names = extension.inside(TAG.octetString, 'subjectAltName', readNames);
      else extension.take(TAG.octetString, 'value');
    });
  }
  return names;
}

/** `critical`. Spelling out its default, false, is not DER (X.690 section 11.5), but common enough to be let pass. */
function readBoolean(extension: DerReader): void {
  const value = extension.take(TAG.boolean, 'critical');
  if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) {
    throw extension.malformed('has a malformed boolean');
  }
}

function readNames(value: DerReader): AlternativeNames {
  return value.inside(TAG.sequence, 'list of alternative names', (list) => {
    const dnsNames: string[] = [];
    const ipAddresses: Uint8Array[] = [];
    while (!list.done) {
      const { tag, content } = list.element();
      if (tag === DNS_NAME) dnsNames.push(latin1(content));
      else if (tag === IP_ADDRESS) ipAddresses.push(readAddress(list, content));
      else if (!OTHER_NAMES.has(tag)) throw list.malformed(`has a name of unknown tag ${tag}`);
    }
    return { dnsNames, ipAddresses };
  });
}

function readAddress(list: DerReader, content: Uint8Array): Uint8Array {
  if (content.length !== 4 && content.length !== 16) throw list.malformed(`has an address of ${content.length} bytes`);
  return Uint8Array.from(content);
}
