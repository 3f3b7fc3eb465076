// Whom the shares of a client are counted for. Called by flow/.

import { isIPv6 } from 'node:net';

/**
 * The address itself, or for IPv6 its first 64 bits: a single machine may use all addresses of such a network
 * (RFC 4291 section 2.5.1, RFC 8981).
 */
export function clientKey(address: string): string {
  // Most clients have IPv4, and asking in full whether an address is IPv6 is dear.
  if (!address.includes(':')) return address;
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return address;
  const [head = '', tail] = bare.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
