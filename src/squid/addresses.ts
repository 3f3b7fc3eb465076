// Addresses as the ACLs of Squid name them (`10.0.0.0/8`, `10.1.0.0/255.255.0.0`, `10.0.0.1-10.0.0.9`, `all`), as sets, and
// back as the CIDR ranges of our rules.

import { type Address, parseAddress } from '../policy/address-set.ts';
import { bothRanges, hasRanges, normalRanges, otherRanges, type Range, type Ranges } from './ranges.ts';

/** The two families are apart. */
export interface Addresses {
  readonly 4: Ranges;
  readonly 6: Ranges;
}

const BITS = { 4: 32, 6: 128 } as const;
const WHOLE = { 4: { first: 0n, last: (1n << 32n) - 1n }, 6: { first: 0n, last: (1n << 128n) - 1n } } as const;

export const EVERY_ADDRESS: Addresses = { 4: [WHOLE[4]], 6: [WHOLE[6]] };
export const NO_ADDRESS: Addresses = { 4: [], 6: [] };

/** Old spellings of `all`, which Squid takes for both families, too. */
const ALL = new Set([
  'all',
  'ipv4/ipv6',
  '0/0',
  '0.0.0.0/0',
  '0.0.0.0/0.0.0.0',
  '0.0.0.0-255.255.255.255',
  '0.0.0.0-0.0.0.0/0',
]);

/** Undefined for a host name, and for what cannot be read. */
export function parseAddresses(text: string): Addresses | undefined {
  if (ALL.has(text)) return EVERY_ADDRESS;
  if (text === 'ipv4') return { 4: [WHOLE[4]], 6: [] };
  if (text === 'ipv6') return { 4: [], 6: [WHOLE[6]] };
  const [, from = '', to, mask] = /^([^-/]+)(?:-([^/]+))?(?:\/(.+))?$/.exec(text) ?? [];
  const [low, high] = [parseAddress(bare(from)), parseAddress(bare(to ?? from))];
  if (!low || !high || low.family !== high.family) return undefined;
  const host = hostBits(mask, low);
  if (host === undefined) return undefined;
  const first = low.value - (low.value & host);
  const last = high.value | host;
  if (first > last) return undefined;
  return low.family === 4 ? { 4: [{ first, last }], 6: [] } : { 4: [], 6: [{ first, last }] };
}

const bare = (text: string): string => text.replace(/^\[(.*)\]$/, '$1');

/** The bits that the mask leaves open, as ones; without a mask none. */
function hostBits(mask: string | undefined, { family }: Address): bigint | undefined {
  const all = WHOLE[family].last;
  if (mask === undefined) return 0n;
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= BITS[family] ? all >> BigInt(mask) : undefined;
  const address = parseAddress(mask);
  if (!address || address.family !== family) return undefined;
  const host = all - address.value;
  // A mask with holes is no range.
  return (host & (host + 1n)) === 0n ? host : undefined;
}

export function oneOfAddresses(sets: readonly Addresses[]): Addresses {
  return { 4: normalRanges(sets.flatMap((set) => set[4])), 6: normalRanges(sets.flatMap((set) => set[6])) };
}

export function bothAddresses(a: Addresses, b: Addresses): Addresses {
  return { 4: bothRanges(a[4], b[4]), 6: bothRanges(a[6], b[6]) };
}

export function otherAddresses(set: Addresses): Addresses {
  return { 4: otherRanges(set[4], WHOLE[4]), 6: otherRanges(set[6], WHOLE[6]) };
}

export function hasAddresses(outer: Addresses, inner: Addresses): boolean {
  return hasRanges(outer[4], inner[4]) && hasRanges(outer[6], inner[6]);
}

export const isNoAddress = (set: Addresses): boolean => set[4].length === 0 && set[6].length === 0;

/** The fewest CIDR ranges that are the set. */
export function toCidrs(set: Addresses): string[] {
  return [...set[4].flatMap((range) => cidrsOf(range, 4)), ...set[6].flatMap((range) => cidrsOf(range, 6))];
}

function cidrsOf({ first, last }: Range, family: 4 | 6): string[] {
  const out: string[] = [];
  let next = first;
  while (next <= last) {
    let bits = 0;
    while (
      bits < BITS[family] &&
      next % (1n << BigInt(bits + 1)) === 0n &&
      next + (1n << BigInt(bits + 1)) - 1n <= last
    )
      bits += 1;
    out.push(`${spell(next, family)}${bits === 0 ? '' : `/${BITS[family] - bits}`}`);
    next += 1n << BigInt(bits);
  }
  return out;
}

function spell(value: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  const text = groups.join(':');
  // The longest run of zero groups, shortened once; whichever comes first.
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = text.indexOf(longest);
  const [before, after] = [text.slice(0, at), text.slice(at + longest.length)];
  return `${before}::${after.replace(/^:/, '')}`;
}
