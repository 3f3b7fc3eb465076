// The reader of PROXY headers: what each says, each of their prefixes, and what is no header or a broken one.

import { describe, expect, test } from 'vitest';
import { crc32c } from '../../src/wire/crc32c.ts';
import { MAX_PROXY_HEADER, readProxyHeader } from '../../src/wire/proxy-header.ts';
import { binaryHeader, extension, inet, lineHeader, SIGNATURE, TOLD } from '../support/proxy-header.ts';

const IPV6 = { from: '2001:db8::7', fromPort: 1, to: '2001:db8::9', toPort: 65_535 };
const told4 = {
  source: { address: TOLD.from, port: TOLD.fromPort },
  destination: { address: TOLD.to, port: TOLD.toPort },
};
const told6 = {
  source: { address: IPV6.from, port: IPV6.fromPort },
  destination: { address: IPV6.to, port: IPV6.toPort },
};
const inet6 = (from: string, to: string): Buffer => Buffer.from(`${from}${to}0001ffff`, 'hex');
const V6_FROM = '20010db8000000000000000000000007';
const V6_TO = '20010db8000000000000000000000009';

/** With the checksum of all of it, as `send-proxy-v2` of HAProxy writes it with `proxy-v2-options crc32c`. */
function checksummed(command: number, family: number, before: Buffer, after: Buffer = Buffer.alloc(0)): Buffer {
  const blank = binaryHeader(command, family, Buffer.concat([before, extension(3, Buffer.alloc(4)), after]));
  blank.writeUInt32BE(crc32c(blank), 16 + before.length + 3);
  return blank;
}

const HEADERS: readonly (readonly [string, Buffer, object | undefined])[] = [
  ['a line for IPv4', lineHeader(), told4],
  ['a line for IPv6', lineHeader(IPV6), told6],
  ['a line with long spellings', Buffer.from('PROXY TCP6 2001:0DB8:0:0::7 2001:db8::0:9 1 65535\r\n'), told6],
  [
    'a line with IPv4 inside IPv6',
    Buffer.from(`PROXY TCP6 ::ffff:${TOLD.from} ::FFFF:c633:6409 ${TOLD.fromPort} 443\r\n`),
    told4,
  ],
  ['a line for nobody', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['a line for nobody, with words', Buffer.from(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), undefined],
  ['version 2 for IPv4', binaryHeader(0x21, 0x11, inet()), told4],
  ['version 2 for IPv6', binaryHeader(0x21, 0x21, inet6(V6_FROM, V6_TO)), told6],
  [
    'version 2 with IPv4 inside IPv6',
    binaryHeader(
      0x21,
      0x21,
      Buffer.concat([
        Buffer.from('00000000000000000000ffffcb007107', 'hex'),
        Buffer.from('00000000000000000000ffffc6336409', 'hex'),
        inet().subarray(8),
      ]),
    ),
    told4,
  ],
  [
    'version 2 with extensions',
    binaryHeader(
      0x21,
      0x11,
      Buffer.concat([
        inet(),
        extension(1, Buffer.from('h2')),
        extension(4, Buffer.alloc(300)),
        extension(0xea, Buffer.from('\x01vpce')),
      ]),
    ),
    told4,
  ],
  ['version 2 with its checksum', checksummed(0x21, 0x11, inet()), told4],
  [
    'version 2 with its checksum among other extensions',
    checksummed(0x21, 0x11, Buffer.concat([inet(), extension(4, Buffer.alloc(7))]), extension(5, Buffer.from('id'))),
    told4,
  ],
  ['version 2 for a UNIX socket', binaryHeader(0x21, 0x31, Buffer.alloc(216, 'x')), undefined],
  ['version 2 for nobody', binaryHeader(0x21, 0x00, extension(4, Buffer.alloc(1))), undefined],
  ['version 2 of the sender itself', binaryHeader(0x20, 0x00, Buffer.alloc(0)), undefined],
  ['version 2 of the sender itself, whatever follows', binaryHeader(0x20, 0xff, Buffer.from('anything')), undefined],
];

describe.each(HEADERS)('%s', (_name, bytes, told) => {
  const whole = { state: 'header', length: bytes.length, ...(told ? { header: told } : {}) };

  test('is read', () => {
    expect(readProxyHeader(bytes)).toEqual(whole);
  });

  test('ends where it ends, whatever follows', () => {
    for (const rest of ['\r\n', 'PROXY ', '\x16\x03\x01', 'GET / HTTP/1.1\r\n']) {
      expect(readProxyHeader(Buffer.concat([bytes, Buffer.from(rest, 'latin1')]))).toEqual(whole);
    }
  });

  test('wants more at each of its prefixes, and never more than there is', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      const reading = readProxyHeader(bytes.subarray(0, length));
      expect(reading.state).toBe('more');
      if (reading.state !== 'more') continue;
      expect(reading.atLeast).toBeGreaterThan(length);
      expect(reading.atLeast).toBeLessThanOrEqual(
        bytes.length === 0 ? 0 : Math.max(bytes.length, SIGNATURE.length + 4),
      );
    }
  });
});

const line = (text: string): Buffer => Buffer.from(text, 'latin1');
const damaged = checksummed(0x21, 0x11, inet());
damaged.writeUInt8((damaged.at(16) ?? 0) ^ 1, 16);

const BROKEN: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a line without end', line(`PROXY TCP4 ${'1'.repeat(200)}`), /does not end within 107 bytes/],
  ['a line of 108 bytes', line(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`), /does not end within 107 bytes/],
  ['a line that ends in LF alone', line('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n'), /without a CR/],
  ['a line of a family to come', line('PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n'), /not that of version 1/],
  ['a line in lower case', line('PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n'), /not that of version 1/],
  ['a line with two spaces', line('PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n'), /not that of version 1/],
  ['a line with a word behind', line('PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n'), /not that of version 1/],
  ['a line without ports', line('PROXY TCP4 1.2.3.4 5.6.7.8\r\n'), /not that of version 1/],
  ['a line with a zero before the port', line('PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n'), /not that of version 1/],
  ['a line with a NUL', line('PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n'), /not that of version 1/],
  ['a line with a CR within', line('PROXY TCP4 1.2.3.4\r5.6.7.8 1 2\r\n'), /not that of version 1/],
  ['a line with a port too high', line('PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n'), /none of TCP4/],
  ['a line with a short address', line('PROXY TCP4 127.1 5.6.7.8 1 2\r\n'), /none of TCP4/],
  ['a line with an octal address', line('PROXY TCP4 010.0.0.1 5.6.7.8 1 2\r\n'), /none of TCP4/],
  ['a line with IPv6 for IPv4', line('PROXY TCP4 ::1 ::2 1 2\r\n'), /none of TCP4/],
  ['a line with IPv4 for IPv6', line('PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n'), /none of TCP6/],
  ['a line with colons alone', line('PROXY TCP6 :::: :::: 1 2\r\n'), /none of TCP6/],
  ['version 1 in the form of 2', binaryHeader(0x11, 0x11, inet()), /version or command/],
  ['version 3', binaryHeader(0x31, 0x11, inet()), /version or command/],
  ['a command to come', binaryHeader(0x22, 0x11, inet()), /version or command/],
  ['datagrams', binaryHeader(0x21, 0x12, inet()), /family or transport/],
  ['a family to come', binaryHeader(0x21, 0x41, inet()), /family or transport/],
  ['a transport to come', binaryHeader(0x21, 0x13, inet()), /family or transport/],
  ['more than it may hold', binaryHeader(0x21, 0x11, Buffer.alloc(4_097)), /longer than 4096 bytes/],
  ['… of the sender itself', binaryHeader(0x20, 0x00, Buffer.alloc(65_535)), /longer than 4096 bytes/],
  ['no addresses', binaryHeader(0x21, 0x11, Buffer.alloc(0)), /ends early/],
  ['half an address', binaryHeader(0x21, 0x11, inet().subarray(0, 6)), /ends early/],
  ['no port', binaryHeader(0x21, 0x11, inet().subarray(0, 10)), /ends early/],
  ['IPv4 addresses for IPv6', binaryHeader(0x21, 0x21, inet()), /ends early/],
  ['half an extension', binaryHeader(0x21, 0x11, Buffer.concat([inet(), Buffer.from([4, 0])])), /ends early/],
  [
    'an extension longer than the header',
    binaryHeader(0x21, 0x11, Buffer.concat([inet(), Buffer.from([4, 0, 9, 1])])),
    /ends early/,
  ],
  ['a checksum that is wrong', damaged, /does not have its checksum/],
  [
    'a checksum of three bytes',
    binaryHeader(0x21, 0x11, Buffer.concat([inet(), extension(3, Buffer.alloc(3))])),
    /no single checksum/,
  ],
  ['two checksums', checksummed(0x21, 0x11, inet(), extension(3, Buffer.alloc(4))), /checksum/],
];

describe('what is broken', () => {
  test.each(BROKEN)('LB-03: %s is refused with its reason', (_name, bytes, reason) => {
    const reading = readProxyHeader(bytes);
    expect(reading.state).toBe('malformed');
    if (reading.state === 'malformed') expect(reading.reason).toMatch(reason);
  });

  test.each(BROKEN)('LB-03: %s is never taken for a header at any of its prefixes', (_name, bytes) => {
    for (let length = 0; length < Math.min(bytes.length, 300); length += 1) {
      expect(['more', 'malformed']).toContain(readProxyHeader(bytes.subarray(0, length)).state);
    }
  });

  test('LB-03: any one bit of a header with a checksum that is turned over is seen', () => {
    const sound = checksummed(0x21, 0x11, inet());
    const unseen: number[] = [];
    for (let bit = 0; bit < sound.length * 8; bit += 1) {
      const bytes = Buffer.from(sound);
      bytes.writeUInt8((bytes.at(bit >> 3) ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      const reading = readProxyHeader(bytes);
      if (reading.state === 'header' && reading.header) unseen.push(bit >> 3);
    }
    // The type of the extension: then there is no checksum to hold it against.
    expect(unseen).toEqual(Array.from({ length: 8 }, () => 28));
  });
});

describe('LB-02: what begins in another way is none', () => {
  test.each(['GET / HTTP/1.1\r\n', '\x16\x03\x01\x02\x00', 'P\r', 'PROXX', 'PROXYTCP4', '\r\n\r\nGET', '\0', 'proxy '])(
    '%j',
    (text) => {
      expect(readProxyHeader(Buffer.from(text, 'latin1')).state).toBe('none');
    },
  );

  test('the ceiling is that of the longest header', () => {
    const longest = binaryHeader(0x21, 0x11, Buffer.concat([inet(), extension(4, Buffer.alloc(4_096 - 12 - 3))]));
    expect(longest.length).toBe(MAX_PROXY_HEADER);
    expect(readProxyHeader(longest).state).toBe('header');
  });
});
