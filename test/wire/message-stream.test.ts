// The first line of each message, whatever pieces the bytes come in, and the bodies between passed over.

import { describe, expect, test } from 'vitest';
import { type BodyFraming, MessageStream } from '../../src/wire/message-stream.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

interface Part {
  readonly text: string;
  readonly line: string;
  readonly body: BodyFraming;
}

const PARTS: readonly Part[] = [
  { text: 'GET  / HTTP/1.1\r\nA: b\r\n\r\n', line: 'GET  / HTTP/1.1', body: 'none' },
  { text: 'POST / RTSP/1.0\r\n\r\nhello', line: 'POST / RTSP/1.0', body: 5 },
  { text: '\r\nGET /a HTTP/1.1\r\n\r\n', line: 'GET /a HTTP/1.1', body: 'none' },
  { text: '\nGET /b HTTP/1.1\r\n\r\n', line: '\nGET /b HTTP/1.1', body: 'none' },
  { text: '\r\n\r\nGET /c HTTP/1.1\r\n\r\n', line: '', body: 'none' },
  {
    text: 'P / HTTP/1.1\r\n\r\n3;x=y\r\na\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n',
    line: 'P / HTTP/1.1',
    body: 'chunked',
  },
  { text: 'P / HTTP/1.1\r\n\r\n000\r\nX: y\r\nZ: GET / HTTP/1.1\r\n\r\n', line: 'P / HTTP/1.1', body: 'chunked' },
  { text: 'HTTP/1.1 200 \xe9\r\n\r\n', line: 'HTTP/1.1 200 \xe9', body: 0 },
];

describe('a stream of messages', () => {
  test('tells each first line, however the bytes are cut', () => {
    // The one with two empty lines reads as an empty line and leaves the rest: it comes last.
    const parts = [...PARTS.filter(({ line }) => line !== ''), ...PARTS.filter(({ line }) => line === '')];
    const whole = parts.map(({ text }) => text).join('');
    for (const size of [1, 2, 3, 7, 64, whole.length]) {
      const stream = new MessageStream();
      const lines: string[] = [];
      for (let at = 0; at < whole.length; at += size) {
        stream.feed(bytes(whole.slice(at, at + size)));
        for (let next = parts[lines.length]; next; next = parts[lines.length]) {
          const line = stream.next(next.body);
          if (line === undefined) break;
          lines.push(line);
        }
      }
      expect([size, lines]).toEqual([size, parts.map(({ line }) => line)]);
    }
  });

  test('has nothing to tell before a head is whole', () => {
    const stream = new MessageStream();
    const head = 'GET / HTTP/1.1\r\nA: b\r\n\r\n';
    for (const byte of head.slice(0, -1)) {
      stream.feed(bytes(byte));
      expect(stream.next('none')).toBeUndefined();
    }
    stream.feed(bytes('\n'));
    expect(stream.next('none')).toBe('GET / HTTP/1.1');
    expect(stream.next('none')).toBeUndefined();
  });

  test('passes over a body without end, and holds none of it', () => {
    const stream = new MessageStream();
    stream.feed(bytes('HTTP/1.1 200 OK\r\n\r\n'));
    expect(stream.next(Number.POSITIVE_INFINITY)).toBe('HTTP/1.1 200 OK');
    for (let i = 0; i < 10; i += 1) stream.feed(bytes('HTTP/1.1 200 OK\r\n\r\n'));
    expect(stream.next('none')).toBeUndefined();
    expect(stream.firstLineLength).toBe(0);
  });

  test.each([
    ['', 0],
    ['GET', 3],
    ['GET / HTTP/1.1\r\nA: b', 14],
    ['\r\nGET / HTTP/1.1\r\n', 14],
  ])('%j has a first line of %i bytes so far', (text, length) => {
    const stream = new MessageStream();
    stream.feed(bytes(text));
    expect(stream.firstLineLength).toBe(length);
  });
});
