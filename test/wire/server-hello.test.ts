// What an origin says first: a retry is told from everything else, over any records, at the earliest byte.

import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../src/wire/server-hello.ts';
import { handshake, records } from '../support/client-hello.ts';

const RETRY = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
const serverHello = (random: Uint8Array, size?: number): Uint8Array =>
  records(handshake(2, [3, 3, ...random, 0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]), size);
const CASES: readonly (readonly [string, Uint8Array, 'retry' | 'other'])[] = [
  ['a HelloRetryRequest', serverHello(RETRY), 'retry'],
  ['one in records of a byte each', serverHello(RETRY, 1), 'retry'],
  ['one in records of seven bytes', serverHello(RETRY, 7), 'retry'],
  ['a ServerHello', serverHello(Buffer.alloc(32, 7)), 'other'],
  [
    'a ServerHello that differs in its last byte',
    serverHello(Buffer.concat([RETRY.subarray(0, 31), Buffer.of(0)])),
    'other',
  ],
  ['another handshake message', records(handshake(11, Buffer.alloc(64))), 'other'],
  ['an alert', Uint8Array.of(21, 3, 3, 0, 2, 2, 40), 'other'],
  ['no TLS', Buffer.from('220 hello\r\n'), 'other'],
  ['an empty record', Uint8Array.of(22, 3, 3, 0, 0), 'other'],
];

describe('the answer of an origin', () => {
  test.each(CASES)('%s is recognised', (_name, bytes, answer) => {
    expect(readAnswer(bytes)).toBe(answer);
  });

  test.each(CASES)('%s: no prefix says anything else', (_name, bytes, answer) => {
    let said = false;
    for (let length = 0; length <= bytes.length; length++) {
      const reading = readAnswer(bytes.subarray(0, length));
      if (!said && reading === 'more') continue;
      said = true;
      expect(reading).toBe(answer);
    }
    expect(said).toBe(true);
  });
});
