// Facts from certificates that OpenSSL made, from hand-made ones, and from what is left of them after mutation.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificateFacts } from '../../src/wire/certificate.ts';
import { MAX_DER, TAG } from '../../src/wire/der.ts';
import { der } from '../support/der.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A self-signed certificate by `openssl req`, as DER. */
function openssl(args: string[]): Uint8Array {
  const pem = execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', join(folder, 'key.pem'), '-subj', '/CN=cn.test', ...args],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return new X509Certificate(pem).raw;
}

const withNames = (names: string): Uint8Array => openssl(['-addext', `subjectAltName=${names}`]);

describe('a certificate by openssl', () => {
  test.each<[string, string[], number[][]]>([
    ['DNS:ok.test', ['ok.test'], []],
    ['DNS:ok.test,DNS:*.ok.test,DNS:OK.Test', ['ok.test', '*.ok.test', 'OK.Test'], []],
    ['IP:127.0.0.2', [], [[127, 0, 0, 2]]],
    ['IP:::1', [], [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]],
    ['DNS:127.0.0.2,IP:10.0.0.1', ['127.0.0.2'], [[10, 0, 0, 1]]],
    ['URI:https://u.test/?DNS:x.test,email:a@mail.test,RID:1.2.3', [], []],
    ['otherName:1.2.3.4;UTF8:DNS:evil.test,DNS:ok.test', ['ok.test'], []],
  ])('with %s', (names, dnsNames, addresses) => {
    expect(readCertificateFacts(withNames(names))).toMatchObject({
      ok: true,
      value: { version: 3, dnsNames, ipAddresses: addresses.map((address) => Uint8Array.from(address)) },
    });
  });

  test('with a thousand names', () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `host-${at}.ok.test`);
    const facts = readCertificateFacts(withNames(names.map((name) => `DNS:${name}`).join(',')));
    expect(facts).toMatchObject({ ok: true, value: { version: 3, dnsNames: names, ipAddresses: [] } });
  });

  test('without names has none, its common name notwithstanding', () => {
    expect(readCertificateFacts(openssl([]))).toMatchObject({
      ok: true,
      value: { version: 3, dnsNames: [], ipAddresses: [] },
    });
  });

  test('of version 1', () => {
    const request = execFileSync(
      'openssl',
      ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'v1.pem'), '-subj', '/CN=v1.test'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const pem = execFileSync('openssl', ['x509', '-req', '-signkey', join(folder, 'v1.pem')], {
      input: request,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    expect(readCertificateFacts(new X509Certificate(pem).raw)).toMatchObject({
      ok: true,
      value: { version: 1, dnsNames: [], ipAddresses: [] },
    });
  });

  test('of every root that Node trusts is read', async () => {
    const { getCACertificates } = await import('node:tls');
    const roots = getCACertificates('bundled').map((pem) => new X509Certificate(pem).raw);
    expect(roots.length).toBeGreaterThan(100);
    expect(roots.map(readCertificateFacts).filter((facts) => !facts.ok)).toEqual([]);
  });
});

const SAN_OID = [0x55, 0x1d, 0x11];
const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const sequence = (...parts: number[][]): number[] => der(TAG.sequence, parts.flat());
const version = (content: number[]): number[] => der(0xa0, content);
const V3 = version(der(TAG.integer, [2]));
const ecdsa = (hash: number): number[] => sequence(der(TAG.oid, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, hash]));
const ALGORITHM = ecdsa(2);
const NAME = sequence();
const date = (text: string): number[] => der(text.length === 13 ? TAG.utcTime : TAG.generalizedTime, ascii(text));
const dates = (from: string, until: string): number[] => sequence(date(from), date(until));
const VALIDITY = dates('250101000000Z', '350101000000Z');
const P256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const KEY = sequence(
  sequence(der(TAG.oid, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]), der(TAG.oid, P256)),
  der(TAG.bitString, [0, 4]),
);
const SERIAL = der(TAG.integer, [1]);
/** An extension; `flag` is the DER of `critical`. */
const extension = (oid: number[], value: number[], flag: number[] = []): number[] =>
  sequence(der(TAG.oid, oid), flag, der(TAG.octetString, value));
const san = (...names: number[][]): number[] => extension(SAN_OID, sequence(...names));
const dns = (name: string): number[] => der(0x82, ascii(name));

interface Parts {
  version?: number[];
  serial?: number[];
  algorithm?: number[];
  validity?: number[];
  key?: number[];
  unique?: number[];
  extensions?: number[][];
  signature?: number[];
}

/** A certificate of which only the skeleton is real. */
function made(parts: Parts): Uint8Array {
  const { serial = SERIAL, algorithm = ALGORITHM, validity = VALIDITY, key = KEY } = parts;
  const fields = [...serial, ...algorithm, ...NAME, ...validity, ...NAME, ...key];
  const extensions = parts.extensions ? der(0xa3, sequence(...parts.extensions)) : [];
  const tbs = sequence(parts.version ?? V3, fields, parts.unique ?? [], extensions);
  return Uint8Array.from(sequence(tbs, ALGORITHM, parts.signature ?? der(TAG.bitString, [0])));
}

describe('a hand-made certificate', () => {
  test.each<[string, Parts, object]>([
    ['of version 3', { extensions: [san(dns('a.test'))] }, { version: 3, dnsNames: ['a.test'] }],
    [
      'of version 2 with unique ids',
      { version: version(der(TAG.integer, [1])), unique: [0x81, 1, 0, 0x82, 1, 0] },
      { version: 2 },
    ],
    ['of version 1', { version: [] }, { version: 1, dnsNames: [], ipAddresses: [] }],
    ['with a NUL in a name', { extensions: [san(dns('a.test\0.evil.test'))] }, { dnsNames: ['a.test\0.evil.test'] }],
    ['with bytes beyond ASCII', { extensions: [san(dns('caf\xe9.test'))] }, { dnsNames: ['caf\xe9.test'] }],
    ['with an empty name', { extensions: [san(dns(''), dns('a.test'))] }, { dnsNames: ['', 'a.test'] }],
    [
      'with the same name twice',
      { extensions: [san(dns('a.test'), dns('a.test'))] },
      { dnsNames: ['a.test', 'a.test'] },
    ],
    [
      'with critical names',
      { extensions: [extension(SAN_OID, sequence(dns('a.test')), [1, 1, 0xff])] },
      { dnsNames: ['a.test'] },
    ],
    [
      'with critical spelled out as false',
      { extensions: [extension(SAN_OID, sequence(dns('a.test')), [1, 1, 0])] },
      { dnsNames: ['a.test'] },
    ],
    [
      'with an unknown extension',
      { extensions: [extension([1, 2], [0xff, 0xff]), san(dns('a.test'))] },
      { dnsNames: ['a.test'] },
    ],
  ])('%s is read', (_what, parts, expected) => {
    expect(readCertificateFacts(made(parts))).toMatchObject({ ok: true, value: expected });
  });

  test.each<[string, Parts, string]>([
    [
      'with two lists of names',
      { extensions: [san(dns('a.test')), san(dns('b.test'))] },
      'extension is there twice (OID 551d11)',
    ],
    [
      'with another extension twice',
      { extensions: [extension([1, 2], []), extension([1, 2], [])] },
      'extension is there twice (OID 0102)',
    ],
    [
      'of version 1 with extensions',
      { version: [], extensions: [san(dns('a.test'))] },
      'TBSCertificate has extensions but is of version 1',
    ],
    ['of version 1 spelled out', { version: version(der(TAG.integer, [0])) }, 'version is neither 2 nor 3'],
    ['of version 4', { version: version(der(TAG.integer, [3])) }, 'version is neither 2 nor 3'],
    ['of a long version', { version: version(der(TAG.integer, [0, 2])) }, 'version is neither 2 nor 3'],
    ['of an empty version', { version: version(der(TAG.integer, [])) }, 'version is neither 2 nor 3'],
    ['without a serial number', { serial: [] }, 'TBSCertificate has no serialNumber where it belongs'],
    [
      'with a padded serial number',
      { serial: der(2, [0, 1]) },
      'TBSCertificate has a serialNumber that is not minimal',
    ],
    ['with an empty serial number', { serial: der(2, []) }, 'TBSCertificate has an empty serialNumber'],
    ['without a key', { key: [] }, 'TBSCertificate has no subjectPublicKeyInfo where it belongs'],
    ['with two algorithms', { algorithm: ecdsa(3) }, 'certificate names two signature algorithms'],
    [
      'with a date of month 13',
      { validity: dates('251301000000Z', '350101000000Z') },
      'validity has a notBefore that is no date',
    ],
    [
      'with a date on 30 February',
      { validity: dates('250230000000Z', '350101000000Z') },
      'validity has a notBefore that is no date',
    ],
    [
      'with a date without seconds',
      { validity: dates('2501010000Z00', '350101000000Z') },
      'validity has a malformed notBefore',
    ],
    [
      'with a date with a zone',
      { validity: dates('250101000000Z', '20350101000000+0100') },
      'validity has a malformed notAfter',
    ],
    [
      'with a third date',
      { validity: sequence(VALIDITY.slice(2), date('360101000000Z')) },
      'validity has bytes left over',
    ],
    ['without extensions in their list', { extensions: [] }, 'list of extensions is empty'],
    ['with a field too many', { unique: NAME }, 'TBSCertificate has bytes left over'],
    ['without a signature', { signature: [] }, 'certificate has no signatureValue where it belongs'],
    [
      'with bytes behind the signature',
      { signature: [...der(TAG.bitString, [0]), 5, 0] },
      'certificate has bytes left over',
    ],
    ['with a boolean of 1', { extensions: [extension([1, 2], [], [1, 1, 1])] }, 'extension has a malformed boolean'],
    [
      'with an extension without a value',
      { extensions: [sequence(der(TAG.oid, [1, 2]))] },
      'extension has no value where it belongs',
    ],
    [
      'with an address of 5 bytes',
      { extensions: [san(der(0x87, [1, 2, 3, 4, 5]))] },
      'list of alternative names has an address of 5 bytes',
    ],
    [
      'with an address of 8 bytes, a range',
      { extensions: [san(der(0x87, new Uint8Array(8)))] },
      'list of alternative names has an address of 8 bytes',
    ],
    [
      'with a constructed dNSName',
      { extensions: [san(der(0xa2, dns('a.test')))] },
      'list of alternative names has a name of unknown tag 162',
    ],
    [
      'with a name of unknown kind',
      { extensions: [san(der(0x89, []))] },
      'list of alternative names has a name of unknown tag 137',
    ],
    [
      'with bytes behind the names',
      { extensions: [extension(SAN_OID, [...sequence(), 0])] },
      'subjectAltName has bytes left over',
    ],
    [
      'with names that are no list',
      { extensions: [extension(SAN_OID, dns('a.test'))] },
      'subjectAltName has no list of alternative names where it belongs',
    ],
  ])('%s is malformed', (_what, parts, reason) => {
    expect(readCertificateFacts(made(parts))).toEqual({ ok: false, reason });
  });

  test('with bytes behind it is malformed', () => {
    const bytes = Buffer.concat([made({}), Uint8Array.of(0)]);
    expect(readCertificateFacts(bytes)).toEqual({ ok: false, reason: 'DER has bytes left over' });
  });

  test('too large is refused unread', () => {
    expect(readCertificateFacts(new Uint8Array(MAX_DER + 1))).toEqual({
      ok: false,
      reason: `DER is longer than ${MAX_DER} bytes`,
    });
  });
});

describe('what is judged', () => {
  const NUMBER = { constraints: 0x13, usage: 0x0f, purposes: 0x25, limits: 0x1e, keyId: 0x0e, issuerKeyId: 0x23 };
  const standard = (number: number, value: number[], flag: number[] = []): number[] =>
    extension([0x55, 0x1d, number], value, flag);
  const yes = [1, 1, 0xff];
  const purpose = (last: number): number[] => der(TAG.oid, [0x2b, 6, 1, 5, 5, 7, 3, last]);
  const subtrees = (tag: number, ...bases: number[][]): number[] =>
    der(
      tag,
      bases.flatMap((base) => sequence(base)),
    );

  test.each<[string, Parts, object]>([
    ['a CA', { extensions: [standard(NUMBER.constraints, sequence(yes))] }, { basicConstraints: { ca: true } }],
    [
      'a CA with a path length',
      { extensions: [standard(NUMBER.constraints, sequence(yes, der(2, [3])))] },
      { basicConstraints: { ca: true, pathLength: 3 } },
    ],
    ['no CA', { extensions: [standard(NUMBER.constraints, sequence())] }, { basicConstraints: { ca: false } }],
    ['keyCertSign', { extensions: [standard(NUMBER.usage, der(3, [1, 6]))] }, { keyUsage: { certSign: true } }],
    ['another usage', { extensions: [standard(NUMBER.usage, der(3, [7, 0x80]))] }, { keyUsage: { certSign: false } }],
    [
      'purposes',
      { extensions: [standard(NUMBER.purposes, sequence(purpose(1), purpose(9)))] },
      { purposes: { server: true, any: false, ocspSigning: true } },
    ],
    [
      'any purpose',
      { extensions: [standard(NUMBER.purposes, sequence(der(TAG.oid, [0x55, 0x1d, 0x25, 0])))] },
      { purposes: { server: false, any: true, ocspSigning: false } },
    ],
    [
      'name constraints',
      {
        extensions: [
          standard(
            NUMBER.limits,
            sequence(subtrees(0xa0, dns('ok.test')), subtrees(0xa1, dns('.a'), der(0x87, [10, 0, 0, 0, 255, 0, 0, 0]))),
          ),
        ],
      },
      {
        nameConstraints: {
          permitted: { dns: ['ok.test'], ip: [] },
          excluded: { dns: ['.a'], ip: [Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0)] },
        },
      },
    ],
    ['a key id', { extensions: [standard(NUMBER.keyId, der(4, [7]))] }, { subjectKeyId: Uint8Array.of(7) }],
    [
      'the key id of its issuer',
      { extensions: [standard(NUMBER.issuerKeyId, sequence(der(0x80, [7]), der(0x82, [1])))] },
      { authorityKeyId: Uint8Array.of(7) },
    ],
    [
      'must-staple',
      { extensions: [extension([0x2b, 6, 1, 5, 5, 7, 1, 24], sequence(der(2, [17]), der(2, [5])))] },
      { mustStaple: true },
    ],
    [
      'another TLS feature',
      { extensions: [extension([0x2b, 6, 1, 5, 5, 7, 1, 24], sequence(der(2, [17])))] },
      { mustStaple: false },
    ],
    ['an unknown critical extension', { extensions: [extension([1, 2], [], yes)] }, { unknownCritical: ['0102'] }],
    ['a known critical one', { extensions: [standard(NUMBER.usage, der(3, [1, 6]), yes)] }, { unknownCritical: [] }],
    [
      'dates either side of 2050',
      { validity: dates('491231235959Z', '20500101000000Z') },
      { notBefore: Date.UTC(2049, 11, 31, 23, 59, 59), notAfter: Date.UTC(2050, 0), properDates: true },
    ],
    ['a date of 1950', { validity: dates('500101000000Z', '350101000000Z') }, { notBefore: Date.UTC(1950, 0) }],
    ['dates in the wrong form', { validity: dates('250101000000Z', '20350101000000Z') }, { properDates: false }],
    ['its serial number', { serial: der(2, [0x80]) }, { serial: Uint8Array.of(0x80) }],
    ['its algorithms', {}, { signature: { scheme: 'ecdsa', hash: 'sha256' }, key: { kind: 'ec', curve: 'P-256' } }],
  ])('%s is told', (_what, parts, expected) => {
    expect(readCertificateFacts(made(parts))).toMatchObject({ ok: true, value: expected });
  });

  test.each<[string, number, number[]]>([
    ['constraints with bytes behind', NUMBER.constraints, [...sequence(yes), 0]],
    ['a negative path length', NUMBER.constraints, sequence(yes, der(2, [0xff]))],
    ['a path length beyond numbers', NUMBER.constraints, sequence(yes, der(2, [1, 0, 0, 0, 0]))],
    ['no bits of usage', NUMBER.usage, der(3, [])],
    ['eight unused bits', NUMBER.usage, der(3, [8, 0])],
    ['unused bits that are set', NUMBER.usage, der(3, [2, 0xff])],
    ['no purposes', NUMBER.purposes, sequence()],
    ['no limits', NUMBER.limits, sequence()],
    ['an empty list of subtrees', NUMBER.limits, sequence(der(0xa0, []))],
    ['a subtree with a minimum', NUMBER.limits, sequence(der(0xa0, sequence(dns('a'), der(0x80, [1]))))],
    ['a subtree of an address without mask', NUMBER.limits, sequence(subtrees(0xa0, der(0x87, [10, 0, 0, 0])))],
    ['permitted behind excluded', NUMBER.limits, sequence(subtrees(0xa1, dns('a')), subtrees(0xa0, dns('b')))],
  ])('%s is malformed', (_what, number, value) => {
    expect(readCertificateFacts(made({ extensions: [standard(number, value)] }))).toMatchObject({ ok: false });
  });
});

describe('hostile bytes', () => {
  let real: Buffer;
  beforeAll(() => {
    real = Buffer.from(withNames('DNS:ok.test,IP:127.0.0.2'));
  });

  test('every prefix is malformed', () => {
    for (let end = 0; end < real.length; end += 1) {
      if (readCertificateFacts(real.subarray(0, end)).ok) throw new Error(`accepted ${end} of ${real.length} bytes`);
    }
  });

  test('no change of a single byte makes it throw', () => {
    let refused = 0;
    for (let at = 0; at < real.length; at += 1) {
      const old = real[at] ?? 0;
      for (const value of [0, 0x1f, 0x7f, 0x80, 0x84, 0xff, old ^ 1, old + 1]) {
        real[at] = value;
        if (!readCertificateFacts(real).ok) refused += 1;
      }
      real[at] = old;
    }
    expect(refused).toBeGreaterThan(100);
    expect(readCertificateFacts(real).ok).toBe(true);
  });

  test('nor do many changes, nor bytes at random', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(changes, fc.uint8Array({ maxLength: 100 }), (list, noise) => {
        const bytes = Buffer.from(real);
        for (const [at, value] of list) bytes[at % bytes.length] = value;
        for (const facts of [readCertificateFacts(bytes), readCertificateFacts(noise)]) {
          if (!facts.ok) expect(facts.reason).toMatch(/^[\x20-\x7e]{8,100}$/);
        }
        readCertificateFacts(made({ extensions: [extension(SAN_OID, [...noise])] }));
      }),
      { numRuns: 2_000 },
    );
  });

  test('what is read at all is what Node reads of it', () => {
    const names = ['a.test', '*.b.test', 'c-1.test'];
    const bytes = withNames(names.map((name) => `DNS:${name}`).join(','));
    const facts = readCertificateFacts(bytes);
    const text = new X509Certificate(bytes).subjectAltName;
    expect(facts.ok && facts.value.dnsNames.map((name) => `DNS:${name}`).join(', ')).toBe(text);
  });
});
