// Joining a handshake message from its records, at every prefix and every split.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHandshakeMessage } from '../../src/wire/handshake-message.ts';
import { handshake, records } from '../support/client-hello.ts';

const LIMIT = 65_536;
const read = (bytes: Uint8Array, limit = LIMIT) => readHandshakeMessage(bytes, 1, limit);
const body = Uint8Array.from({ length: 300 }, (_, at) => at % 251);
const message = handshake(1, body);

/** A record of the given type and content. */
const record = (type: number, content: Iterable<number>): number[] => {
  const bytes = [...content];
  return [type, 3, 3, bytes.length >> 8, bytes.length & 0xff, ...bytes];
};

describe('a message in records of any size', () => {
  test.each([1, 2, 3, 4, 5, 100, 303, 304, 16_384])('of %d bytes is whole at the end and more before', (size) => {
    const bytes = records(message, size);
    for (let end = 0; end < bytes.length; end += 1) {
      const reading = read(bytes.subarray(0, end));
      if (reading.state !== 'more') throw new Error(`${reading.state} at ${end} of ${bytes.length}`);
      expect(reading.atLeast).toBeGreaterThan(end);
      expect(reading.atLeast).toBeLessThanOrEqual(bytes.length);
    }
    expect(read(bytes)).toEqual({ state: 'message', body, length: bytes.length });
  });

  test('of sizes that differ from one to the next', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), fc.nat({ max: 40 }), (sizes, extra) => {
        const parts: number[] = [];
        for (let at = 0, i = 0; at < message.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          parts.push(...record(0x16, message.subarray(at, at + size)));
          at += size;
        }
        const bytes = Uint8Array.from([...parts, ...new Array<number>(extra).fill(0x17)]);
        expect(read(bytes)).toEqual({ state: 'message', body, length: parts.length });
      }),
    );
  });

  test('without a body is a message too', () => {
    expect(read(Uint8Array.from(record(0x16, [1, 0, 0, 0])))).toEqual({
      state: 'message',
      body: new Uint8Array(0),
      length: 9,
    });
  });
});

describe('what lies behind the message', () => {
  test('in further records is not looked at', () => {
    const bytes = Buffer.concat([records(message, 100), Uint8Array.of(0xff, 0xff)]);
    expect(read(bytes)).toMatchObject({ state: 'message', length: bytes.length - 2 });
  });

  test('in the last record is malformed, as soon as its header shows it', () => {
    const bytes = Uint8Array.from(record(0x16, [...message, 0]));
    expect(read(bytes.subarray(0, 9))).toEqual({
      state: 'malformed',
      reason: 'bytes follow the message in its last record',
    });
  });
});

describe('malformed', () => {
  const first = record(0x16, message.subarray(0, 50));
  test.each([
    ['an SSLv2 hello', [0x80, 0x2e, 1, 0, 2], 'not TLS, perhaps an SSLv2 hello'],
    ['a line of text', Buffer.from('GET / HTTP/1.1'), 'not a TLS handshake, record type 71'],
    ['zeros', new Uint8Array(10), 'not a TLS handshake, record type 0'],
    ['an alert first', record(0x15, [2, 40]), 'not a TLS handshake, record type 21'],
    ['another major version', [0x16, 2], 'record of TLS major version 2'],
    ['an empty record first', record(0x16, []), 'empty record'],
    ['an empty record within', [...first, ...record(0x16, [])], 'empty record'],
    ['an alert within', [...first, ...record(0x15, [1, 0])], 'record of type 21 within the handshake message'],
    ['a change of cipher within', [...first, 0x14], 'record of type 20 within the handshake message'],
    ['another version within', [...first, 0x16, 4], 'record of TLS major version 4'],
    ['a record too long', [0x16, 3, 1, 0x41, 0x01], 'record of 16641 bytes'],
    ['a ServerHello', record(0x16, handshake(2, body)), 'first handshake message is of type 2'],
  ])('%s', (_what, bytes, reason) => {
    expect(read(Uint8Array.from(bytes))).toEqual({ state: 'malformed', reason });
  });

  test('a record of the greatest length is not', () => {
    expect(read(Uint8Array.of(0x16, 3, 1, 0x41, 0x00))).toEqual({ state: 'more', atLeast: 5 + 16_640 });
  });
});

describe('the limit', () => {
  const tooLong = { state: 'malformed', reason: 'handshake message needs more than 65536 bytes' };

  test('is known from the length of the message, long before it is reached', () => {
    const fits = LIMIT - 5 * 4;
    expect(read(Uint8Array.from(record(0x16, [1, 0, ...[(fits >> 8) & 0xff, fits & 0xff]])))).toMatchObject({
      state: 'more',
    });
    expect(read(Uint8Array.from(record(0x16, [1, 1, 0, 0])))).toEqual(tooLong);
    expect(read(Uint8Array.from(record(0x16, [1, 0xff, 0xff, 0xff])))).toEqual(tooLong);
  });

  test('counts the headers of the records', () => {
    const bytes = records(message, 1);
    expect(read(bytes, bytes.length).state).toBe('message');
    expect(read(bytes, bytes.length - 1).state).toBe('malformed');
  });

  test('holds for a buffer that never ends', () => {
    const endless = Uint8Array.from({ length: LIMIT + 6 }, (_, at) => [0x16, 3, 1, 0, 1, 1][at % 6] ?? 0);
    for (let end = 0; end < endless.length; end += 997) {
      expect(['more', 'malformed']).toContain(read(endless.subarray(0, end)).state);
    }
    expect(read(endless)).toEqual(tooLong);
  });
});

test('calls guided by atLeast are few, even with one byte per record', () => {
  const bytes = records(handshake(1, new Uint8Array(10_000)), 1);
  let calls = 0;
  for (let reading = read(new Uint8Array(0)); reading.state === 'more'; calls += 1) {
    reading = read(bytes.subarray(0, reading.atLeast));
  }
  expect(bytes.length).toBe(60_024);
  expect(calls).toBeLessThan(100);
});
