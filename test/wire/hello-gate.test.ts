// Every ClientHello of a tunnel is looked at before it goes on, in whatever pieces it comes.

import { describe, expect, test } from 'vitest';
import type { ClientHello } from '../../src/wire/client-hello.ts';
import { HelloGate, type Passed } from '../../src/wire/hello-gate.ts';
import { extension, handshake, hostNames, hello as makeHello, records } from '../support/client-hello.ts';

const hello = (name: string): Uint8Array => Uint8Array.from(makeHello({ extensions: [extension(0, hostNames(name))] }));
const FIRST = hello('ok.test');
const RETRY = records(
  handshake(2, [
    3,
    3,
    ...Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex'),
    0,
    19,
    1,
    0,
  ]),
);
const ANSWER = records(handshake(2, [3, 3, ...Buffer.alloc(32, 7), 0, 19, 1, 0]));
const CCS = Uint8Array.of(20, 3, 3, 0, 1, 1);
const EARLY = Uint8Array.of(23, 3, 3, 0, 3, 1, 2, 3);
const DATA = Buffer.from('\x17\x03\x03\x00\x02ab', 'latin1');

function gate(accepted: number): { gate: HelloGate; names: (string | undefined)[] } {
  const names: (string | undefined)[] = [];
  const accept = ({ serverName }: ClientHello): boolean => {
    names.push(serverName);
    return serverName === 'ok.test';
  };
  return { gate: new HelloGate({ accepted, accept }), names };
}

const text = (passed: Passed): string =>
  passed === undefined ? '' : passed === 'refused' ? passed : Buffer.from(passed).toString('hex');
const hex = (...parts: Uint8Array[]): string => Buffer.concat(parts).toString('hex');

describe('behind an accepted hello', () => {
  test('everything passes once the origin has answered with a ServerHello', () => {
    const { gate: it, names } = gate(FIRST.length);
    expect(text(it.fromClient(FIRST))).toBe(hex(FIRST));
    expect(it.open).toBe(false);
    expect(it.fromOrigin(ANSWER)).toEqual(new Uint8Array());
    expect(it.open).toBe(true);
    expect(text(it.fromClient(DATA))).toBe(hex(DATA));
    expect(names).toEqual([]);
  });

  test('early data waits for that answer', () => {
    const { gate: it } = gate(FIRST.length);
    expect(text(it.fromClient(Buffer.concat([FIRST, EARLY])))).toBe(hex(FIRST));
    expect(it.fromClient(DATA)).toBeUndefined();
    expect(text(it.fromOrigin(ANSWER))).toBe(hex(EARLY, DATA));
  });

  test.each([
    ['alone', [hello('ok.test')], true],
    ['behind the record that middleboxes want', [CCS, hello('ok.test')], true],
    ['behind early data', [EARLY, CCS, hello('ok.test')], true],
    ['for another server', [CCS, hello('evil.test')], false],
    ['for another server, behind early data', [EARLY, EARLY, hello('evil.test')], false],
    ['that is none', [CCS, records(handshake(11, [1, 2, 3]))], false],
    ['in place of which something else comes', [Uint8Array.of(1, 2, 3, 4, 5, 6)], false],
  ] as const)('FRONT-01: a second hello %s is looked at, at every split', (_name, parts, passes) => {
    const bytes = Buffer.concat(parts);
    for (let at = 0; at <= bytes.length; at++) {
      const { gate: it } = gate(FIRST.length);
      it.fromClient(FIRST);
      // The half that came before the answer counts as well.
      const before = it.fromClient(bytes.subarray(0, at));
      expect(before).toBeUndefined();
      let passed = text(it.fromOrigin(RETRY));
      if (passed !== 'refused') passed += text(it.fromClient(bytes.subarray(at)));
      expect(passed).toBe(passes ? hex(bytes) : 'refused');
      expect(it.open).toBe(passes);
    }
  });

  test('FRONT-01: a second hello that was sent before it was asked for does not pass unseen', () => {
    const { gate: it, names } = gate(FIRST.length);
    expect(text(it.fromClient(Buffer.concat([FIRST, hello('evil.test')])))).toBe(hex(FIRST));
    expect(it.fromOrigin(RETRY)).toBe('refused');
    expect(names).toEqual(['evil.test']);
  });

  test('an answer in single bytes is understood', () => {
    const { gate: it, names } = gate(FIRST.length);
    it.fromClient(FIRST);
    for (const byte of RETRY) expect(it.fromOrigin(Uint8Array.of(byte))).toBeUndefined();
    expect(text(it.fromClient(hello('ok.test')))).toBe(hex(hello('ok.test')));
    expect(names).toEqual(['ok.test']);
  });

  test('no more is held than has to be: the client is not read any more', () => {
    const { gate: it } = gate(FIRST.length);
    it.fromClient(FIRST);
    expect(it.full).toBe(false);
    it.fromClient(Buffer.alloc(65_536, 23));
    expect(it.full).toBe(true);
  });

  test('a second hello without end is refused', () => {
    const { gate: it } = gate(FIRST.length);
    it.fromClient(FIRST);
    it.fromOrigin(RETRY);
    let passed: Passed;
    for (let count = 0; count < 20 && passed !== 'refused'; count++) {
      passed = it.fromClient(Buffer.concat([Uint8Array.of(23, 3, 3, 0x40, 0), Buffer.alloc(16_384)]));
    }
    expect(passed).toBe('refused');
  });
});

describe('where nothing was said yet', () => {
  test('what is no TLS passes, with all that follows', () => {
    const { gate: it } = gate(0);
    expect(text(it.fromClient(Buffer.from('SSH-2.0')))).toBe(hex(Buffer.from('SSH-2.0')));
    expect(it.open).toBe(true);
  });

  test.each([
    ['ok.test', true],
    ['evil.test', false],
  ] as const)('a hello for %s is looked at, at every split', (name, passes) => {
    const bytes = hello(name);
    for (let at = 1; at < bytes.length; at++) {
      const { gate: it } = gate(0);
      expect(it.fromClient(bytes.subarray(0, at))).toBeUndefined();
      expect(text(it.fromClient(bytes.subarray(at)))).toBe(passes ? hex(bytes) : 'refused');
      // The origin may still ask for another.
      expect(it.open).toBe(false);
      if (!passes) continue;
      it.fromOrigin(RETRY);
      expect(it.fromClient(hello('evil.test'))).toBe('refused');
    }
  });

  test('what the origin says first changes nothing', () => {
    const { gate: it } = gate(0);
    expect(it.fromOrigin(Buffer.from('220 hello'))).toBeUndefined();
    expect(it.fromClient(hello('evil.test'))).toBe('refused');
  });
});
