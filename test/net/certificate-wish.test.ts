// What an origin's handshake and end say about a client certificate: asked or not, refused or not, and by what.

import { describe, expect, test } from 'vitest';
import { CertificateAlert, CertificateWish } from '../../src/net/certificate-wish.ts';

const authority = { kind: 'name', host: 'ok.test', port: 443 } as const;

function wish(asked: boolean, code?: string, hasIdentity = false): CertificateWish {
  const made = new CertificateWish(authority, hasIdentity);
  made.look({ getSharedSigalgs: () => (asked ? ['ECDSA+SHA256'] : []) }, code);
  return made;
}

const REFUSED = 'client-cert-required';

describe('the end of a connection to an origin', () => {
  test.each<[string, boolean, string | undefined, boolean, string | undefined]>([
    ['that said certificate_required', false, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', false, REFUSED],
    ['that said so after answers', true, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', true, REFUSED],
    ['that asked, and failed the handshake', true, 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', false, REFUSED],
    ['that failed it without asking', false, 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', false, undefined],
    ['that asked, and found ours bad', true, 'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', false, REFUSED],
    ['that asked, and does not know its issuer', true, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', false, REFUSED],
    ['that asked, and denies access', true, 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', false, REFUSED],
    ['that asked, and has trouble of its own', true, 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', false, undefined],
    ['that asked, and just goes', true, undefined, false, REFUSED],
    ['that asked, and goes by a reset', true, 'ECONNRESET', false, REFUSED],
    ['that asked, and goes after an answer', true, undefined, true, undefined],
    ['that did not ask, and just goes', false, undefined, false, undefined],
    ['that asked, and has a bad certificate itself', true, 'DEPTH_ZERO_SELF_SIGNED_CERT', false, undefined],
    ['that asked, and breaks the protocol', true, 'ERR_SSL_WRONG_VERSION_NUMBER', false, undefined],
  ])('%s', (_name, asked, code, answered, expected) => {
    expect(wish(asked, code).refusal(answered)?.code).toBe(expected);
  });

  test('that was refused names the origin, the sign and both mends', () => {
    const detail = wish(true, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED').refusal(false)?.detail;
    expect(detail).toContain('ok.test:443 asked for one, and this proxy has none for it');
    expect(detail).toContain('its TLS alert: certificate_required');
    expect(detail).toContain('upstream.clientCertificates');
    expect(detail).toContain('onClientCert: splice');
  });

  test('is a refusal at once only where nothing was asked on it, and its cause is an alert where there was one', () => {
    const [closed, alerted] = [wish(true), wish(true, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')];
    expect(closed.refusalAtOnce).toMatchObject({ code: REFUSED, cause: undefined });
    expect(alerted.refusalAtOnce?.cause).toBeInstanceOf(CertificateAlert);
    closed.use();
    expect([closed.refusalAtOnce, closed.refusal(false)?.code]).toEqual([undefined, REFUSED]);
  });

  test('that did not like the configured one says that', () => {
    expect(wish(true, undefined, true).refusal(false)?.detail).toContain('did not take the certificate');
  });

  test('can be looked at when the handshake is gone', () => {
    const made = wish(true);
    // Node gives null for what it cannot ask any more.
    made.look({ getSharedSigalgs: JSON.parse.bind(undefined, 'null') }, 'ECONNRESET');
    expect(made.asked).toBe(true);
  });
});
