// What to do is known for whatever can fail on the way to an origin.

import { expect, test } from 'vitest';
import { mendFor } from '../../../src/cli/doctor/mends.ts';
import { ERROR_KINDS, type ErrorCode } from '../../../src/core/error-kinds.ts';

const codes = Object.keys(ERROR_KINDS).filter((code): code is ErrorCode =>
  /^(?:dns|connect|upstream|parent)-|^address-forbidden$|^loop$|^client-cert-required$/.test(code),
);

test('there are failures to mend', () => {
  expect(codes.length).toBeGreaterThan(12);
});

test.each(codes)('%s', (code) => {
  expect(mendFor(code).mend).toMatch(/\w{3}/);
});

test.each([
  ['upstream-tls', 'ERR_SSL_UNSUPPORTED_PROTOCOL: x', /no TLS newer than 1\.1/],
  ['upstream-tls', 'ERR_SSL_WRONG_VERSION_NUMBER: x', /is not TLS/],
  ['upstream-certificate', 'x (X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)', /upstream\.trust.*decrypts on the way/],
  ['internal', '', /^none$/],
] as const)('%s by %s has a mend of its own', (code, detail, mend) => {
  expect(mendFor(code, detail).mend ?? 'none').toMatch(mend);
});
