// What is wrong with a certificate, in Squid's words, from the sentence in which we tell it.

import { describe, expect, test } from 'vitest';
import { flawWord } from '../../src/log/flaw-words.ts';
import { describeFlaw, type FlawCode } from '../../src/pki/flaw.ts';

const tell = (code: FlawCode) => ({
  error: 'upstream-certificate' as const,
  errorDetail: `h.test:443: ${describeFlaw(code)}`,
});

describe('the word for a flaw', () => {
  test.each<[FlawCode, string]>([
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
  ])('%s is %s', (code, word) => {
    expect(flawWord(tell(code))).toBe(word);
  });

  test('is that of OpenSSL where it has found it', () => {
    const errorDetail = 'h.test:443: It has expired. (X509_V_ERR_CERT_HAS_EXPIRED)';
    expect(flawWord({ error: 'upstream-certificate', errorDetail })).toBe('X509_V_ERR_CERT_HAS_EXPIRED');
  });

  test('is that of Squid for another name', () => {
    expect(flawWord({ error: 'upstream-name', errorDetail: 'h.test:443: It is for other.test.' })).toBe(
      'SQUID_X509_V_ERR_DOMAIN_MISMATCH',
    );
  });

  test('is none for what only we look for, for other failures, and for none', () => {
    expect(flawWord(tell('too-complex'))).toBeUndefined();
    expect(flawWord({ error: 'connect-failed', errorDetail: 'No answer. (expired)' })).toBeUndefined();
    expect(flawWord({})).toBeUndefined();
  });
});
