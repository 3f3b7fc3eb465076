// Heads of requests and replies: what is one, what is none and why, and that every prefix of one says so of nothing.

import { describe, expect, test } from 'vitest';
import { MAX_HEAD, readReplyHead, readRequestHead } from '../../src/wire/http-head.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const GET = 'GET / HTTP/1.1\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';

const REQUESTS: readonly (readonly [string, string, string, string, readonly string[]])[] = [
  ['GET / HTTP/1.1\r\n\r\n', 'GET', '/', '1.1', []],
  ['M-SEARCH * HTTP/1.0\r\n\r\n', 'M-SEARCH', '*', '1.0', []],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 'CONNECT', 'a:1', '1.1', ['Host', 'a']],
  ['\r\nGET http://a/\xe9 HTTP/1.1\r\nA:b\r\n\r\n', 'GET', 'http://a/\xe9', '1.1', ['A', 'b']],
  [
    `${GET}A: \t b \t c\t \r\na:\r\n__proto__: \xff\r\n\r\n`,
    'GET',
    '/',
    '1.1',
    ['A', 'b \t c', 'a', '', '__proto__', '\xff'],
  ],
  [`${GET}A: b: c\r\nB: ::\r\n\r\n`, 'GET', '/', '1.1', ['A', 'b: c', 'B', '::']],
];

const REPLIES: readonly (readonly [string, number, string, string, readonly string[]])[] = [
  ['HTTP/1.1 200 OK\r\n\r\n', 200, 'OK', '1.1', []],
  ['HTTP/1.0 599 \xe9\t\xff\r\nA: b\r\n\r\n', 599, '\xe9\t\xff', '1.0', ['A', 'b']],
  ['HTTP/1.1 103\r\n\r\n', 103, '', '1.1', []],
  ['HTTP/1.1 204 \r\n\r\n', 204, '', '1.1', []],
];

describe('a request head', () => {
  test.each(REQUESTS)('%j is read', (text, method, url, httpVersion, rawHeaders) => {
    const head = { method, url, httpVersion, rawHeaders };
    expect(readRequestHead(bytes(text))).toEqual({ state: 'head', head, length: text.length });
    expect(readRequestHead(bytes(`${text}\x01\n\r more`))).toEqual({ state: 'head', head, length: text.length });
  });

  test.each([
    ...['\n', '\r\r', 'GET  / HTTP/1.1', 'GET /  HTTP/1.1', ' GET / HTTP/1.1', 'GET\t/ HTTP/1.1', 'GET / HTTP/1.1 '],
    ...['GET /', 'GET HTTP/1.1', 'GET / HTTP/1.2', 'GET / HTTP/2.0', 'GET / HTTP/0.9', 'GET / HTTP/1.10', '', 'GET'],
    ...['GET / http/1.1', 'GET / RTSP/1.0', 'GET /a b HTTP/1.1', '\r\nGET / HTTP/1.1', 'PRI * HTTP/2.0'],
  ])('with the first line %j is none', (line) => {
    expect(readRequestHead(bytes(`\r\n${line}\r\n\r\n`))).toMatchObject({
      state: 'malformed',
      reason: expect.stringMatching(/^(?:The request line is not|Control character or broken line end)/),
    });
  });

  test.each(['FOO', 'get', 'SOURCE', 'constructor', 'A'.repeat(1_000)])('with the method %s is none', (method) => {
    expect(readRequestHead(bytes(`${method} / HTTP/1.1\r\n\r\n`)).state).toBe('malformed');
  });

  test('is found behind bytes that were seen before', () => {
    const text = `${GET}A: b\r\n\r\n`;
    for (let seen = 0; seen < text.length; seen += 1) {
      expect(readRequestHead(bytes(text), seen)).toMatchObject({ state: 'head', length: text.length });
    }
  });
});

describe('a reply head', () => {
  test.each(REPLIES)('%j is read', (text, status, reason, httpVersion, rawHeaders) => {
    const head = { status, reason, httpVersion, rawHeaders };
    expect(readReplyHead(bytes(`${text}body`))).toEqual({ state: 'head', head, length: text.length });
  });

  test.each([
    ...['', 'HTTP/2.0 200 OK', 'HTTP/0.9 200 OK', 'RTSP/1.0 200 OK', 'ICY 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1'],
    ...['HTTP/1.1 000 X', 'HTTP/1.1 099 X', 'HTTP/1.1 600 X', 'HTTP/1.1 20 X', 'HTTP/1.1 2000 X', 'HTTP/1.1 20x X'],
    ...['HTTP/1.1 200OK', 'HTTP/1.1 -200 X', '\r\nHTTP/1.1 200 OK', 'hello'],
  ])('with the first line %j is none', (line) => {
    expect(readReplyHead(bytes(`${line}\r\n\r\n`))).toEqual({ state: 'malformed', reason: 'Malformed status line' });
  });

  test.each(['\x01', '\0', '\x1b[31m', '\x7f', 'a\rb', 'a\nb'])('with %j in its reason is none', (reason) => {
    expect(readReplyHead(bytes(`HTTP/1.1 200 ${reason}\r\n\r\n`))).toEqual({
      state: 'malformed',
      reason: 'Control character or broken line end',
    });
  });
});

describe.each([
  ['request', GET, readRequestHead],
  ['reply', OK, readReplyHead],
] as const)('any head (%s)', (_kind, line, read) => {
  test.each([
    ['a bare line feed', 'A: b\nC: d\r\n\r\n', 'Control character or broken line end'],
    ['a line feed for the empty line', 'A: b\r\n\n', 'Control character or broken line end'],
    ['a bare carriage return', 'A: b\rc\r\n\r\n', 'Control character or broken line end'],
    ['two carriage returns', 'A: b\r\r\n\r\n', 'Control character or broken line end'],
    ['NUL in a value', 'A: b\0c\r\n\r\n', 'Control character or broken line end'],
    ['a vertical tab in a value', 'A: b\x0bc\r\n\r\n', 'Control character or broken line end'],
    ['DEL in a value', 'A: b\x7fc\r\n\r\n', 'Control character or broken line end'],
    ['NUL in a name', 'A\0: b\r\n\r\n', 'Control character or broken line end'],
    ['a folded value', 'A: b\r\n c\r\n\r\n', 'Field without a colon'],
    ['a folded value with a colon', 'A: b\r\n\tc: d\r\n\r\n', 'Malformed field name'],
    ['a space before the first field', ' A: b\r\n\r\n', 'Malformed field name'],
    ['a space before the colon', 'A : b\r\n\r\n', 'Malformed field name'],
    ['a tab before the colon', 'A\t: b\r\n\r\n', 'Malformed field name'],
    ['no colon', 'Abc\r\n\r\n', 'Field without a colon'],
    ['no colon before one that has it', 'Abc\r\nA: b\r\n\r\n', 'Field without a colon'],
    ['no name', ': b\r\n\r\n', 'Malformed field name'],
    ['brackets in a name', 'A(b): c\r\n\r\n', 'Malformed field name'],
    ['a byte beyond ASCII in a name', 'A\xe9: c\r\n\r\n', 'Malformed field name'],
  ])('with %s is none', (_name, fields, reason) => {
    expect(read(bytes(line + fields))).toEqual({ state: 'malformed', reason });
    // Whatever came before it was seen already.
    const whole = bytes(line + fields);
    for (let seen = 0; seen <= line.length; seen += 1) expect(read(whole, seen).state).toBe('malformed');
  });

  test.each([
    ['garbage', '\x16\x03\x01', 'Control character or broken line end'],
    ['line feeds alone', line.replace('\r', ''), 'Control character or broken line end'],
    ['carriage returns alone', `${line.replace('\n', '')}A`, 'Control character or broken line end'],
  ])('is not waited for when it begins with %s', (_name, text, reason) => {
    expect(read(bytes(text))).toEqual({ state: 'malformed', reason });
  });

  test('is not waited for when its first line is no such line', () => {
    expect(read(bytes('hello there\r\nA'))).toMatchObject({ state: 'malformed' });
    expect(read(bytes('hello there\r\nA'), 12)).toMatchObject({ state: 'malformed' });
  });

  test('is awaited at each of its bytes, whichever were seen before', () => {
    const text = `${line}Host: a\r\nA-b:\tc \xff\r\nD:\r\n\r\n`;
    for (let size = 0; size < text.length; size += 1) {
      for (const seen of [0, Math.max(0, size - 1)]) {
        expect([size, read(bytes(text.slice(0, size)), seen)]).toEqual([size, { state: 'more' }]);
      }
    }
    expect(read(bytes(text), text.length - 1).state).toBe('head');
  });

  test('may have as many fields as fit', () => {
    const reading = read(bytes(`${line}${'A: b\r\n'.repeat(2_500)}\r\n`));
    expect(reading.state === 'head' && reading.head.rawHeaders).toHaveLength(5_000);
  });

  test.each([
    ['its first line, unfinished', line.slice(0, -2) + 'a'.repeat(MAX_HEAD), 'line'],
    ['its fields, unfinished', `${line}A: ${'b'.repeat(MAX_HEAD)}`, 'fields'],
    ['its fields, whole', `${line}A: ${'b'.repeat(MAX_HEAD)}\r\n\r\n`, 'fields'],
  ])('of more than 64 KB in %s is too large', (_name, text, where) => {
    expect(read(bytes(text))).toEqual({ state: 'too-large', where });
  });

  test('of 64 KB is not', () => {
    const text = `${line}A: ${'b'.repeat(MAX_HEAD - line.length - 7)}\r\n\r\n`;
    expect(read(bytes(text)).state).toBe('head');
    expect(read(bytes(text.replace('A: b', 'A: bb'))).state).toBe('too-large');
  });

  test.each([' ', '\t', ':', 'A', '\xe9'])('of nothing but %j takes no time to refuse', (character) => {
    const begin = performance.now();
    read(bytes(`${line}A: ${character.repeat(60_000)}b\r\n\r\n`));
    read(bytes(`${line}${character.repeat(60_000)}\r\n\r\n`));
    expect(performance.now() - begin).toBeLessThan(100);
  });
});
