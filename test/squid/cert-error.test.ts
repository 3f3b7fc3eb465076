import { describe, expect, test } from 'vitest';
import { tellCertErrors, toleratedHosts } from '../../src/squid/cert-error.ts';
import { importLines, verdictOf } from '../support/squid-policy.ts';

const BUMP = ['http_port 3128 ssl-bump cert=/x/ca.pem', 'ssl_bump terminate closed', 'ssl_bump bump all'];
const PLAIN = ['http_port 3128'];
const ACLS = [
  'acl broken dstdomain .broken.test',
  'acl closed ssl::server_name closed.test',
  'acl expired ssl_error X509_V_ERR_CERT_HAS_EXPIRED',
  'acl guests src 10.9.0.0/16',
  'acl v2 url_regex ^https://a\\.test/v2/',
];
const ALL = 'http_access allow all';

async function decided(port: readonly string[], ...lines: readonly string[]) {
  const { policy, notes } = await importLines(...ACLS, ...port, ...lines);
  const urls = ['https://x.broken.test/', 'https://closed.test/', 'https://a.test/'];
  const verdicts = urls.map((url) => verdictOf(policy, { client: '10.0.0.1', url }));
  const told = notes.filter(({ about }) => about === 'sslproxy_cert_error');
  return { verdicts: verdicts.join('; '), told: told.map(({ kind, why, todo }) => `${kind}: ${why} → ${todo}`) };
}

describe('origins that cannot be verified', () => {
  const USUAL = 'allow, bump; close; allow, bump';

  test.each([
    [
      'of a list are passed unread',
      [ALL, 'sslproxy_cert_error allow broken'],
      'allow, splice; close; allow, bump',
      /^differs: these hosts are passed unread/,
    ],
    ['of a list are closed all the same', [ALL, 'sslproxy_cert_error allow closed'], USUAL, /^differs:/],
    [
      'of all hosts are refused',
      [ALL, 'sslproxy_cert_error allow all'],
      USUAL,
      /^unsafe: origins that cannot be verified are refused, all of them.*hosts that are listed are passed unread → add the root/,
    ],
    [
      'of one kind are refused',
      [ALL, 'sslproxy_cert_error allow expired'],
      USUAL,
      /^unsafe: origins that cannot be verified are refused, all of them/,
    ],
    [
      'of a list, for some errors, are refused',
      [ALL, 'sslproxy_cert_error allow broken expired'],
      USUAL,
      /^unsafe: origins/,
    ],
    ['are refused as it says', [ALL, 'sslproxy_cert_error deny all'], USUAL, /^not-needed: /],
    [
      'of a list are refused where URLs are decided on',
      ['http_access deny v2', ALL, 'sslproxy_cert_error allow broken'],
      USUAL,
      /^unsafe: these hosts are refused where they cannot be verified.*hosts: \[\.broken\.test\]/,
    ],
  ])('%s', async (_, lines, verdicts, note) => {
    const found = await decided(BUMP, ...lines);
    expect(found.verdicts).toBe(verdicts);
    expect(found.told).toEqual([expect.stringMatching(note)]);
  });

  test('of a list play no part where somebody is denied above, nor where nothing is decrypted', async () => {
    const denied = await decided(BUMP, ALL, 'sslproxy_cert_error deny guests', 'sslproxy_cert_error allow broken');
    expect(denied.verdicts).toBe(USUAL);
    expect(denied.told.map((one) => one.slice(0, 15))).toEqual(['not-needed: an ', 'unsafe: origins']);
    const plain = await decided(PLAIN, ALL, 'sslproxy_cert_error allow broken');
    expect(plain.verdicts).toBe('allow, splice; allow, splice; allow, splice');
    expect(plain.told).toEqual([expect.stringMatching(/^not-needed: nothing is decrypted/)]);
    expect([toleratedHosts, tellCertErrors].map(({ length }) => length)).toEqual([2, 4]);
  });
});
