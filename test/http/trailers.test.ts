// Which trailers cross, how they are announced, and how they end a body.

import { describe, expect, test } from 'vitest';
import { announcedTrailers, lastChunk, passableTrailers } from '../../src/http/trailers.ts';

describe('a trailer', () => {
  test.each(['X-Sum', 'grpc-status', 'Grpc-Message', 'Digest', 'Server-Timing', 'ETag', 'Authentication-Info'])(
    '%s crosses',
    (name) => {
      expect(passableTrailers([name, 'x', 'A', '1'])).toEqual([name, 'x', 'A', '1']);
      expect(announcedTrailers([name])).toBe(name);
    },
  );

  test.each([
    ...['Content-Length', 'transfer-ENCODING', 'Trailer', 'Host', 'Connection', 'Keep-Alive', 'Upgrade', 'TE', 'Via'],
    ...['Cache-Control', 'Expect', 'Max-Forwards', 'Pragma', 'Range', 'If-Match', 'If-None-Match', 'If-Range'],
    ...['Authorization', 'Proxy-Authorization', 'Proxy-Connection', 'WWW-Authenticate', 'Cookie', 'Set-Cookie'],
    ...[
      'Age',
      'Date',
      'Expires',
      'Location',
      'Retry-After',
      'Vary',
      'Warning',
      'Alt-Svc',
      'Alt-Used',
      'HTTP2-Settings',
    ],
    ...['Content-Encoding', 'Content-Type', 'Content-Range', 'X-Forwarded-For', 'Sec-Fetch-Site', 'Origin'],
    'Access-Control-Allow-Origin',
  ])('%s is dropped, the others stay', (name) => {
    expect(passableTrailers(['A', '1', name, 'x', 'b', '2'])).toEqual(['A', '1', 'b', '2']);
    expect(passableTrailers([name, 'x'])).toBeUndefined();
    expect(announcedTrailers([`a, ${name}`, name, 'b'])).toBe('a, b');
    expect(announcedTrailers([` ${name} ,, `])).toBeUndefined();
  });

  test('that does not exist is none', () => {
    expect([passableTrailers(undefined), passableTrailers([]), announcedTrailers([])]).toEqual(
      Array.from({ length: 3 }, () => undefined),
    );
  });
});

describe('the last chunk', () => {
  test.each([
    [undefined, '0\r\n\r\n'],
    [['A', '1', 'b', ''], '0\r\nA: 1\r\nb: \r\n\r\n'],
  ])('with %j', (trailers, expected) => {
    expect(lastChunk(trailers)).toBe(expected);
  });
});
