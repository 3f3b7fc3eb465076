import { describe, expect, test } from 'vitest';
import { classifyAddress, embeddedIPv4 } from '../../src/policy/address-class.ts';

describe('the class of an address that is not global', () => {
  test.each([
    ['0.0.0.0', 'unspecified address 0.0.0.0'],
    ['0.1.2.3', 'unspecified address 0.1.2.3'],
    ['10.0.0.1', 'private address 10.0.0.1'],
    ['172.16.0.1', 'private address 172.16.0.1'],
    ['172.31.255.255', 'private address 172.31.255.255'],
    ['192.168.1.1', 'private address 192.168.1.1'],
    ['100.64.0.1', 'shared (carrier-grade NAT) address 100.64.0.1'],
    ['127.0.0.1', 'loopback address 127.0.0.1'],
    ['127.255.255.254', 'loopback address 127.255.255.254'],
    ['169.254.1.1', 'link-local address 169.254.1.1'],
    ['192.0.0.8', 'reserved address 192.0.0.8'],
    ['192.0.2.1', 'reserved address 192.0.2.1'],
    ['198.51.100.1', 'reserved address 198.51.100.1'],
    ['203.0.113.1', 'reserved address 203.0.113.1'],
    ['192.88.99.1', 'reserved address 192.88.99.1'],
    ['198.18.0.1', 'reserved address 198.18.0.1'],
    ['198.19.255.255', 'reserved address 198.19.255.255'],
    ['224.0.0.1', 'multicast address 224.0.0.1'],
    ['239.255.255.255', 'multicast address 239.255.255.255'],
    ['240.0.0.1', 'reserved address 240.0.0.1'],
    ['255.255.255.255', 'broadcast address 255.255.255.255'],
    ['::', 'unspecified address ::'],
    ['::1', 'loopback address ::1'],
    ['fc00::1', 'unique local address fc00::1'],
    ['fdff::1', 'unique local address fdff::1'],
    ['fe80::1', 'link-local address fe80::1'],
    ['fec0::1', 'site-local address fec0::1'],
    ['ff02::1', 'multicast address ff02::1'],
    ['100::1', 'discard-only address 100::1'],
    ['2001:db8::1', 'reserved address 2001:db8::1'],
    ['3fff::1', 'reserved address 3fff::1'],
    ['2001:2::1', 'benchmarking address 2001:2::1'],
    ['4000::1', 'address outside 2000::/3 4000::1'],
    ['::ffff:127.0.0.1', 'loopback address 127.0.0.1, written as IPv4-mapped address ::ffff:127.0.0.1'],
    ['::ffff:7f00:1', 'loopback address 127.0.0.1, written as IPv4-mapped address ::ffff:7f00:1'],
    ['::ffff:8.8.8.8', 'IPv4-mapped address ::ffff:8.8.8.8'],
    ['::127.0.0.1', 'loopback address 127.0.0.1, written as IPv4-compatible address ::127.0.0.1'],
    ['::8.8.8.8', 'IPv4-compatible address ::8.8.8.8'],
    ['64:ff9b::10.0.0.1', 'private address 10.0.0.1, written as NAT64 address 64:ff9b::10.0.0.1'],
    ['64:ff9b::8.8.8.8', 'NAT64 address 64:ff9b::8.8.8.8'],
    ['64:ff9b:1::1', 'NAT64 address 64:ff9b:1::1'],
    ['2002:7f00:1::', 'loopback address 127.0.0.1, written as 6to4 address 2002:7f00:1::'],
    ['2002:808:808::1', '6to4 address 2002:808:808::1'],
    ['2001:0:1:2:3:4:f5ff:fffe', 'private address 10.0.0.1, written as Teredo address 2001:0:1:2:3:4:f5ff:fffe'],
    ['2001::1', 'reserved address 255.255.255.254, written as Teredo address 2001::1'],
    ['::ffff:0:10.0.0.1', 'private address 10.0.0.1, written as IPv4-translated address ::ffff:0:10.0.0.1'],
  ])('of %s is told as: %s', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected);
  });

  test.each([
    ['169.254.169.254', 'link-local address (instance metadata) 169.254.169.254; add it to NO_PROXY'],
    ['168.63.129.16', 'address of the Azure host service (wire server) 168.63.129.16; add it to NO_PROXY'],
    ['fd00:ec2::254', 'unique local address (instance metadata) fd00:ec2::254; add it to NO_PROXY'],
    ['100.100.100.200', 'shared address (instance metadata) 100.100.100.200; add it to NO_PROXY'],
  ])('%s is a service beside the machine, so the mend is told', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected);
  });

  test('a service beside the machine stays one when IPv6 is wrapped around it', () => {
    expect(classifyAddress('::ffff:168.63.129.16')).toBe(
      'address of the Azure host service (wire server) 168.63.129.16; add it to NO_PROXY, written as IPv4-mapped address ::ffff:168.63.129.16',
    );
  });

  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '198.20.0.1',
    '168.63.129.17',
    '2606:4700::1111',
    '2a00::1',
  ])('%s is global', (address) => {
    expect(classifyAddress(address)).toBeUndefined();
  });
});

describe('the IPv4 address inside an IPv6 address', () => {
  test.each([
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::1.2.3.4', '1.2.3.4'],
    ['64:ff9b::1.2.3.4', '1.2.3.4'],
    ['2002:102:304::5', '1.2.3.4'],
    ['2001:0:0:0:0:0:fefd:fcfb', '1.2.3.4'],
    ['1.2.3.4', undefined],
    ['2606:4700::1', undefined],
    ['::', undefined],
    ['::1', undefined],
  ])('of %s is %s', (address, expected) => {
    expect(embeddedIPv4(address)).toBe(expected);
  });
});
