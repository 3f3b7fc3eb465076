import { expect, test } from 'vitest';
import { authSchema } from '../../src/config/auth-schema.ts';

test('what is left out has its default, and what is not asked for is absent', () => {
  expect(authSchema.parse({ basic: { htpasswd: 'u' } })).toEqual({
    basic: { htpasswd: 'u', realm: 'Sallyport' },
    groups: {},
  });
  expect(authSchema.parse({ clientCertificates: { trust: 'a.pem' } })).toEqual({
    groups: {},
    clientCertificates: { trust: ['a.pem'], crl: [], mode: 'request', user: 'cn' },
  });
});

test('the trust for certificates is one file or several', () => {
  const trust = (value: unknown) =>
    authSchema.parse({ clientCertificates: { trust: value } }).clientCertificates?.trust;
  expect(trust('a.pem')).toEqual(['a.pem']);
  expect(trust(['a.pem', 'b.pem'])).toEqual(['a.pem', 'b.pem']);
  expect(() => trust([])).toThrow('the list of PEM files is empty');
});
