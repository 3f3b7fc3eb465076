// Heads of HTTP/2 as heads of HTTP/1.1, or why they are none.

import { describe, expect, test } from 'vitest';
import { areTrailers, isForUs, readH2Head } from '../../src/http/h2-head.ts';

const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'ok.test', ':path', '/a?b'];

describe('a head', () => {
  test('is that of HTTP/1.1, Host first', () => {
    const reading = readH2Head([...GET, 'accept', '*/*', 'te', 'trailers'], true);
    expect(reading).toEqual({
      ok: true,
      head: {
        method: 'GET',
        url: '/a?b',
        httpVersion: '2.0',
        rawHeaders: ['host', 'ok.test', 'accept', '*/*', 'te', 'trailers', 'connection', 'te'],
      },
      protocol: undefined,
    });
  });

  test('has its cookies in one line, and a Host for an authority', () => {
    const raw = [...GET.slice(0, 4), ':path', '/', 'cookie', 'a=1', 'host', 'ok.test', 'cookie', 'b=2'];
    expect(readH2Head(raw, true).head.rawHeaders).toEqual(['host', 'ok.test', 'cookie', 'a=1; b=2']);
  });

  test('says that a body without a length follows', () => {
    expect(readH2Head(GET, false).head.rawHeaders).toEqual(['host', 'ok.test', 'transfer-encoding', 'chunked']);
    const counted = readH2Head([...GET, 'content-length', '3'], false);
    expect(counted.head.rawHeaders).toEqual(['host', 'ok.test', 'content-length', '3']);
    const named = readH2Head([...GET, 'x', 'content-length'], false);
    expect(named.head.rawHeaders).toEqual(['host', 'ok.test', 'x', 'content-length', 'transfer-encoding', 'chunked']);
  });

  test('toward a proxy has the whole URL', () => {
    expect(readH2Head(GET, true, true).head.url).toBe('https://ok.test/a?b');
    const clear = readH2Head([':method', 'GET', ':scheme', 'http', ...GET.slice(4)], true, true);
    expect(clear).toMatchObject({ ok: true, head: { url: 'http://ok.test/a?b' } });
  });

  test('of OPTIONS for all of an origin has no path toward a proxy, and that of another method none that is good', () => {
    const all = (method: string): string[] => [':method', method, ...GET.slice(2, 6), ':path', '*'];
    expect(readH2Head(all('OPTIONS'), true, true).head.url).toBe('https://ok.test');
    expect(readH2Head(all('OPTIONS'), true).head.url).toBe('*');
    expect(readH2Head(all('GET'), true, true).head.url).toBe('https://ok.test*');
  });

  test('of CONNECT has the authority for its URL, and of an extended one the protocol', () => {
    const plain = readH2Head([':method', 'CONNECT', ':authority', 'ok.test:443'], false);
    expect(plain).toMatchObject({ ok: true, head: { method: 'CONNECT', url: 'ok.test:443' } });
    const extended = readH2Head([':method', 'CONNECT', ':protocol', 'websocket', ...GET.slice(2)], false);
    expect(extended).toMatchObject({ ok: true, protocol: 'websocket', head: { url: '/a?b' } });
  });
});

describe('no head is one', () => {
  test.each([
    ['without a method', GET.slice(2), 'No :method.'],
    ['without a path', GET.slice(0, 6), 'No :path.'],
    ['without a scheme', [...GET.slice(0, 2), ...GET.slice(4)], 'No :scheme of ours.'],
    ['with a scheme of others', [':method', 'GET', ':scheme', 'ftp', ':path', '/'], 'No :scheme of ours.'],
    [
      'of what is not secure, within what is',
      [':method', 'GET', ':scheme', 'http', ...GET.slice(4)],
      ':scheme is not https.',
    ],
    ['with a pseudo field twice', [...GET, ':path', '/b'], 'Pseudo field :path unknown or twice.'],
    ['with one that nobody knows', [':x', 'y', ...GET], 'Pseudo field :x unknown or twice.'],
    ['with one behind the others', ['a', 'b', ...GET], 'Pseudo field :method behind the others.'],
    ['with a name in upper case', [...GET, 'A', 'b'], 'Malformed field name.'],
    ['with CR LF in a value', [...GET, 'a', 'b\r\nc: d'], 'Malformed a.'],
    ['with NUL in a value', [...GET, 'a', 'b\0'], 'Malformed a.'],
    ['with a space before a value', [...GET, 'a', ' b'], 'Malformed a.'],
    ['with CR LF in a path', [...GET.slice(0, 6), ':path', '/\r\n'], 'Malformed :path.'],
    ['with Connection', [...GET, 'connection', 'close'], 'connection has no place in HTTP/2.'],
    ['with Transfer-Encoding', [...GET, 'transfer-encoding', 'chunked'], 'transfer-encoding has no place in HTTP/2.'],
    ['with Upgrade', [...GET, 'upgrade', 'websocket'], 'upgrade has no place in HTTP/2.'],
    ['with TE that is not trailers', [...GET, 'te', 'gzip'], 'TE is not trailers.'],
    ['with two Hosts', [...GET, 'host', 'ok.test', 'host', 'ok.test'], 'More than one Host.'],
    ['with a Host of others', [...GET, 'host', 'other.test'], 'Host differs from :authority.'],
    [
      'of CONNECT with a path',
      [':method', 'CONNECT', ':authority', 'a:1', ':path', '/'],
      'CONNECT with :scheme or :path.',
    ],
    ['of CONNECT to nobody', [':method', 'CONNECT'], 'CONNECT without :authority.'],
    [
      'with a protocol and no CONNECT',
      [...GET, ':protocol', 'websocket'].toSorted(() => 0),
      ':protocol without CONNECT.',
    ],
  ])('%s', (_, raw, reason) => {
    expect(readH2Head(raw, true)).toMatchObject({ ok: false, reason });
  });
});

test.each<[string, string[], string | undefined, boolean]>([
  ['below our name', GET, 'OK.test', true],
  ['below our name and a port', [...GET.slice(0, 4), ':authority', 'ok.test:3128', ':path', '/'], 'ok.test', true],
  ['below our address', [...GET.slice(0, 4), ':authority', '[::1]:3128'], '::1', true],
  ['below another name', GET, 'other.test', false],
  ['in the clear', [':scheme', 'http', ':authority', 'ok.test'], 'ok.test', false],
  ['where we have no name', GET, undefined, false],
  ['with what is no authority', [':scheme', 'https', ':authority', 'a b'], 'a b', false],
  ['with an authority that is a field', [':scheme', 'https', 'x', 'y', ':authority', 'ok.test'], 'ok.test', false],
])('a request %s is for us or not', (_, raw, name, expected) => {
  expect(isForUs(raw, name)).toBe(expected);
});

test('trailers are fields without pseudo ones', () => {
  expect(areTrailers(['grpc-status', '0'])).toBe(true);
  expect(areTrailers([':status', '200'])).toBe(false);
  expect(areTrailers(['a', 'b\n'])).toBe(false);
});
