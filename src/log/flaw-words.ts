// What was wrong with a certificate of an origin, in the words of OpenSSL and Squid by which auditors' tools know it. Asked
// by layout-codes.ts.

import type { AccessLogEntry } from './access-log-entry.ts';

/** What our own pass over a chain found (pki/flaw.ts), where they have a word for it. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['expired', 'X509_V_ERR_CERT_HAS_EXPIRED'],
  ['not-yet-valid', 'X509_V_ERR_CERT_NOT_YET_VALID'],
  ['weak-key', 'X509_V_ERR_EE_KEY_TOO_SMALL'],
  ['weak-signature', 'X509_V_ERR_CA_MD_TOO_WEAK'],
  ['unknown-critical-extension', 'X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION'],
  ['not-a-ca', 'X509_V_ERR_INVALID_CA'],
  ['may-not-sign', 'X509_V_ERR_KEYUSAGE_NO_CERTSIGN'],
  ['not-for-servers', 'X509_V_ERR_INVALID_PURPOSE'],
  ['path-length', 'X509_V_ERR_PATH_LENGTH_EXCEEDED'],
  ['name-constraints', 'X509_V_ERR_PERMITTED_VIOLATION'],
  ['too-deep', 'X509_V_ERR_CERT_CHAIN_TOO_LONG'],
  ['no-path', 'X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ['revoked', 'X509_V_ERR_CERT_REVOKED'],
]);

/** Undefined: nothing was, or there is no word for it. */
export function flawWord({
  error,
  errorDetail = '',
}: Pick<AccessLogEntry, 'error' | 'errorDetail'>): string | undefined {
  if (error === 'upstream-name') return 'SQUID_X509_V_ERR_DOMAIN_MISMATCH';
  const word = /\bX509_V_ERR_\w+/.exec(errorDetail)?.[0];
  if (word !== undefined || error !== 'upstream-certificate') return word;
  return WORDS.get(/\(([\w-]+)\)$/.exec(errorDetail)?.[1] ?? '');
}
