// A set of IP addresses written as CIDR ranges, searched in logarithmic time; the clients of a rule and the
// addresses that may be dialled are made of it. IPv4 inside IPv6 (`::ffff:10.0.0.1`) is IPv4 here.

import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { parseHost } from '../core/authority.ts';
import { type Checked, sound, unsound } from './problem.ts';

/** The two families are apart: `::/0` holds no IPv4 address. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;
/** `::ffff:0:0/96` (RFC 4291 section 2.5.5.2). */
const MAPPED = 0xffffn;

export class AddressSet {
  readonly #ranges: Readonly<Record<4 | 6, readonly AddressRange[]>>;

  constructor(ranges: readonly AddressRange[]) {
    this.#ranges = { 4: merge(ranges, 4), 6: merge(ranges, 6) };
  }

  has(address: Address): boolean {
    const ranges = this.#ranges[address.family];
    let low = 0;
    let high = ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = ranges[middle];
      if (!range) return false;
      if (address.value < range.first) high = middle - 1;
      else if (address.value > range.last) low = middle + 1;
      else return true;
    }
    return false;
  }
}

/** Parses an address in a spelling that Node itself uses; a zone id is dropped. Undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  // ipaddr.js also reads `010.0.0.1`, `0x7f.1` and `127.1`; Node's own test keeps those out.
  if (isIPv4(bare)) return { family: 4, value: BigInt(bytesToNumber(bare.split('.').map(Number))) };
  if (!isIPv6(bare)) return undefined;
  const bytes = parseIp(bare).toByteArray();
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return value >> 32n === MAPPED ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

/** An address that Node takes for one, as ipaddr.js sees it. */
export function parseIp(text: string): ReturnType<typeof ipaddr.parse> {
  // ipaddr.js takes `::1.2.3.4` for `::ffff:1.2.3.4`; in hexadecimal it cannot.
  const canonical = isIPv6(text) ? parseHost(`[${text}]`) : undefined;
  return ipaddr.parse(canonical?.ok ? canonical.value.text : text);
}

const bytesToNumber = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

/** Parses `10.20.0.0/16`, `2001:db8::/32`, or one address. */
export function parseAddressRange(text: string): Checked<AddressRange> {
  const [, base = '', prefix] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const address = parseAddress(base);
  if (!address) return unsound(`"${text}" is not an IP address, nor a range such as 10.20.0.0/16`);
  const written = isIPv6(base) ? 128 : 32;
  const length = prefix === undefined ? written : Number(prefix);
  // An IPv4 address written as IPv6 has 96 bits in front of it, which the prefix must cover.
  const bits = length - (written - BITS[address.family]);
  if (length > written || bits < 0) return unsound(`the prefix length of "${text}" is out of range`);
  const size = 1n << BigInt(BITS[address.family] - bits);
  const first = address.value - (address.value % size);
  if (first !== address.value) {
    const network = formatAddress(first, address.family);
    return unsound(`"${text}" has bits set beyond its prefix length`, `write "${network}/${bits}"`);
  }
  return sound({ family: address.family, first, last: first + size - 1n });
}

function formatAddress(value: bigint, family: 4 | 6): string {
  const bytes = Array.from({ length: BITS[family] / 8 }, (_, index) => {
    return Number((value >> BigInt(BITS[family] - 8 - 8 * index)) & 0xffn);
  });
  return ipaddr.fromByteArray(bytes).toString();
}

/** Sorted, and disjoint so that a binary search finds the one range that could hold an address. */
function merge(ranges: readonly AddressRange[], family: 4 | 6): AddressRange[] {
  const sorted = ranges
    .filter((range) => range.family === family)
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: AddressRange[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (!before || range.first > before.last) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { ...before, last: range.last };
  }
  return merged;
}
