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
    expect(readCertificateFacts(withNames(names))).toEqual({
      ok: true,
      value: { version: 3, dnsNames, ipAddresses: addresses.map((address) => Uint8Array.from(address)) },
    });
  });

  test('with a thousand names', () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `host-${at}.ok.test`);
    const facts = readCertificateFacts(withNames(names.map((name) => `DNS:${name}`).join(',')));
    expect(facts).toEqual({ ok: true, value: { version: 3, dnsNames: names, ipAddresses: [] } });
  });

  test('without names has none, its common name notwithstanding', () => {
    expect(readCertificateFacts(openssl([]))).toEqual({
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
    expect(readCertificateFacts(new X509Certificate(pem).raw)).toEqual({
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
const any = sequence();
/** An extension; `flag` is the DER of `critical`. */
const extension = (oid: number[], value: number[], flag: number[] = []): number[] =>
  sequence(der(TAG.oid, oid), flag, der(TAG.octetString, value));
const san = (...names: number[][]): number[] => extension(SAN_OID, sequence(...names));
const dns = (name: string): number[] => der(0x82, ascii(name));

interface Parts {
  version?: number[];
  fields?: number[];
  unique?: number[];
  extensions?: number[][];
  signature?: number[];
}

/** A certificate of which only the skeleton is real. */
function made(parts: Parts): Uint8Array {
  const fields = parts.fields ?? [...der(TAG.integer, [1]), ...any, ...any, ...any, ...any, ...any];
  const extensions = parts.extensions ? der(0xa3, sequence(...parts.extensions)) : [];
  const tbs = sequence(parts.version ?? V3, fields, parts.unique ?? [], extensions);
  return Uint8Array.from(sequence(tbs, any, parts.signature ?? der(TAG.bitString, [0])));
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
    ['without a serial number', { fields: any }, 'TBSCertificate has no serialNumber where it belongs'],
    [
      'without a key',
      { fields: [...der(TAG.integer, [1]), ...any, ...any, ...any, ...any] },
      'TBSCertificate has no subjectPublicKeyInfo where it belongs',
    ],
    ['with a field too many', { unique: any }, 'TBSCertificate has bytes left over'],
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
