// Which requests are looked at at all: each kind of malformed one with the reason it is refused for, on the plain side and
// inside a tunnel, and the good ones with what was understood.

import { describe, expect, test } from 'vitest';
import { type Authority, parseAuthority } from '../../src/core/authority.ts';
import {
  type Admitted,
  admit,
  admitConnect,
  admitIntercepted,
  hasField,
  isLast,
  keepsAlive,
  valuesOf,
} from '../../src/http/admission.ts';
import type { RequestHead } from '../../src/wire/http-head.ts';

const tunnel = authority('ok.test:443');

function authority(text: string): Authority {
  const parsed = parseAuthority(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

/** A good request for each side, and then what a case changes of it. */
type Change = Partial<Omit<RequestHead, 'rawHeaders'>> & {
  readonly host?: readonly string[];
  readonly fields?: readonly string[];
};

function request(
  base: Pick<RequestHead, 'method' | 'url'>,
  { host = ['ok.test'], fields = [], ...rest }: Change,
): RequestHead {
  return { httpVersion: '1.1', ...base, ...rest, rawHeaders: [...host.flatMap((value) => ['Host', value]), ...fields] };
}

const sides = {
  plain: (change: Change) => admit(request({ method: 'GET', url: 'http://ok.test/' }, change)),
  tunnel: (change: Change) => admit(request({ method: 'GET', url: '/' }, change), tunnel),
  connect: (change: Change) => admitConnect(request({ method: 'CONNECT', url: 'ok.test:443' }, change)),
};

const refused = (code: string, detail: string) => ({ ok: false, error: expect.objectContaining({ code, detail }) });
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => [`X-${i}`, '1']).flat();

const MALFORMED = 'request-malformed';
const BAD_LENGTH = 'Malformed Content-Length.';
const BAD_FORWARDS = 'Malformed Max-Forwards.';
const NO_URL = 'target is not an absolute http or https URL.';
const BAD_CODING = 'Transfer-Encoding is not chunked.';

describe.each(Object.entries(sides))('framing, on the side %s', (_side, ask) => {
  test.each<[string, Change, string, string]>([
    ['HTTP/0.9', { httpVersion: '0.9' }, MALFORMED, 'HTTP version is not 1.0 or 1.1.'],
    ['HTTP/1.2', { httpVersion: '1.2' }, MALFORMED, 'HTTP version is not 1.0 or 1.1.'],
    ['HTTP/3.0', { httpVersion: '3.0' }, MALFORMED, 'HTTP version is not 1.0 or 1.1.'],
    ['an empty method', { method: '' }, MALFORMED, 'Malformed method.'],
    ['a method in lower case', { method: 'get' }, MALFORMED, 'Malformed method.'],
    ['a method with a space', { method: 'GE T' }, MALFORMED, 'Malformed method.'],
    ['a method with a line break', { method: 'GET\n' }, MALFORMED, 'Malformed method.'],
    ['a method of 1000 characters', { method: 'A'.repeat(1_000) }, MALFORMED, 'Malformed method.'],
    ['101 fields', { fields: many(100) }, 'request-too-large', 'More than 100 fields.'],
    ['2500 fields', { fields: many(2_500) }, 'request-too-large', 'More than 100 fields.'],
    [
      '1500 fields and a length behind them',
      { fields: [...many(1_500), 'Content-Length', '5'] },
      'request-too-large',
      'More than 100 fields.',
    ],
    ['no Host', { host: [] }, MALFORMED, 'No Host.'],
    ['two Hosts', { host: ['ok.test', 'ok.test'] }, MALFORMED, 'More than one Host.'],
    ['a second Host in another spelling', { fields: ['hOST', 'evil.test'] }, MALFORMED, 'More than one Host.'],
    ['an empty Host', { host: [''] }, MALFORMED, 'Malformed Host: empty host.'],
    ['a list as Host', { host: ['ok.test, evil.test'] }, MALFORMED, 'Malformed Host: character not allowed in host.'],
    [
      'user information in Host',
      { host: ['ok.test@evil.test'] },
      MALFORMED,
      'Malformed Host: character not allowed in host.',
    ],
    ['a path in Host', { host: ['ok.test/a'] }, MALFORMED, 'Malformed Host: character not allowed in host.'],
    ['percent-encoding in Host', { host: ['%6fk.test'] }, MALFORMED, 'Malformed Host: character not allowed in host.'],
    ['a raw byte in Host', { host: ['\xfck.test'] }, MALFORMED, 'Malformed Host: character not allowed in host.'],
    [
      'two ports in Host',
      { host: ['ok.test:443:80'] },
      MALFORMED,
      'Malformed Host: port is not a number from 1 to 65535.',
    ],
    ['port 0 in Host', { host: ['ok.test:0'] }, MALFORMED, 'Malformed Host: port is not a number from 1 to 65535.'],
    [
      'an empty port in Host',
      { host: ['ok.test:'] },
      MALFORMED,
      'Malformed Host: port is not a number from 1 to 65535.',
    ],
    [
      'a number as Host',
      { host: ['2130706433'] },
      MALFORMED,
      'Malformed Host: host is an address in a spelling that is not canonical.',
    ],
    ['two lengths', { fields: ['Content-Length', '5', 'content-length', '6'] }, MALFORMED, BAD_LENGTH],
    ['two equal lengths', { fields: ['Content-Length', '5', 'Content-Length', '5'] }, MALFORMED, BAD_LENGTH],
    ...['5, 5', '5,6', '+5', '-5', '0x5', '5 ', ' 5', '5.0', '1e3', '', ' ', '5\x005', '9'.repeat(16), '٥'].map(
      (value): [string, Change, string, string] => [
        `the length ${JSON.stringify(value)}`,
        { fields: ['Content-Length', value] },
        MALFORMED,
        BAD_LENGTH,
      ],
    ),
    ...[
      'xchunked',
      'gzip',
      'gzip, chunked',
      'chunked, gzip',
      'chunked, chunked',
      'identity',
      'chunked;q=1',
      '"chunked"',
      '\vchunked',
      'chunked\0',
      '',
    ].map((value): [string, Change, string, string] => [
      `the coding ${JSON.stringify(value)}`,
      { fields: ['Transfer-Encoding', value] },
      MALFORMED,
      BAD_CODING,
    ]),
    [
      'two codings',
      { fields: ['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'] },
      MALFORMED,
      BAD_CODING,
    ],
    [
      'a coding hidden behind another',
      { fields: ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'identity'] },
      MALFORMED,
      BAD_CODING,
    ],
    [
      'a coding and a length',
      { fields: ['Transfer-Encoding', 'chunked', 'Content-Length', '5'] },
      MALFORMED,
      'Content-Length beside Transfer-Encoding.',
    ],
    [
      'a length and a coding',
      { fields: ['Content-Length', '0', 'Transfer-Encoding', 'chunked'] },
      MALFORMED,
      'Content-Length beside Transfer-Encoding.',
    ],
    [
      'a coding in HTTP/1.0',
      { httpVersion: '1.0', fields: ['Transfer-Encoding', 'chunked'] },
      MALFORMED,
      'Transfer-Encoding in HTTP/1.0.',
    ],
    ['TRACE', { method: 'TRACE' }, 'request-method', 'TRACE.'],
    ['a negative Max-Forwards', { method: 'OPTIONS', fields: ['Max-Forwards', '-1'] }, MALFORMED, BAD_FORWARDS],
    ['Max-Forwards that is no number', { method: 'OPTIONS', fields: ['Max-Forwards', 'x'] }, MALFORMED, BAD_FORWARDS],
    [
      'Max-Forwards beyond all bounds',
      { method: 'OPTIONS', fields: ['Max-Forwards', '18446744073709551616'] },
      MALFORMED,
      BAD_FORWARDS,
    ],
    [
      'two Max-Forwards',
      { method: 'OPTIONS', fields: ['Max-Forwards', '1', 'Max-Forwards', '1'] },
      MALFORMED,
      BAD_FORWARDS,
    ],
    ['an unknown expectation', { fields: ['Expect', 'magic'] }, 'request-expectation', ''],
    ['a list of expectations', { fields: ['Expect', '100-continue, magic'] }, 'request-expectation', ''],
  ])('%s is refused', (_name, change, code, detail) => {
    expect(ask(change)).toEqual(refused(code, detail));
  });

  test.each<[string, Change]>([
    ['100 fields', { fields: many(99) }],
    ['a method that nobody knows', { method: 'FOO' }],
    ['Host in capitals with a trailing dot', { host: ['OK.TEST.'] }],
    ['HTTP/1.0 without Host', { httpVersion: '1.0', host: [] }],
    ['fields that every object has', { fields: ['__proto__', 'x', 'constructor', 'y', 'x_y', 'z'] }],
    ['an expectation in any spelling', { fields: ['expect', '100-Continue'] }],
    ['an expectation said twice', { fields: ['Expect', '100-continue', 'Expect', '100-continue, 100-continue'] }],
    ['Max-Forwards where it means nothing', { fields: ['Max-Forwards', 'x'] }],
  ])('%s is admitted', (_name, change) => {
    expect(ask(change)).toMatchObject({ ok: true });
  });
});

describe('the body', () => {
  test.each<[string, readonly string[], Admitted['body']]>([
    ['of no framing', [], 'none'],
    ['of length 0', ['Content-Length', '0'], 'none'],
    ['of length 5', ['Content-Length', '5'], 5],
    ['of length 007', ['content-LENGTH', '007'], 7],
    ['of 15 digits', ['Content-Length', '9'.repeat(15)], 999_999_999_999_999],
    ['in chunks', ['Transfer-Encoding', 'chunked'], 'chunked'],
    ['in Chunks', ['TRANSFER-ENCODING', 'Chunked'], 'chunked'],
  ])('%s is understood, whatever the method', (_name, fields, body) => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST']) {
      expect(sides.plain({ method, fields })).toMatchObject({ ok: true, value: { body } });
      expect(sides.tunnel({ method, fields })).toMatchObject({ ok: true, value: { body } });
    }
  });

  test.each([
    ['1.1', ['Expect', '100-continue'], true],
    ['1.0', ['Expect', '100-continue'], false],
    ['1.1', [], false],
  ])('of HTTP/%s with %j is waited for: %s', (httpVersion, fields, expectContinue) => {
    expect(sides.tunnel({ httpVersion, fields })).toMatchObject({ ok: true, value: { expectContinue } });
  });
});

describe('a target on the plain side', () => {
  test.each<[string, Change, object]>([
    [
      'http',
      { url: 'http://ok.test/a?b' },
      { scheme: 'http', authority: authority('ok.test:80'), path: '/a', query: '?b' },
    ],
    ['a port', { url: 'http://ok.test:8080/', host: ['ok.test:8080'] }, { authority: authority('ok.test:8080') }],
    ['the default port spelled out in Host', { host: ['ok.test:80'] }, { authority: authority('ok.test:80') }],
    ['the default port spelled out in the URL', { url: 'http://ok.test:80/' }, { authority: authority('ok.test:80') }],
    ['https', { url: 'https://ok.test/', host: ['ok.test'] }, { scheme: 'https', authority: authority('ok.test:443') }],
    ['IPv6', { url: 'http://[::1]/', host: ['[0::1]'] }, { authority: authority('[::1]:80') }],
    ['no path', { url: 'http://ok.test' }, { path: '/' }],
    ['a path to normalise', { url: 'HTTP://OK.test/%61/../b' }, { path: '/b' }],
    ['no Host in HTTP/1.0', { httpVersion: '1.0', host: [] }, { authority: authority('ok.test:80') }],
  ])('with %s is admitted', (_name, change, target) => {
    expect(sides.plain(change)).toMatchObject({ ok: true, value: { target } });
  });

  const NOT_ABSOLUTE = 'target is not an absolute http or https URL.';
  test.each<[string, Change, string, string]>([
    ['in origin-form', { url: '/' }, 'request-target', NOT_ABSOLUTE],
    ['*', { url: '*' }, 'request-target', NOT_ABSOLUTE],
    ['* of OPTIONS', { method: 'OPTIONS', url: '*' }, 'request-target', NOT_ABSOLUTE],
    ['in authority-form', { url: 'ok.test:80' }, 'request-target', NOT_ABSOLUTE],
    ['of another scheme', { url: 'ftp://ok.test/' }, 'request-target', NOT_ABSOLUTE],
    ['without slashes', { url: 'http:ok.test' }, 'request-target', NOT_ABSOLUTE],
    ['without host', { url: 'http:///' }, 'request-target', 'empty host.'],
    [
      'with user information',
      { url: 'http://u:p@ok.test/' },
      'request-target',
      'port is not a number from 1 to 65535.',
    ],
    ['with a user', { url: 'http://u@ok.test/' }, 'request-target', 'character not allowed in host.'],
    ['with a fragment', { url: 'http://ok.test/#a' }, 'request-target', 'character not allowed in the path.'],
    [
      'with a fragment in its query',
      { url: 'http://ok.test/?a#b' },
      'request-target',
      'character not allowed in the query.',
    ],
    ['with a space', { url: 'http://ok.test/a b' }, 'request-target', 'character not allowed in the path.'],
    ['with a space before it', { url: ' http://ok.test/' }, 'request-target', NOT_ABSOLUTE],
    ['with a tab', { url: 'http://ok.test/a\tb' }, 'request-target', 'character not allowed in the path.'],
    [
      'with a control character',
      { url: 'http://ok.test/\x01' },
      'request-target',
      'character not allowed in the path.',
    ],
    ['with a raw byte', { url: 'http://ok.test/\xe9' }, 'request-target', 'character not allowed in the path.'],
    [
      'with a raw byte in its query',
      { url: 'http://ok.test/?\xe9' },
      'request-target',
      'character not allowed in the query.',
    ],
    ['with a backslash', { url: 'http://ok.test\\evil.test/' }, 'request-target', 'character not allowed in host.'],
    ...['0', '65536', '+80', ' 80', '080', '80x', ''].map((port): [string, Change, string, string] => [
      `with the port ${JSON.stringify(port)}`,
      { url: `http://ok.test:${port}/` },
      'request-target',
      'port is not a number from 1 to 65535.',
    ]),
    ['of another host than Host', { host: ['evil.test'] }, MALFORMED, 'Host differs from the host of the URL.'],
    ['of another port than Host', { host: ['ok.test:8080'] }, MALFORMED, 'Host differs from the host of the URL.'],
    [
      'of another port than a Host without',
      { url: 'http://ok.test:8080/' },
      MALFORMED,
      'Host differs from the host of the URL.',
    ],
    [
      'of another host than Host in HTTP/1.0',
      { httpVersion: '1.0', host: ['evil.test'] },
      MALFORMED,
      'Host differs from the host of the URL.',
    ],
  ])('%s is refused', (_name, change, code, detail) => {
    expect(sides.plain(change)).toEqual(refused(code, detail));
  });
});

describe('a target inside a tunnel', () => {
  const inside = (change: Change, to: Authority): ReturnType<typeof admit> =>
    admit(request({ method: 'GET', url: '/' }, change), to);

  test.each<[string, Change, Authority]>([
    ['and the tunnel’s Host', {}, tunnel],
    ['and the tunnel’s Host with its port', { host: ['ok.test:443'] }, tunnel],
    ['and the tunnel’s Host with another port', { host: ['ok.test:8443'] }, authority('ok.test:8443')],
    ['and a Host that leaves out such a port', { host: ['ok.test'] }, authority('ok.test:8443')],
    ['and an address as Host', { host: ['[::1]:8443'] }, authority('[::1]:8443')],
    ['in absolute form', { url: 'https://ok.test/' }, tunnel],
    ['in absolute form with the port', { url: 'https://ok.test:8443/' }, authority('ok.test:8443')],
  ])('with origin-form %s is admitted', (_name, change, to) => {
    expect(inside(change, to)).toMatchObject({
      ok: true,
      value: { target: { scheme: 'https', authority: to, path: '/' } },
    });
  });

  const toTunnel = (host: string): string => `Host is ${host}, the tunnel goes to ok.test:443.`;
  const NOT_BELOW = 'The URL is not below https://ok.test/.';
  test.each<[string, Change, string, string]>([
    ['with another Host', { host: ['evil.test'] }, 'host-mismatch', toTunnel('evil.test:443')],
    ['with a name below as Host', { host: ['www.ok.test'] }, 'host-mismatch', toTunnel('www.ok.test:443')],
    ['with another port in Host', { host: ['ok.test:8443'] }, 'host-mismatch', toTunnel('ok.test:8443')],
    ['with an address as Host', { host: ['127.0.0.1'] }, 'host-mismatch', toTunnel('127.0.0.1:443')],
    ['in absolute form elsewhere', { url: 'https://evil.test/' }, 'host-mismatch', NOT_BELOW],
    ['in absolute form to another port', { url: 'https://ok.test:444/' }, 'host-mismatch', NOT_BELOW],
    ['in absolute form of plain http', { url: 'http://ok.test/' }, 'host-mismatch', NOT_BELOW],
    ['in absolute form of plain http to the port', { url: 'http://ok.test:443/' }, 'host-mismatch', NOT_BELOW],
    [
      'in absolute form elsewhere, Host too',
      { url: 'https://evil.test/', host: ['evil.test'] },
      'host-mismatch',
      toTunnel('evil.test:443'),
    ],
    ['*', { url: '*' }, 'request-target', 'target is not an absolute http or https URL.'],
    ['in authority-form', { url: 'ok.test:443' }, 'request-target', 'target is not an absolute http or https URL.'],
    ['empty', { url: '' }, 'request-target', 'target is not an absolute http or https URL.'],
    ['with a fragment', { url: '/#a' }, 'request-target', 'character not allowed in the path.'],
    ['with a space', { url: '/a b' }, 'request-target', 'character not allowed in the path.'],
    ['with a raw byte', { url: '/\xe9' }, 'request-target', 'character not allowed in the path.'],
    ['with a hidden dot segment', { url: '/a/..%2fb' }, 'request-target', 'hidden dot segment in the path.'],
    ['with NUL', { url: '/a%00' }, 'request-target', 'encoded control character or backslash in the path.'],
  ])('%s is refused', (_name, change, code, detail) => {
    expect(sides.tunnel(change)).toEqual(refused(code, detail));
  });

  test('to another port names it: the default one spelled out is not the tunnel’s', () => {
    expect(inside({ host: ['ok.test:443'] }, authority('ok.test:8443'))).toEqual(
      refused('host-mismatch', 'Host is ok.test:443, the tunnel goes to ok.test:8443.'),
    );
  });
});

describe('a CONNECT', () => {
  test.each<[string, Change, string]>([
    ['a name', {}, 'ok.test:443'],
    ['a name in capitals', { url: 'OK.Test.:443' }, 'ok.test:443'],
    ['an address', { url: '192.0.2.1:443', host: ['192.0.2.1:443'] }, '192.0.2.1:443'],
    ['an IPv6 address', { url: '[2001:db8::1]:443', host: ['[2001:db8:0::1]:443'] }, '[2001:db8::1]:443'],
    ['a Host with another port', { host: ['ok.test:80'] }, 'ok.test:443'],
    ['length 0', { fields: ['Content-Length', '0'] }, 'ok.test:443'],
  ])('with %s is admitted', (_name, change, text) => {
    expect(sides.connect(change)).toEqual({ ok: true, value: authority(text) });
  });

  const PORT = 'port is not a number from 1 to 65535.';
  test.each<[string, Change, string, string]>([
    ['without port', { url: 'ok.test' }, 'request-target', 'port is missing.'],
    ...['0', '65536', '+443', ' 443', '0443', '443x', ''].map((port): [string, Change, string, string] => [
      `with the port ${JSON.stringify(port)}`,
      { url: `ok.test:${port}` },
      'request-target',
      PORT,
    ]),
    ['with a URL', { url: 'https://ok.test/' }, 'request-target', PORT],
    ['with a path', { url: 'ok.test:443/' }, 'request-target', PORT],
    ['with a slash', { url: '/' }, 'request-target', 'character not allowed in host.'],
    ['with user information', { url: 'u@ok.test:443' }, 'request-target', 'character not allowed in host.'],
    [
      'with an address in another spelling',
      { url: '127.1:443' },
      'request-target',
      'host is an address in a spelling that is not canonical.',
    ],
    ['with another Host', { host: ['evil.test:443'] }, MALFORMED, 'Host differs from the target of the CONNECT.'],
    ['with a length', { fields: ['Content-Length', '5'] }, MALFORMED, 'CONNECT has no body.'],
    ['with chunks', { fields: ['Transfer-Encoding', 'chunked'] }, MALFORMED, 'CONNECT has no body.'],
  ])('%s is refused', (_name, change, code, detail) => {
    expect(sides.connect(change)).toEqual(refused(code, detail));
  });
});

describe('the values of a field', () => {
  test('are found in any spelling, in order, and never among the values', () => {
    const raw = ['Via', 'a', 'X', 'via', 'via', 'b', 'VIA', 'c', 'Vi', 'd'];
    expect(valuesOf(raw, 'via')).toEqual(['a', 'b', 'c']);
    expect(valuesOf(raw, 'constructor')).toEqual([]);
    expect(['via', 'x', 'vi', 'b', 'constructor'].map((name) => hasField(raw, name))).toEqual([
      ...[true, true, true, false, false],
    ]);
  });
});

describe('a message', () => {
  test.each([
    [['Connection', 'close'], true],
    [['connection', 'x-a, Close ,x-b'], true],
    [['Connection', 'keep-alive', 'Connection', 'close'], true],
    [['Connection', 'keep-alive'], false],
    [['Connection', 'closed, x-close'], false],
    [['Proxy-Connection', 'close'], false],
    [[], false],
  ])('with %j is the last on its connection: %j', (fields, last) => {
    expect(isLast(fields)).toBe(last);
  });
});

describe('a request that a firewall has turned around', () => {
  const ask = (change: Change) => admitIntercepted(request({ method: 'GET', url: '/' }, change), 80);

  test.each<[string, Change, string]>([
    ['goes where Host says', {}, 'http ok.test 80 /'],
    ['goes to the port that Host names', { host: ['OK.test:8080'] }, 'http ok.test 8080 /'],
    ['may name an address', { host: ['[2001:db8::1]'] }, 'http 2001:db8::1 80 /'],
    ['has its path in normal form', { url: '/a/../%62?q' }, 'http ok.test 80 /b'],
    ['may be of HTTP/1.0', { httpVersion: '1.0' }, 'http ok.test 80 /'],
    ['may be absolute', { url: 'http://ok.test/p' }, 'http ok.test 80 /p'],
  ])('%s', (_name, change, expected) => {
    const admitted = ask(change);
    if (!admitted.ok) throw admitted.error;
    const { scheme, authority, path } = admitted.value.target;
    expect(`${scheme} ${authority.host} ${authority.port} ${path}`).toBe(expected);
  });

  test.each<[string, Change, string, string]>([
    ['without Host', { host: [] }, MALFORMED, 'No Host.'],
    ['without Host, in HTTP/1.0', { host: [], httpVersion: '1.0' }, MALFORMED, 'No Host.'],
    ['with two Hosts', { host: ['ok.test', 'ok.test'] }, MALFORMED, 'More than one Host.'],
    ['with an empty Host', { host: [''] }, MALFORMED, 'Malformed Host: empty host.'],
    ['with user information', { host: ['a@ok.test'] }, MALFORMED, 'Malformed Host: character not allowed in host.'],
    ['with a URL of another host', { url: 'http://b.test/' }, MALFORMED, 'Host differs from the host of the URL.'],
    ['with an https URL', { url: 'https://ok.test/' }, 'request-target', 'An https URL on a transparent listener.'],
    ['with an asterisk that is no OPTIONS', { url: '*' }, 'request-target', NO_URL],
    ['with a body of two lengths', { fields: ['Content-Length', '1', 'Content-Length', '1'] }, MALFORMED, BAD_LENGTH],
    ['with an encoded NUL', { url: '/%00' }, 'request-target', 'encoded control character or backslash in the path.'],
  ])('%s is refused', (_name, change, code, detail) => {
    expect(ask(change)).toEqual(refused(code, detail));
  });
});

describe('a client of HTTP/1.0', () => {
  test.each([
    [['Connection', 'keep-alive'], true],
    [['connection', 'x-a, Keep-Alive'], true],
    [['Proxy-Connection', 'Keep-Alive'], true],
    [['Connection', 'keep-alive', 'Via', '1.0 old'], false],
    [['Connection', 'close'], false],
    [['Connection', 'x-keep-alive'], false],
    [['Keep-Alive', 'timeout=5'], false],
    [[], false],
  ])('with %j keeps its connection: %j', (fields, keeps) => {
    expect(keepsAlive(fields)).toBe(keeps);
  });
});

describe('OPTIONS for all of an origin (RFC 9110 section 9.3.7)', () => {
  const ok = { ok: true, value: { target: { path: '/', query: '', wholeServer: true } } };
  const options = (url: string, method = 'OPTIONS') => request({ method, url }, {});

  test.each<[string, () => unknown]>([
    ['in a tunnel, as an asterisk', () => admit(options('*'), tunnel)],
    ['in a tunnel, as a URL without a path', () => admit(options('https://ok.test'), tunnel)],
    ['on the plain side, as a URL without a path', () => admit(options('http://ok.test'))],
    ['turned around by a firewall, as an asterisk', () => admitIntercepted(options('*'), 80)],
  ])('is understood %s', (_name, admitted) => {
    expect(admitted()).toMatchObject(ok);
  });

  test.each<[string, () => unknown]>([
    ['a path', () => admit(options('/'), tunnel)],
    ['a URL with one', () => admit(options('http://ok.test/'))],
    ['a query', () => admit(options('http://ok.test?a'))],
    ['GET', () => admit(options('http://ok.test', 'GET'))],
  ])('is not what %s means', (_name, admitted) => {
    expect(admitted()).not.toMatchObject(ok);
    expect(admitted()).toMatchObject({ ok: true, value: { target: { path: '/' } } });
  });

  test.each<[string, () => unknown]>([
    ['another method', () => admit(options('*', 'GET'), tunnel)],
    ['more behind it', () => admit(options('*/'), tunnel)],
    ['no origin that it could mean', () => admit(options('*'))],
  ])('is refused with %s', (_name, admitted) => {
    expect(admitted()).toEqual(refused('request-target', NO_URL));
  });
});
