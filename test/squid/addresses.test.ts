import { describe, expect, test } from 'vitest';
import {
  bothAddresses,
  EVERY_ADDRESS,
  hasAddresses,
  isNoAddress,
  oneOfAddresses,
  otherAddresses,
  parseAddresses,
  toCidrs,
} from '../../src/squid/addresses.ts';

const cidrs = (text: string) => toCidrs(parseAddresses(text) ?? { 4: [], 6: [] });

describe('addresses of an ACL', () => {
  test.each<[string, string[]]>([
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['10.1.2.3/255.255.0.0', ['10.1.0.0/16']],
    ['10.0.0.1-10.0.0.4', ['10.0.0.1', '10.0.0.2/31', '10.0.0.4']],
    ['192.0.2.1', ['192.0.2.1']],
    ['fc00::/7', ['fc00::/7']],
    ['2001:db8::1', ['2001:db8::1']],
    ['all', ['0.0.0.0/0', '::/0']],
    ...['0/0', '0.0.0.0/0', '0.0.0.0/0.0.0.0', '0.0.0.0-255.255.255.255', '0.0.0.0-0.0.0.0/0'].map(
      (text): [string, string[]] => [text, ['0.0.0.0/0', '::/0']],
    ),
    ['ipv4', ['0.0.0.0/0']],
    ['host.example', []],
    ['10.0.0.0/33', []],
    ['10.0.0.0/255.0.255.0', []],
    ['10.0.0.9-10.0.0.1', []],
  ])('%s', (text, expected) => {
    expect(cidrs(text)).toEqual(expected);
  });

  test('have others, and something in common', () => {
    const low = parseAddresses('0.0.0.0/1') ?? EVERY_ADDRESS;
    expect(toCidrs(otherAddresses(low))).toEqual(['128.0.0.0/1', '::/0']);
    const ten = parseAddresses('10.0.0.0/8') ?? EVERY_ADDRESS;
    expect(toCidrs(bothAddresses(low, ten))).toEqual(['10.0.0.0/8']);
    expect([hasAddresses(low, ten), hasAddresses(ten, low)]).toEqual([true, false]);
    expect(isNoAddress(bothAddresses(otherAddresses(low), ten))).toBe(true);
    expect(toCidrs(oneOfAddresses([low, otherAddresses(low)]))).toEqual(['0.0.0.0/0', '::/0']);
  });
});
