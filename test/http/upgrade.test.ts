// Which requests offer to leave HTTP, which handshakes go on to the origin, and which 101 grants what was asked.

import { describe, expect, test } from 'vitest';
import { grantedProtocol, isWebSocketOnly, makeUpgrade, offeredProtocols } from '../../src/http/upgrade.ts';

/** The example of RFC 6455 section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const request = (rawHeaders: string[], method = 'GET', httpVersion = '1.1') => ({
  ...{ method, url: '/', httpVersion, rawHeaders },
});

describe('an offer', () => {
  test.each<[string, string[], string[] | undefined]>([
    ['of one protocol', ['Connection', 'Upgrade', 'Upgrade', 'websocket'], ['websocket']],
    ['in any spelling', ['CONNECTION', 'keep-alive, uPGRADE', 'upgrade', 'WebSocket'], ['WebSocket']],
    ['of several, over fields', ['Connection', 'upgrade', 'Upgrade', 'a/1, b', 'Upgrade', ' c,'], ['a/1', 'b', 'c']],
    ['that Connection does not name', ['Upgrade', 'websocket'], undefined],
    ['that Connection names in part', ['Connection', 'upgrades, x-upgrade', 'Upgrade', 'websocket'], undefined],
    ['of nothing', ['Connection', 'upgrade'], undefined],
    ['of an empty list', ['Connection', 'upgrade', 'Upgrade', ', ,'], undefined],
    ['of what is no protocol', ['Connection', 'upgrade', 'Upgrade', 'web socket'], undefined],
    ['of a protocol with two versions', ['Connection', 'upgrade', 'Upgrade', 'a/1/2'], undefined],
    ['with one that is none', ['Connection', 'upgrade', 'Upgrade', 'websocket, "x"'], undefined],
    ['of nine', ['Connection', 'upgrade', 'Upgrade', 'a,b,c,d,e,f,g,h,i'], undefined],
    ['of a name without end', ['Connection', 'upgrade', 'Upgrade', 'a'.repeat(65)], undefined],
  ])('%s: %j is %j', (_name, rawHeaders, expected) => {
    expect(offeredProtocols(request(rawHeaders))).toEqual(expected);
  });

  test('of HTTP/1.0 is none', () => {
    expect(offeredProtocols(request(['Connection', 'upgrade', 'Upgrade', 'x'], 'GET', '1.0'))).toBeUndefined();
  });
});

test.each<[string[], boolean]>([
  [['WebSocket'], true],
  [['websocket', 'spdy/3.1'], false],
  [['spdy/3.1'], false],
])('%j can go on over HTTP/2: %s', (protocols, expected) => {
  expect(isWebSocketOnly({ protocols, accept: undefined })).toBe(expected);
});

describe('a handshake', () => {
  const key = (value: string) => ['Sec-WebSocket-Key', value];

  test('of a WebSocket knows its answer', () => {
    expect(makeUpgrade(request(key(KEY)), false, ['WebSocket'])).toEqual({
      ok: true,
      value: { protocols: ['WebSocket'], accept: ACCEPT },
    });
  });

  test.each<[string, string[], string, boolean, string]>([
    ['a POST', key(KEY), 'POST', false, 'A WebSocket begins with a GET without a body.'],
    ['a body', key(KEY), 'GET', true, 'A WebSocket begins with a GET without a body.'],
    ['no key', [], 'GET', false, 'A WebSocket begins with one key of 16 bytes.'],
    ['two keys', [...key(KEY), ...key(KEY)], 'GET', false, 'A WebSocket begins with one key of 16 bytes.'],
    ['a short key', key('YQ=='), 'GET', false, 'A WebSocket begins with one key of 16 bytes.'],
    ['a long key', key(`a${KEY}`), 'GET', false, 'A WebSocket begins with one key of 16 bytes.'],
  ])('of a WebSocket with %s is none', (_name, rawHeaders, method, hasBody, reason) => {
    expect(makeUpgrade(request(rawHeaders, method), hasBody, ['websocket'])).toEqual({ ok: false, reason });
    expect(makeUpgrade(request(rawHeaders, method), hasBody, ['tcp'])).toEqual({
      ok: true,
      value: { protocols: ['tcp'], accept: undefined },
    });
  });
});

describe('a 101', () => {
  const reply = (rawHeaders: readonly string[], httpVersion = '1.1') => ({
    ...{ status: 101, reason: '', httpVersion, rawHeaders },
  });
  const upgrade = { protocols: ['WebSocket', 'spdy/3.1'], accept: ACCEPT };
  const SWITCH = ['connection', 'keep-alive, Upgrade'];
  const PROOF = ['sec-websocket-accept', ACCEPT];

  test.each<[string, string[], string]>([
    ['to a WebSocket', [...SWITCH, 'upgrade', 'WEBSOCKET', ...PROOF], 'WEBSOCKET'],
    ['to the other one', [...SWITCH, 'Upgrade', 'SPDY/3.1'], 'SPDY/3.1'],
    ['with a length of nothing', [...SWITCH, 'Upgrade', 'spdy/3.1', 'Content-Length', '0'], 'spdy/3.1'],
  ])('%s is the answer', (_name, rawHeaders, value) => {
    expect(grantedProtocol(reply(rawHeaders), upgrade)).toEqual({ ok: true, value });
  });

  test.each<[string, string[], string]>([
    ['without Connection', ['Upgrade', 'websocket', ...PROOF], 'A 101 without an upgrade of its connection.'],
    ['without Upgrade', [...SWITCH, ...PROOF], 'A 101 that does not say to what.'],
    ['to an empty list', [...SWITCH, 'Upgrade', ' ,', ...PROOF], 'A 101 that does not say to what.'],
    ['to h2c', [...SWITCH, 'Upgrade', 'h2c'], 'A change to a protocol that nobody asked for.'],
    ['to another version', [...SWITCH, 'Upgrade', 'spdy/3'], 'A change to a protocol that nobody asked for.'],
    ['to more', [...SWITCH, 'Upgrade', 'websocket, h2c', ...PROOF], 'A change to a protocol that nobody asked for.'],
    ['with a body', [...SWITCH, 'Upgrade', 'spdy/3.1', 'Content-Length', '5'], 'A 101 with a body.'],
    ['with chunks', [...SWITCH, 'Upgrade', 'spdy/3.1', 'Transfer-Encoding', 'chunked'], 'A 101 with a body.'],
    ['without proof', [...SWITCH, 'Upgrade', 'websocket'], 'Sec-WebSocket-Accept is not that of the key.'],
    [
      'with the proof of another key',
      [...SWITCH, 'Upgrade', 'websocket', 'Sec-WebSocket-Accept', ACCEPT.toLowerCase()],
      'Sec-WebSocket-Accept is not that of the key.',
    ],
    [
      'with two proofs',
      [...SWITCH, 'Upgrade', 'websocket', ...PROOF, ...PROOF],
      'Sec-WebSocket-Accept is not that of the key.',
    ],
    ['of many fields', [...SWITCH, ...Array.from({ length: 200 }, () => 'a')], 'More than 100 fields.'],
  ])('%s is not', (_name, rawHeaders, reason) => {
    expect(grantedProtocol(reply(rawHeaders), upgrade)).toEqual({ ok: false, reason });
  });

  test('of HTTP/1.0 is not', () => {
    expect(grantedProtocol(reply([...SWITCH, 'Upgrade', 'websocket', ...PROOF], '1.0'), upgrade).ok).toBe(false);
  });
});
