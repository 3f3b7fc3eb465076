import { describe, expect, test } from 'vitest';
import type { NameConstraints } from '../../src/core/certificate-facts.ts';
import { comparisons, respects } from '../../src/pki/name-constraints.ts';

const NONE = { dns: [], ip: [] };
const permitted = (...dns: string[]): NameConstraints => ({ permitted: { dns, ip: [] }, excluded: NONE });
const excluded = (...dns: string[]): NameConstraints => ({ permitted: NONE, excluded: { dns, ip: [] } });

describe('names that are permitted', () => {
  test.each([
    ['ok.test', ['ok.test'], true],
    ['OK.test', ['ok.TEST'], true],
    ['www.ok.test', ['ok.test'], true],
    ['notok.test', ['ok.test'], false],
    ['test', ['ok.test'], false],
    ['ok.test', ['other.test', 'ok.test'], true],
    ['ok.test', [''], true],
    ['www.ok.test', ['.ok.test'], true],
    ['ok.test', ['.ok.test'], false],
    ['*.ok.test', ['ok.test'], true],
    ['*.ok.test', ['.ok.test'], true],
    ['*.ok.test', ['www.ok.test'], false],
    ['*.a.ok.test', ['ok.test'], true],
    // What cannot be compared is not let pass.
    ['ok.test\0.evil', ['ok.test'], false],
    ['evil\0.ok.test', ['ok.test'], false],
    ['f*.ok.test', ['ok.test'], false],
    ['', ['ok.test'], false],
    ['ok.test.', ['ok.test'], false],
  ] as const)('%j within %j: %s', (name, bases, expected) => {
    expect(respects({ dnsNames: [name], ipAddresses: [] }, permitted(...bases))).toBe(expected);
  });

  test('are all of them, or none is', () => {
    expect(respects({ dnsNames: ['ok.test', 'evil.test'], ipAddresses: [] }, permitted('ok.test'))).toBe(false);
  });

  test('are all where only addresses are limited', () => {
    const limits = { permitted: { dns: [], ip: [Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0)] }, excluded: NONE };
    expect(respects({ dnsNames: ['any.test', 'f*.x'], ipAddresses: [] }, limits)).toBe(true);
  });
});

describe('names that are excluded', () => {
  test.each([
    ['bad.test', ['bad.test'], false],
    ['BAD.test', ['bad.test'], false],
    ['www.bad.test', ['bad.test'], false],
    ['notbad.test', ['bad.test'], true],
    ['ok.test', [''], false],
    ['bad.test', ['.bad.test'], false],
    ['ok.test', ['bad.ok.test'], true],
    // CVE-2025-61727
    ['*.ok.test', ['bad.ok.test'], false],
    ['*.ok.test', ['.bad.ok.test'], false],
    ['*.ok.test', ['very.bad.ok.test'], true],
    ['*.ok.test', ['ok.test'], false],
    ['*.ok.test', ['test'], false],
    ['*.ok.test', ['other.test'], true],
    ['*.bad.test', ['bad'], true],
    ['x y.test', ['bad.test'], false],
  ] as const)('%j against %j: free %s', (name, bases, expected) => {
    expect(respects({ dnsNames: [name], ipAddresses: [] }, excluded(...bases))).toBe(expected);
  });
});

describe('addresses', () => {
  const TEN = Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0);
  const six = (first: number): Uint8Array => Uint8Array.of(first, ...new Uint8Array(15));
  const SIX = Uint8Array.of(...six(0x20), ...six(0xff));

  test.each([
    [Uint8Array.of(10, 1, 2, 3), [TEN], [], true],
    [Uint8Array.of(11, 1, 2, 3), [TEN], [], false],
    [Uint8Array.of(10, 1, 2, 3), [], [TEN], false],
    [Uint8Array.of(11, 1, 2, 3), [], [TEN], true],
    [six(0x20), [SIX], [], true],
    [six(0x21), [SIX], [], false],
    [six(0x20), [TEN], [], false],
    [six(0x20), [TEN, SIX], [], true],
    [Uint8Array.of(10, 1, 2, 3), [], [SIX], true],
    [Uint8Array.of(10, 1, 2, 3), [], [], true],
  ])('%j permitted %j excluded %j: %s', (address, yes, no, expected) => {
    const limits = { permitted: { dns: [], ip: yes }, excluded: { dns: [], ip: no } };
    expect(respects({ dnsNames: [], ipAddresses: [address] }, limits)).toBe(expected);
  });
});

test('the comparisons are counted before they are made', () => {
  const names = { dnsNames: ['a', 'b', 'c'], ipAddresses: [Uint8Array.of(1, 2, 3, 4)] };
  const limits = { permitted: { dns: ['a', 'b'], ip: [] }, excluded: { dns: ['c'], ip: [new Uint8Array(8)] } };
  expect(comparisons(names, limits)).toBe(3 * 3 + 1);
});
