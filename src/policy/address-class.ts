// What kind of address it is that may not be dialled, in the words of the refusal; address-guard.ts asks.

import { parseIp } from './address-set.ts';

/** The names that ipaddr.js gives to the ranges of the IANA special-purpose registries (RFC 6890). */
const CLASSES: Readonly<Record<string, string>> = {
  unspecified: 'unspecified address',
  broadcast: 'broadcast address',
  multicast: 'multicast address',
  linkLocal: 'link-local address',
  loopback: 'loopback address',
  carrierGradeNat: 'shared (carrier-grade NAT) address',
  private: 'private address',
  uniqueLocal: 'unique local address',
  deprecatedSiteLocal: 'site-local address',
  ipv4Mapped: 'IPv4-mapped address',
  rfc6145: 'IPv4-translated address',
  rfc6052: 'NAT64 address',
  '6to4': '6to4 address',
  teredo: 'Teredo address',
  discard: 'discard-only address',
  benchmarking: 'benchmarking address',
  amt: 'multicast tunnelling address',
  as112: 'AS112 address',
  as112v6: 'AS112 address',
  segmentRouting: 'segment routing address',
  reserved: 'reserved address',
};

/** Services that machines reach on the host or link they run on: no proxy can stand in for them. */
const LOCAL_SERVICES: Readonly<Record<string, string>> = {
  '169.254.169.254': 'link-local address (instance metadata)',
  '168.63.129.16': 'address of the Azure host service (wire server)',
  'fd00:ec2::254': 'unique local address (instance metadata)',
  '100.100.100.200': 'shared address (instance metadata)',
};

/** A sentence that names the class of an address that is not global unicast; undefined when it is. No zone ids. */
export function classifyAddress(text: string): string | undefined {
  const address = parseIp(text);
  const plain = address.toString();
  const service = LOCAL_SERVICES[plain];
  if (service) return `${service} ${plain}; add it to NO_PROXY`;
  const inside = embeddedIPv4(text);
  const range = address.range();
  // 2000::/3 is all the global unicast there is (RFC 4291 section 2.4); ipaddr.js calls every unlisted range unicast.
  const isGlobal = address.kind() === 'ipv4' || (address.toByteArray()[0] ?? 0) >> 5 === 1;
  if (range === 'unicast' && isGlobal) return undefined;
  const name = range === 'unicast' ? 'address outside 2000::/3' : (CLASSES[range] ?? 'special-purpose address');
  if (inside === undefined) return `${name} ${text}`;
  const innerName = classifyAddress(inside);
  const outerName = range === 'unicast' ? 'IPv4-compatible address' : name;
  return innerName ? `${innerName}, written as ${outerName} ${text}` : `${outerName} ${text}`;
}

/** The forms of IPv6 address that carry an IPv4 address, by the hexadecimal digits they begin with. */
const FORMS: readonly { readonly prefix: string; readonly at: number; readonly isInverted?: boolean }[] = [
  // Mapped and compatible (RFC 4291 section 2.5.5), translated (RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056).
  { prefix: '00000000000000000000ffff', at: 12 },
  { prefix: '000000000000000000000000', at: 12 },
  { prefix: '0000000000000000ffff0000', at: 12 },
  { prefix: '0064ff9b0000000000000000', at: 12 },
  { prefix: '2002', at: 2 },
  // Teredo hides the address of the client by inverting its bits (RFC 4380 section 4).
  { prefix: '20010000', at: 12, isInverted: true },
];

/** The IPv4 address inside an IPv6 address, where its form tells that there is one. */
export function embeddedIPv4(text: string): string | undefined {
  const address = parseIp(text);
  if (address.kind() === 'ipv4' || ['unspecified', 'loopback'].includes(address.range())) return undefined;
  const bytes = address.toByteArray();
  const digits = Buffer.from(bytes).toString('hex');
  const form = FORMS.find(({ prefix }) => digits.startsWith(prefix));
  if (!form) return undefined;
  return bytes
    .slice(form.at, form.at + 4)
    .map((byte) => (form.isInverted ? byte ^ 0xff : byte))
    .join('.');
}
