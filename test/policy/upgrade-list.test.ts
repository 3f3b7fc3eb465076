// Which protocols can stand in a list of upgrades, and what of an offer it lets on.

import { describe, expect, test } from 'vitest';
import { isIdle, parseUpgrade, permitted, readable } from '../../src/policy/upgrade-list.ts';

describe('a list of upgrades', () => {
  test.each([
    ['websocket', 'websocket'],
    ['WebSocket', 'websocket'],
    ['SPDY/3.1', 'spdy/3.1'],
    ['tcp', 'tcp'],
    ['https-like', 'https-like'],
  ])('takes %s as %s', (text, value) => {
    expect(parseUpgrade(text)).toEqual({ ok: true, value });
  });

  test.each(['h2c', 'H2C', 'h2', 'h3', 'HTTP/2.0', 'http/3', 'TLS/1.0', 'tls'])('never takes %s', (text) => {
    expect(parseUpgrade(text)).toEqual({
      ok: false,
      message: `an upgrade to "${text}" is never passed on: requests would go through it unread`,
      suggestion: 'leave it out: clients that offer it go on without',
    });
  });

  test.each(['', 'web socket', 'a/b/c', '*', 'a,b', '"x"'])('does not know %j', (text) => {
    expect(parseUpgrade(text)).toEqual({
      ok: false,
      message: `"${text}" is not a protocol, such as websocket or spdy/3.1`,
    });
  });
});

describe('of an offer', () => {
  test.each([
    [['WebSocket'], ['websocket'], ['WebSocket']],
    [['websocket', 'h2c'], ['websocket'], ['websocket']],
    [['spdy/3.1', 'SPDY/3'], ['spdy'], ['spdy/3.1', 'SPDY/3']],
    [['spdy/3.1', 'spdy/3'], ['spdy/3.1'], ['spdy/3.1']],
    [['spdy'], ['spdy/3.1'], []],
    [['websocket'], [], []],
    [['websockets', 'web', 'websocket-x'], ['websocket'], []],
  ])('%j under %j goes on %j', (offered, list, expected) => {
    expect(permitted(offered, list)).toEqual(expected);
  });

  test.each([
    [['h2c'], true, []],
    [['H2C', 'TLS/1.2', 'HTTP/2.0'], true, []],
    [['h2c', 'WebSocket'], false, ['WebSocket']],
    [['tlsx'], false, ['tlsx']],
  ])('%j nobody misses: %j', (offered, idle, rest) => {
    expect([isIdle(offered), readable(offered)]).toEqual([idle, rest]);
  });
});
