// The checksum against the examples of RFC 3720 appendix B.4.

import { describe, expect, test } from 'vitest';
import { crc32c } from '../../src/wire/crc32c.ts';

describe('CRC-32C', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 0],
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 bytes that rise', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    ['32 bytes that fall', Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
  ])('of %s', (_what, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum);
  });
});
