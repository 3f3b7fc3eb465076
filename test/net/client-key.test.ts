// Which addresses are one client.

import { expect, test } from 'vitest';
import { clientKey } from '../../src/net/client-key.ts';

test.each([
  ['an IPv4 address is one by itself', '192.0.2.7', '192.0.2.7'],
  ['an IPv6 address counts by its network', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['another one of it is the same', '2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['one whose zeros are left out', '2001:db8::1', '2001:db8:0:0::/64'],
  ['one whose zeros are left out at its end', '2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['loopback', '::1', '0:0:0:0::/64'],
  ['a link-local one with its zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['none at all', '', ''],
])('%s', (_name, address, key) => {
  expect(clientKey(address)).toBe(key);
});
