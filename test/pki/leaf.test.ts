import { createPublicKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Host } from '../../src/core/authority.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { CertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { content, type Der, decode, dotted, encode, isContext, isTrue, members } from '../../src/pki/der.ts';
import { leafValidity, maySignFor, mintLeaf } from '../../src/pki/leaf.ts';
import { type LeafKey, makeLeafKey } from '../../src/pki/leaf-key.ts';
import { CA_KINDS, host, LONGEST_NAME, openCa, openssl, temporaryFolder } from './fixtures.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const folder = temporaryFolder();
const authorities = new Map<string, CertificateAuthority>();
const keys = new Map<string, LeafKey>();

beforeAll(async () => {
  for (const kind of CA_KINDS) authorities.set(kind, await openCa(folder, kind));
  for (const type of ['ec', 'rsa'] as const) keys.set(type, await makeLeafKey(type));
});

function get<T>(map: Map<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`${name} was not made`);
  return value;
}

const authority = (kind: (typeof CA_KINDS)[number] = 'own'): CertificateAuthority => get(authorities, kind);

function mint(hosts: readonly Host[], keyType: 'ec' | 'rsa' = 'ec', ca = authority(), now?: Date): X509Certificate {
  return new X509Certificate(mintLeaf(ca, get(keys, keyType), { hosts, keyType }, now));
}

interface LeafParts {
  readonly serial: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly extensions: ReadonlyMap<string, { readonly critical: boolean; readonly value: Der }>;
}

function partsOf(leaf: X509Certificate): LeafParts {
  const fields = members(members(decode(leaf.raw))[0]);
  const [, serial, , issuer, , subject] = fields;
  if (!issuer || !subject) throw new Error('not a certificate');
  const list = members(members(fields.find((field) => isContext(field, 3)))[0]).map((entry) => {
    const [id, ...rest] = members(entry);
    return [dotted(id), { critical: isTrue(rest[0]), value: decode(content(rest.at(-1))) }] as const;
  });
  return { serial: content(serial), issuer: encode(issuer), subject: encode(subject), extensions: new Map(list) };
}

const SHAPES = [
  'name.example.test',
  'a',
  '192.0.2.7',
  '[2001:db8::7]',
  'xn--bcher-kva.example',
  '_dmarc.under_score.test',
  `${'l'.repeat(60)}.test`,
  LONGEST_NAME,
] as const;

describe.each(CA_KINDS)('a leaf of the %s CA', (kind) => {
  describe.each(['ec', 'rsa'] as const)('with an %s key', (keyType) => {
    test.each(SHAPES)('is strictly valid for %s (MINT-01, MINT-04)', (text) => {
      const ca = authority(kind);
      const wanted = host(text);
      const leaf = join(folder, 'leaf.pem');
      const anchor = join(folder, 'anchor.pem');
      const untrusted = join(folder, 'untrusted.pem');
      writeFileSync(leaf, mint([wanted], keyType, ca).toString());
      writeFileSync(anchor, ca.anchor.toString());
      writeFileSync(untrusted, [ca.anchor, ...ca.chain].map(String).join(''));
      const name = wanted.kind === 'name' ? '-verify_hostname' : '-verify_ip';
      const verdict = openssl(
        ...['verify', '-x509_strict', '-purpose', 'sslserver', '-no-CApath', '-no-CAstore', '-CAfile', anchor],
        ...['-untrusted', untrusted, name, wanted.text, leaf],
      );
      expect(verdict).toBe(`${leaf}: OK\n`);
    });
  });

  test('is signed by it and carries its name and key identifier byte for byte', () => {
    const ca = authority(kind);
    const leaf = mint([host('a.test')], 'ec', ca);
    expect(leaf.verify(ca.certificate.publicKey)).toBe(true);
    expect(leaf.checkIssued(ca.certificate)).toBe(true);
    const parts = partsOf(leaf);
    expect(parts.issuer.equals(ca.subject)).toBe(true);
    expect(content(members(parts.extensions.get('2.5.29.35')?.value)[0]).equals(ca.keyId)).toBe(true);
  });
});

describe('the profile of a leaf', () => {
  test('its extensions are these and no others; it has no key identifier of its own', () => {
    const { extensions } = partsOf(mint([host('a.test')]));
    expect([...extensions].map(([id, { critical }]) => [id, critical])).toEqual([
      ['2.5.29.17', false],
      ['2.5.29.19', false],
      ['2.5.29.15', true],
      ['2.5.29.37', false],
      ['2.5.29.35', false],
    ]);
  });

  test('it is for TLS servers, and no CA', () => {
    const leaf = mint([host('a.test')]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.ca).toBe(false);
  });

  test.each([
    ['ec', '03020780'],
    ['rsa', '030205a0'],
  ] as const)('an %s key may be used for what its kind does', (keyType, usage) => {
    const { extensions } = partsOf(mint([host('a.test')], keyType));
    const value = extensions.get('2.5.29.15')?.value;
    expect(value && encode(value).toString('hex')).toBe(usage);
  });

  test.each(['ec', 'rsa'] as const)('it holds the %s leaf key, which is not the key of the CA', (keyType) => {
    const leaf = mint([host('a.test')], keyType);
    const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
    expect(spki.equals(get(keys, keyType).spki)).toBe(true);
    expect(spki.equals(createPublicKey(authority().key).export({ type: 'spki', format: 'der' }))).toBe(false);
  });
});

describe('the names of a leaf', () => {
  test.each([
    ['a.test', 'DNS:a.test'],
    ['OK.test.', 'DNS:ok.test'],
    ['_x.a_b.test', 'DNS:_x.a_b.test'],
    ['192.0.2.7', 'IP Address:192.0.2.7'],
    ['[2001:DB8:0:0::7]', 'IP Address:2001:DB8:0:0:0:0:0:7'],
    [LONGEST_NAME, `DNS:${LONGEST_NAME}`],
  ])('%s is in the SAN as what it is (MINT-04)', (text, san) => {
    expect(mint([host(text)]).subjectAltName).toBe(san);
  });

  test('the requested host comes first, each host once, kinds mixed', () => {
    const leaf = mint(['b.test', '192.0.2.7', 'a.test', 'b.test'].map(host));
    expect(leaf.subjectAltName).toBe('DNS:b.test, IP Address:192.0.2.7, DNS:a.test');
    expect(leaf.subject).toBe('CN=b.test');
  });

  test.each([1, 63, 64])('a host of %i characters is the common name', (length) => {
    const text = 'a.'
      .repeat(40)
      .slice(0, length - 1)
      .concat('z')
      .replace(/\.$/, 'z');
    const leaf = mint([host(text)]);
    expect(text).toHaveLength(length);
    expect(leaf.subject).toBe(`CN=${text}`);
    expect(partsOf(leaf).extensions.get('2.5.29.17')?.critical).toBe(false);
  });

  test('a host of 65 characters leaves the subject empty and makes the SAN critical (MINT-04)', () => {
    const text = `${'a'.repeat(60)}.test`;
    expect(text).toHaveLength(65);
    const parts = partsOf(mint([host(text), host('short.test')]));
    expect(parts.subject.toString('hex')).toBe('3000');
    expect(parts.extensions.get('2.5.29.17')?.critical).toBe(true);
  });

  test('no leaf covers what was not asked for', () => {
    const leaf = mint([host('_x.example.test')]);
    expect(leaf.checkHost('_x.example.test')).toBe('_x.example.test');
    for (const other of ['example.test', 'y.example.test', 'z._x.example.test'])
      expect(leaf.checkHost(other)).toBeUndefined();
  });

  test('a leaf without a host is not made', () => {
    expect(() => mint([])).toThrow(ProxyError);
  });
});

describe('a CA with name constraints', () => {
  const limits = {
    permitted: { dns: ['corp.test'], ip: [Buffer.from('0a000000ff000000', 'hex')] },
    excluded: { dns: ['no.corp.test'], ip: [] },
  };

  test.each([
    ['corp.test', true],
    ['x.corp.test', true],
    ['no.corp.test', false],
    ['x.no.corp.test', false],
    ['xcorp.test', false],
    ['10.1.2.3', true],
    ['11.1.2.3', false],
    ['[2001:db8::7]', false],
  ])('may sign for %s: %s (KEY-05)', (text, may) => {
    expect(maySignFor({ constraints: [limits] }, host(text))).toBe(may);
    expect(maySignFor({ constraints: [] }, host(text))).toBe(true);
  });

  test('gives no common name, which clients could compare with the constraints (KEY-05)', () => {
    const parts = partsOf(mint([host('10.1.2.3')], 'ec', { ...authority(), constraints: [limits] }));
    expect(parts.subject.toString('hex')).toBe('3000');
    expect(parts.extensions.get('2.5.29.17')?.critical).toBe(true);
  });
});

describe('the validity of a leaf', () => {
  const now = new Date('2030-06-15T12:00:00.500Z');

  test('it begins a day before and covers 47 days, both ends counted (MINT-02)', () => {
    const leaf = mint([host('a.test')], 'ec', authority(), now);
    expect(leaf.validFromDate.toISOString()).toBe('2030-06-14T12:00:00.000Z');
    expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime() + 1000).toBe(47 * DAY);
  });

  test('it never reaches beyond the CA (MINT-02)', () => {
    const ca = {
      ...authority(),
      notAfter: new Date(now.getTime() + 3 * HOUR),
      notBefore: new Date(now.getTime() - HOUR),
    };
    expect(leafValidity(ca, now)).toEqual({ notBefore: ca.notBefore, notAfter: ca.notAfter });
  });

  test('it is written right beyond 2049', () => {
    const ca = { ...authority(), notAfter: new Date('2060-01-01T00:00:00Z') };
    const leaf = mint([host('a.test')], 'ec', ca, new Date('2049-12-20T00:00:00Z'));
    expect(leaf.validFromDate.toISOString()).toBe('2049-12-19T00:00:00.000Z');
    expect(leaf.validToDate.toISOString()).toBe('2050-02-03T23:59:59.000Z');
  });

  test.each([
    ['ended', { notAfter: now }],
    ['not begun', { notBefore: new Date(now.getTime() + 1) }],
  ])('a CA that has %s signs nothing', (_, dates) => {
    const ca = { ...authority(), ...dates };
    expect(() => mint([host('a.test')], 'ec', ca, now)).toThrow(
      expect.objectContaining({ code: 'ca-unusable', detail: expect.stringContaining('not valid at this time') }),
    );
  });
});

test('10,000 serials are distinct, positive, of 16 octets, and not in a row (MINT-03)', () => {
  const serials = Array.from({ length: 10_000 }, () => partsOf(mint([host('a.test')])).serial);
  expect(new Set(serials.map((serial) => serial.toString('hex'))).size).toBe(10_000);
  for (const serial of serials) {
    expect(serial).toHaveLength(16);
    expect(serial.readUInt8(0) & 0xc0).toBe(0x40);
  }
  // Each of the 126 free bits is set in about half of them: far outside that range, it is no good source.
  for (let bit = 2; bit < 128; bit += 1) {
    const set = serials.filter((serial) => (serial.readUInt8(bit >> 3) & (0x80 >> (bit & 7))) !== 0).length;
    expect(set, `bit ${bit}`).toBeGreaterThan(4600);
    expect(set, `bit ${bit}`).toBeLessThan(5400);
  }
}, 60_000);
