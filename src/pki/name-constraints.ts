// Name constraints of a CA against the names of a certificate below it (RFC 5280 section 4.2.1.10), wildcards by all that
// they cover. Called by check-path.

import type { AlternativeNames, NameConstraints } from '../core/certificate-facts.ts';

const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** How many comparisons `respects` makes: names times subtrees, either of which a hostile chain may have by the thousand. */
export function comparisons({ dnsNames, ipAddresses }: AlternativeNames, limits: NameConstraints): number {
  const { permitted, excluded } = limits;
  return (
    dnsNames.length * (permitted.dns.length + excluded.dns.length) +
    ipAddresses.length * (permitted.ip.length + excluded.ip.length)
  );
}

/** Whether every name is within a permitted subtree of its kind, if there are any, and none meets an excluded one. */
export function respects({ dnsNames, ipAddresses }: AlternativeNames, limits: NameConstraints): boolean {
  const permitted = limits.permitted.dns.map((base) => base.toLowerCase());
  const excluded = limits.excluded.dns.map((base) => base.toLowerCase());
  return (
    dnsNames.every((name) => nameIsFree(name.toLowerCase(), permitted, excluded)) &&
    ipAddresses.every((address) => addressIsFree(address, limits))
  );
}

function nameIsFree(name: string, permitted: readonly string[], excluded: readonly string[]): boolean {
  if (permitted.length === 0 && excluded.length === 0) return true;
  const wildcard = name.startsWith('*.');
  const rest = wildcard ? name.slice(2) : name;
  // Where names are limited, one that cannot be compared cannot be let pass.
  if (!LABELS.test(rest)) return false;
  if (permitted.length > 0 && !permitted.some((base) => isWithin(rest, base, wildcard))) return false;
  return !excluded.some((base) => meets(rest, base, wildcard));
}

/** All that the name covers lies in the subtree. A leading dot leaves out the base itself, as OpenSSL reads it. */
function isWithin(rest: string, base: string, wildcard: boolean): boolean {
  if (base === '') return true;
  if (base.startsWith('.')) return rest.endsWith(base) || (wildcard && rest === base.slice(1));
  return rest === base || rest.endsWith(`.${base}`);
}

/** Something that the name covers lies in the subtree; read widely, since here a doubt is a refusal. */
function meets(rest: string, base: string, wildcard: boolean): boolean {
  const bare = base.startsWith('.') ? base.slice(1) : base;
  if (bare === '' || rest === bare || rest.endsWith(`.${bare}`)) return true;
  // The wildcard stands for one label: *.ok.test covers bad.ok.test, but not very.bad.ok.test (CVE-2025-61727).
  return wildcard && bare.slice(bare.indexOf('.') + 1) === rest;
}

function addressIsFree(address: Uint8Array, { permitted, excluded }: NameConstraints): boolean {
  const inside = (subtree: Uint8Array): boolean => contains(subtree, address);
  // Both families are one kind of name: where only IPv4 is permitted, no IPv6 is.
  if (permitted.ip.length > 0 && !permitted.ip.some(inside)) return false;
  return !excluded.ip.some(inside);
}

/** `subtree` is an address and its mask. */
function contains(subtree: Uint8Array, address: Uint8Array): boolean {
  const size = address.length;
  if (subtree.length !== size * 2) return false;
  return address.every((octet, at) => {
    const mask = subtree[size + at] ?? 0;
    return (octet & mask) === ((subtree[at] ?? 0) & mask);
  });
}
