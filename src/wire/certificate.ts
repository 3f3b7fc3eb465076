// The facts of an X.509 certificate that we judge ourselves, read from its DER (RFC 5280 section 4.1). net/ asks for
// them after every upstream handshake, since the text that Node makes of a subjectAltName can be forged.

import type { Parsed } from '../core/authority.ts';
import type { CertificateFacts } from '../core/certificate-facts.ts';
import { takePublicKey, takeSignatureAlgorithm } from './algorithms.ts';
import { NO_EXTENSIONS, readExtensions } from './certificate-extensions.ts';
import { type DerReader, readDer, TAG } from './der.ts';
import { takeDate, takeInteger, takeOctets } from './der-value.ts';

/** Context tags within TBSCertificate. */
const VERSION = 0xa0;
const ISSUER_UNIQUE_ID = 0x81;
const SUBJECT_UNIQUE_ID = 0x82;
const EXTENSIONS = 0xa3;

/**
 * Reads what pki/ judges by, and insists on the shape of everything around it, so that no field can be taken for
 * another. Never throws: what is not a well-formed certificate comes back as one sentence. Byte fields are views of `der`.
 */
export function readCertificateFacts(der: Uint8Array): Parsed<CertificateFacts> {
  return readDer(der, 'DER', (outer) =>
    outer.inside(TAG.sequence, 'certificate', (certificate) => {
      const facts = certificate.inside(TAG.sequence, 'TBSCertificate', readTbs);
      const { scheme, hash } = takeSignatureAlgorithm(certificate, 'signatureAlgorithm');
      // RFC 5280 section 4.1.1.2: the one that is signed and the one that is used are the same.
      if (scheme !== facts.signature.scheme || hash !== facts.signature.hash) {
        throw certificate.malformed('names two signature algorithms');
      }
      takeOctets(certificate, 'signatureValue');
      return facts;
    }),
  );
}

function readTbs(tbs: DerReader): CertificateFacts {
  const version = tbs.isNext(VERSION) ? tbs.inside(VERSION, 'version', readVersion) : 1;
  const serial = takeInteger(tbs, 'serialNumber');
  const signature = takeSignatureAlgorithm(tbs, 'signature');
  const issuer = tbs.whole(TAG.sequence, 'issuer');
  const validity = tbs.inside(TAG.sequence, 'validity', readValidity);
  const subject = tbs.whole(TAG.sequence, 'subject');
  const key = takePublicKey(tbs);
  if (tbs.isNext(ISSUER_UNIQUE_ID)) tbs.element();
  if (tbs.isNext(SUBJECT_UNIQUE_ID)) tbs.element();
  const base = { version, serial, signature, issuer, ...validity, subject, key };
  if (!tbs.isNext(EXTENSIONS)) return { ...NO_EXTENSIONS, ...base };
  if (version !== 3) throw tbs.malformed(`has extensions but is of version ${version}`);
  const extensions = tbs.inside(EXTENSIONS, 'extensions', (field) =>
    field.inside(TAG.sequence, 'list of extensions', readExtensions),
  );
  return { ...extensions, ...base };
}

function readValidity(dates: DerReader): Pick<CertificateFacts, 'notBefore' | 'notAfter' | 'properDates'> {
  const [from, until] = [takeDate(dates, 'notBefore'), takeDate(dates, 'notAfter')];
  return { notBefore: from.time, notAfter: until.time, properDates: from.proper && until.proper };
}

/** Written from 0. Version 1 is the default, which DER leaves out (X.690 section 11.5). */
function readVersion(field: DerReader): number {
  const [number, ...rest] = field.take(TAG.integer, 'version number');
  if (rest.length > 0 || (number !== 1 && number !== 2)) throw field.malformed('is neither 2 nor 3');
  return number + 1;
}
