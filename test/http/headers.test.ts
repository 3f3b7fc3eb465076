// Which fields cross the proxy, in which order and spelling, and when a request has come round.

import { describe, expect, test } from 'vitest';
import { clientHeaders, hasPassed, upstreamHeaders } from '../../src/http/headers.ts';

const plain = { host: 'ok.test', via: undefined, body: 'none' as const };

describe('the fields of a request', () => {
  test('keep their order and spelling, behind the Host of the target', () => {
    const raw = ['x-B', '1', 'Host', 'OK.test:443', 'X-a', '2', 'x-b', '3', 'Cookie', 'a=b'];
    expect(upstreamHeaders(raw, plain)).toEqual([
      'host',
      'ok.test',
      'connection',
      'keep-alive',
      'x-B',
      '1',
      'X-a',
      '2',
      'x-b',
      '3',
      'Cookie',
      'a=b',
    ]);
  });

  test.each([
    'Connection',
    'connection',
    'Keep-Alive',
    'Proxy-Connection',
    'PROXY-AUTHORIZATION',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'HTTP2-Settings',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Expect',
    'Content-Length',
  ])('do not take %s across', (name) => {
    expect(upstreamHeaders(['A', '1', name, 'x', 'B', '2'], plain)).toEqual([
      'host',
      'ok.test',
      'connection',
      'keep-alive',
      'A',
      '1',
      'B',
      '2',
    ]);
  });

  test.each([
    'Authorization',
    'Cookie',
    'Accept-Encoding',
    'X-Forwarded-For',
    'Forwarded',
    'Via',
    'Range',
    '__proto__',
    'constructor',
    'x_y',
  ])('take %s across', (name) => {
    expect(upstreamHeaders([name, 'x'], plain)).toEqual(['host', 'ok.test', 'connection', 'keep-alive', name, 'x']);
  });

  test('lose what Connection names, in any spelling and over several fields', () => {
    const raw = [
      'Connection',
      'X-A , keep-alive,',
      'x-a',
      '1',
      'X-B',
      '2',
      'connection',
      'x-c',
      'X-C',
      '3',
      'X-CC',
      '4',
    ];
    expect(upstreamHeaders(raw, plain)).toEqual([
      'host',
      'ok.test',
      'connection',
      'keep-alive',
      'X-B',
      '2',
      'X-CC',
      '4',
    ]);
  });

  test('do not lose what must not be stripped, though Connection names it', () => {
    const named = ['Authorization', 'Cookie', 'Via'];
    const raw = [
      'Connection',
      'host, content-length, authorization, cookie, via, transfer-encoding, close',
      ...named.flatMap((name) => [name, 'x']),
    ];
    expect(upstreamHeaders(raw, { ...plain, body: 5 })).toEqual([
      'host',
      'ok.test',
      'connection',
      'keep-alive',
      ...named.flatMap((name) => [name, 'x']),
      'Content-Length',
      '5',
    ]);
  });

  test('offer what may be upgraded to, in place of what was offered', () => {
    const raw = ['Connection', 'upgrade, HTTP2-Settings', 'Upgrade', 'h2c, WebSocket', 'HTTP2-Settings', 'x', 'A', '1'];
    const start = ['host', 'ok.test', 'connection'];
    expect(upstreamHeaders(raw, { ...plain, upgrade: ['WebSocket'] })).toEqual([
      ...[...start, 'Upgrade'],
      ...['A', '1'],
      ...['Upgrade', 'WebSocket'],
    ]);
    expect(upstreamHeaders(raw, plain)).toEqual([...start, 'keep-alive', 'A', '1']);
  });

  test('expect a 100 where the client waits for one', () => {
    const out = upstreamHeaders(['Expect', '100-Continue'], { ...plain, body: 5, expectsContinue: true });
    expect(out.slice(4)).toEqual(['Expect', '100-continue', 'Content-Length', '5']);
  });

  test('announce trailers that may cross, where the body can have some', () => {
    const raw = ['Trailer', 'X-Sum, Host', 'Transfer-Encoding', 'chunked', 'trailer', 'x-more'];
    const rest = (body: 'chunked' | number) => upstreamHeaders(raw, { ...plain, body }).slice(4);
    expect(rest('chunked')).toEqual(['Transfer-Encoding', 'chunked', 'Trailer', 'X-Sum, x-more']);
    expect(rest(5)).toEqual(['Content-Length', '5']);
    const none = ['Trailer', 'Host', 'Transfer-Encoding', 'chunked'];
    expect(upstreamHeaders(none, { ...plain, body: 'chunked' }).slice(4)).toEqual(['Transfer-Encoding', 'chunked']);
  });

  test.each([
    ['TE, close', 'trailers', true],
    ['te', 'gzip;q=0.5, Trailers', true],
    ['close', 'trailers', false],
    ['TE', 'gzip', false],
    ['TE', 'x-trailers', false],
  ])('with Connection: %s and TE: %s ask for trailers: %j', (connection, te, expected) => {
    const out = upstreamHeaders(['Connection', connection, 'TE', te], plain);
    expect(out.slice(3)).toEqual(expected ? ['keep-alive, TE', 'TE', 'trailers'] : ['keep-alive']);
  });

  test('have their framing rebuilt, not relayed', () => {
    const raw = ['Content-Length', '0005', 'Transfer-Encoding', 'chunked'];
    expect(upstreamHeaders(raw, { ...plain, body: 5 })).toEqual([
      'host',
      'ok.test',
      'connection',
      'keep-alive',
      'Content-Length',
      '5',
    ]);
    expect(upstreamHeaders(raw, plain)).toEqual(['host', 'ok.test', 'connection', 'keep-alive']);
  });

  test.each([0, 1, 17])('with %i Via entries get ours behind them, with the version they came in', (count) => {
    const raw = Array.from({ length: count }, (_, i) => ['Via', `1.1 hop${i}`]).flat();
    const via = { version: '1.0', pseudonym: 'sallyport' };
    expect(upstreamHeaders(raw, { ...plain, via })).toEqual([
      'host',
      'ok.test',
      'connection',
      'keep-alive',
      ...raw,
      'Via',
      '1.0 sallyport',
    ]);
  });
});

describe('the fields of a reply', () => {
  test('keep order, spelling, doubles and length', () => {
    const raw = ['Server', 'x', 'set-cookie', 'a=1', 'Set-Cookie', 'b=2', 'Content-Length', '3', 'ETag', '"x"'];
    expect(clientHeaders(raw, undefined)).toEqual(raw);
  });

  test.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Connection',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    // Where they lead, nobody would see what a client does (RFC 7838).
    'Alt-Svc',
    'ALT-SVC',
    'Alt-Used',
  ])('do not take %s across', (name) => {
    expect(clientHeaders(['A', '1', name, 'x', 'B', '2'], undefined)).toEqual(['A', '1', 'B', '2']);
  });

  test('lose what Connection names, but neither length nor cookies', () => {
    const raw = [
      'Connection',
      'x-a, content-length, set-cookie',
      'X-A',
      '1',
      'Content-Length',
      '3',
      'Set-Cookie',
      'a=1',
    ];
    expect(clientHeaders(raw, undefined)).toEqual(['Content-Length', '3', 'Set-Cookie', 'a=1']);
  });

  test('announce the trailers of chunks, of those that may cross', () => {
    const raw = ['Trailer', 'Set-Cookie, Grpc-Status', 'Transfer-Encoding', 'chunked'];
    expect(clientHeaders(raw, undefined)).toEqual(['Trailer', 'Grpc-Status']);
  });

  test.each([
    [204, []],
    [205, ['Content-Length', '0']],
    [103, []],
    [101, []],
    [304, ['Content-Length', '5']],
  ])('of %i have the length %j', (status, expected) => {
    expect(clientHeaders(['Content-Length', '5'], undefined, status)).toEqual(expected);
  });

  test('get our Via at their end', () => {
    const via = { version: '1.1', pseudonym: 'sallyport' };
    expect(clientHeaders(['Via', '1.1 cache', 'A', '1'], via)).toEqual([
      'Via',
      '1.1 cache',
      'A',
      '1',
      'Via',
      '1.1 sallyport',
    ]);
  });
});

test('the credentials for a parent are ours, never those of the client', () => {
  const raw = ['Proxy-Authorization', 'Basic mine', 'X-a', '1'];
  expect(upstreamHeaders(raw, { ...plain, authorization: 'Basic ours' }).slice(4)).toEqual([
    'X-a',
    '1',
    'Proxy-Authorization',
    'Basic ours',
  ]);
});

describe('a request has come round', () => {
  test.each([
    [['1.1 sallyport'], true],
    [['1.1 other, 1.0 sallyport'], true],
    [['1.1 other', 'HTTP/1.1  sallyport (comment)'], true],
    [['1.1\tsallyport'], true],
    [[], false],
    [['1.1 other'], false],
    [['1.1 sallyport2', '1.1 my-sallyport', '1.1 sallyport.example'], false],
    [['sallyport'], false],
    [['1.1 other (1.1 sallyport)'], false],
    [['', ' , ,'], false],
  ])('with Via %j: %s', (vias, expected) => {
    expect(hasPassed(vias, 'sallyport')).toBe(expected);
  });

  test.each([
    [['1.1 sallyport'], true],
    [['1.1 sallyport (0a1b2c3d)'], true],
    [['1.1 sallyport (ffffffff), 1.1 squid, 1.1 sallyport (0a1b2c3d)'], true],
    [['1.1 sallyport (ffffffff)'], false],
    [['1.1 sallyport (ffffffff), 1.1 sallyport (eeeeeeee)'], false],
    [['1.1 other (0a1b2c3d)'], false],
    [['1.1 sallyport (some comment)'], true],
  ])('where each instance of one name has its own comment, with Via %j: %s', (vias, expected) => {
    expect(hasPassed(vias, 'sallyport', '0a1b2c3d')).toBe(expected);
  });
});
