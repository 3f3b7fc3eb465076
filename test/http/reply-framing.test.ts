// How the body of a reply is framed, and which framing two readers could take differently.

import { describe, expect, test } from 'vitest';
import { announcesTooMuch, isEmpty, replyFraming } from '../../src/http/reply-framing.ts';

const framing = (status: number, rawHeaders: readonly string[], method = 'GET', httpVersion = '1.1') =>
  replyFraming({ status, reason: '', httpVersion, rawHeaders }, method);

const LENGTH = ['Content-Length', '5'];
const CHUNKED = ['transfer-encoding', 'Chunked'];

describe('the body of a reply', () => {
  test.each([
    [200, LENGTH, 'GET', 5],
    [200, ['Content-Length', '0'], 'GET', 'none'],
    [200, CHUNKED, 'GET', 'chunked'],
    [200, [], 'GET', 'until close'],
    [200, LENGTH, 'HEAD', 'none'],
    [200, CHUNKED, 'HEAD', 'none'],
    [204, LENGTH, 'GET', 'none'],
    [205, LENGTH, 'GET', 'none'],
    [205, CHUNKED, 'GET', 'none'],
    [304, LENGTH, 'GET', 'none'],
    [103, LENGTH, 'GET', 'none'],
    [200, Array.from({ length: 200 }, () => 'a'), 'GET', 'until close'],
  ] as const)('of %i with %j to %s is %j', (status, fields, method, value) => {
    expect(framing(status, fields, method)).toEqual({ ok: true, value });
  });

  test('of HTTP/1.0 has a length or ends with the connection', () => {
    expect(framing(200, LENGTH, 'GET', '1.0')).toEqual({ ok: true, value: 5 });
    expect(framing(200, [], 'GET', '1.0')).toEqual({ ok: true, value: 'until close' });
    expect(framing(200, CHUNKED, 'GET', '1.0')).toEqual({ ok: false, reason: 'Transfer-Encoding in HTTP/1.0.' });
  });

  test.each([
    [101, [], 'A change of protocol that nobody asked for.'],
    [200, Array.from({ length: 202 }, () => 'a'), 'More than 100 fields.'],
    [200, ['Transfer-Encoding', 'xchunked'], 'Transfer-Encoding is not chunked.'],
    [200, ['Transfer-Encoding', 'gzip, chunked'], 'Transfer-Encoding is not chunked.'],
    [200, ['Transfer-Encoding', ''], 'Transfer-Encoding is not chunked.'],
    [200, [...CHUNKED, ...CHUNKED], 'Transfer-Encoding is not chunked.'],
    [200, [...LENGTH, ...CHUNKED], 'Content-Length beside Transfer-Encoding.'],
    [200, [...LENGTH, ...LENGTH], 'More than one Content-Length.'],
    ...['', '+5', '-5', '0x5', '5, 5', '5 5', '5.0', '9999999999999999'].map(
      (text) => [200, ['Content-Length', text], 'Malformed Content-Length.'] as const,
    ),
  ] as const)('of %i with %j is none', (status, fields, reason) => {
    for (const method of ['GET', 'HEAD']) expect(framing(status, fields, method)).toEqual({ ok: false, reason });
  });
});

describe('a status without content', () => {
  test.each([200, 204, 205, 206, 304])('%i', (status) => {
    expect(isEmpty(status)).toBe(status === 204 || status === 205);
  });

  test.each([
    [204, [], false],
    [204, ['Content-Length', '0'], false],
    [204, LENGTH, true],
    [204, CHUNKED, true],
    [205, [], true],
    [205, ['Content-Length', '0'], false],
    [205, LENGTH, true],
    [205, CHUNKED, true],
    [200, LENGTH, false],
    [304, LENGTH, false],
  ] as const)('%i with %j announces too much: %j', (status, rawHeaders, expected) => {
    expect(announcesTooMuch({ status, reason: '', httpVersion: '1.1', rawHeaders })).toBe(expected);
  });
});
