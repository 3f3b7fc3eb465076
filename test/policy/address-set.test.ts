import { isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSet, parseAddress, parseAddressRange } from '../../src/policy/address-set.ts';

function setOf(...entries: string[]): AddressSet {
  return new AddressSet(
    entries.map((entry) => {
      const range = parseAddressRange(entry);
      if (!range.ok) throw new Error(range.message);
      return range.value;
    }),
  );
}

function holds(set: AddressSet, address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && set.has(parsed);
}

describe('a set of addresses', () => {
  test.each([
    ['10.20.0.0/16', '10.20.0.0', true],
    ['10.20.0.0/16', '10.20.255.255', true],
    ['10.20.0.0/16', '10.21.0.0', false],
    ['10.20.0.0/16', '10.19.255.255', false],
    ['10.20.0.0/16', '::ffff:10.20.3.4', true],
    ['10.20.0.0/16', '::ffff:a14:304', true],
    ['::ffff:10.20.0.0/112', '10.20.3.4', true],
    ['::ffff:10.20.0.0/112', '10.21.3.4', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['10.20.0.0/16', '::10.20.3.4', false],
    ['::/96', '::10.20.3.4', true],
    ['::/0', '2001:db8::1', true],
    ['::/0', '10.0.0.1', false],
    ['::/0', '::ffff:10.0.0.1', false],
    ['2001:db8::/32', '2001:DB8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
  ])('%s holds %s: %s', (range, address, expected) => {
    expect(holds(setOf(range), address)).toBe(expected);
  });

  test.each(['', 'localhost', '127.1', '010.0.0.1', '0x7f.0.0.1', '2130706433', '1.2.3.4.5', '[::1]', '1.2.3.4 '])(
    '%j is no address and in no set',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  test.each([
    ['10.0.0.0/33', 'the prefix length of "10.0.0.0/33" is out of range', undefined],
    ['2001:db8::/129', 'the prefix length of "2001:db8::/129" is out of range', undefined],
    ['::ffff:10.0.0.0/90', 'the prefix length of "::ffff:10.0.0.0/90" is out of range', undefined],
    ['10.20.3.4/16', '"10.20.3.4/16" has bits set beyond its prefix length', 'write "10.20.0.0/16"'],
    ['2001:db8::1/32', '"2001:db8::1/32" has bits set beyond its prefix length', 'write "2001:db8::/32"'],
    ['::ffff:10.20.3.4/112', '"::ffff:10.20.3.4/112" has bits set beyond its prefix length', 'write "10.20.0.0/16"'],
    ['10.0.0.0/', '"10.0.0.0/" is not an IP address, nor a range such as 10.20.0.0/16', undefined],
    ['10.0.0.0/08', '"10.0.0.0/08" is not an IP address, nor a range such as 10.20.0.0/16', undefined],
    ['10.0.0.0/255.0.0.0', '"10.0.0.0/255.0.0.0" is not an IP address, nor a range such as 10.20.0.0/16', undefined],
    ['10/8', '"10/8" is not an IP address, nor a range such as 10.20.0.0/16', undefined],
    ['fe80::1%eth0', '"fe80::1%eth0" is not an IP address, nor a range such as 10.20.0.0/16', undefined],
    ['vm.example.com', '"vm.example.com" is not an IP address, nor a range such as 10.20.0.0/16', undefined],
  ])('%s is refused', (text, message, suggestion) => {
    expect(parseAddressRange(text)).toEqual({ ok: false, message, ...(suggestion ? { suggestion } : {}) });
  });

  test('many ranges, overlapping and unsorted, answer as each of them alone would', () => {
    const small = fc.ipV4().map((address) => address.replace(/^\d+/, (first) => String(Number(first) % 4)));
    const range = fc.tuple(small, fc.integer({ min: 4, max: 32 })).map(([address, bits]) => {
      const number = parseAddress(address)?.value ?? 0n;
      const first = (number >> BigInt(32 - bits)) << BigInt(32 - bits);
      return `${[24n, 16n, 8n, 0n].map((shift) => (first >> shift) & 255n).join('.')}/${bits}`;
    });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), small, (entries, address) => {
        expect(isIPv4(address)).toBe(true);
        expect(holds(setOf(...entries), address)).toBe(entries.some((entry) => holds(setOf(entry), address)));
      }),
    );
  });
});
