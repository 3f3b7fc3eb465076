import { describe, expect, test } from 'vitest';
import { ipBytes } from '../../src/pki/ip-bytes.ts';

describe('addresses as bytes', () => {
  test.each([
    ['127.0.0.2', '7f000002'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:7f00:1', '00000000000000000000ffff7f000001'],
  ])('%s', (text, hex) => {
    expect(ipBytes(text)?.toString('hex')).toBe(hex);
  });

  test.each(['', 'example.test', '127.1', '[::1]', 'fe80::1%eth0', '::ffff:127.0.0.1', '1::2::3', '256.0.0.1'])(
    '%j is not an address in canonical text',
    (text) => {
      expect(ipBytes(text)).toBeUndefined();
    },
  );
});
