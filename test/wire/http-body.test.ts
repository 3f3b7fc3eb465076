// Bodies: where they end, whatever pieces they come in, and what is no body.

import { describe, expect, test } from 'vitest';
import { type BodyFraming, BodyReader } from '../../src/wire/http-body.ts';

interface Outcome {
  readonly data: string;
  /** Bytes that belong to the body. */
  readonly used: number;
  readonly done: boolean;
  readonly problem: string | undefined;
}

function readPieces(framing: BodyFraming, text: string, size: number): Outcome {
  const reader = new BodyReader(framing);
  const all = Buffer.from(text, 'latin1');
  let data = '';
  let used = 0;
  for (let at = 0; at < all.length && !reader.done && reader.problem === undefined; at += size) {
    used += reader.read(all.subarray(at, at + size), (piece) => {
      data += piece.toString('latin1');
    });
  }
  return { data, used, done: reader.done, problem: reader.problem };
}

const SIZES = [1, 2, 3, 5, 7, 1_000_000];
const LONG = 'x'.repeat(300);

describe('a body', () => {
  test.each<[string, BodyFraming, string, string, string]>([
    ['of a length', 5, 'hello', 'GET /', 'hello'],
    ['of a length that looks like chunks', 5, '0\r\n\r\n', '', '0\r\n\r\n'],
    ['in one chunk', 'chunked', '5\r\nhello\r\n0\r\n\r\n', 'GET /', 'hello'],
    ['in many chunks', 'chunked', '1\r\nh\r\n003\r\nell\r\nA\r\n0123456789\r\n0\r\n\r\n', '\r\n', 'hell0123456789'],
    ['in no chunk', 'chunked', '0\r\n\r\n', 'x', ''],
    ['of line ends', 'chunked', '4\r\n\r\n\r\n\r\n000\r\n\r\n', '\r\n', '\r\n\r\n'],
    ['with extensions', 'chunked', '2;a=b;c="d e"\r\nab\r\n0;x\r\n\r\n', '0', 'ab'],
    ['with trailers', 'chunked', '2\r\nab\r\n0\r\nX-T: 1\r\nHost: evil\r\nY:\r\n\r\n', 'x', 'ab'],
    ['of a long chunk', 'chunked', `12C\r\n${LONG}\r\n0\r\n\r\n`, 'x', LONG],
  ])('%s ends where it ends', (_name, framing, text, behind, data) => {
    for (const size of SIZES) {
      const outcome = readPieces(framing, text + behind, size);
      expect([size, outcome]).toEqual([size, { data, used: text.length, done: true, problem: undefined }]);
    }
  });

  test.each<[string, BodyFraming, string]>([
    ['of a length', 10, 'hello'],
    ['in chunks', 'chunked', '5;x\r\nhello\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n'],
    ['up to the close', 'until close', 'hello'],
  ])('%s is not done at any byte before', (_name, framing, text) => {
    for (let size = 0; size < text.length; size += 1) {
      expect([size, readPieces(framing, text.slice(0, size), 1)]).toMatchObject([
        size,
        { done: false, problem: undefined, used: size },
      ]);
    }
  });

  test('of nothing is done at once', () => {
    expect(readPieces('none', 'GET', 1)).toEqual({ data: '', used: 0, done: true, problem: undefined });
  });

  test('that ends with the connection says so, and no other does', () => {
    const framings: BodyFraming[] = ['until close', 'none', 'chunked', 5];
    expect(framings.map((framing) => new BodyReader(framing).untilClose)).toEqual([true, false, false, false]);
    expect(readPieces('until close', 'hello', 2)).toEqual({ data: 'hello', used: 5, done: false, problem: undefined });
  });

  test('is handed on as it came, without a copy', () => {
    const pieces: Buffer[] = [];
    const bytes = Buffer.from('hello');
    new BodyReader(10).read(bytes, (piece) => void pieces.push(piece));
    expect(pieces[0]).toBe(bytes);
  });
});

describe('chunks with', () => {
  test.each([
    ['a size that is no number', 'zz\r\na\r\n', 'Malformed chunk size'],
    ['no size', '\r\na\r\n', 'Malformed chunk size'],
    ['no size but an extension', ';x\r\na\r\n', 'Malformed chunk size'],
    ['0x', '0x1\r\na\r\n', 'Malformed chunk size'],
    ['a plus sign', '+1\r\na\r\n', 'Malformed chunk size'],
    ['a minus sign', '-1\r\na\r\n', 'Malformed chunk size'],
    ['a space before the size', ' 1\r\na\r\n', 'Malformed chunk size'],
    ['a space behind the size', '1 \r\na\r\n', 'Malformed chunk size'],
    ['a size of 52 bits, which is none', 'fffffffffffff\r\na', undefined],
    ['a size of 56 bits', '10000000000000\r\na', 'Malformed chunk size'],
    ['a line feed behind the size', '1\na\r\n0\r\n\r\n', 'Malformed chunk size'],
    ['a carriage return behind the size', '1\ra\r\n0\r\n\r\n', 'Malformed chunk size'],
    ['a line feed in an extension', '1;x\ny\r\na\r\n', 'Malformed chunk size'],
    ['a carriage return in an extension', '1;x\ry\r\na\r\n', 'Malformed chunk size'],
    ['a control character in an extension', '1;\x01\r\na\r\n', 'Malformed chunk size'],
    ['a line feed behind the data', '1\r\na\n0\r\n\r\n', 'Chunk longer than its size'],
    ['more data than the size', '1\r\nabc\r\n0\r\n\r\n', 'Chunk longer than its size'],
    ['a trailer without a colon', '0\r\nabc\r\n\r\n', 'Malformed trailer'],
    ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n', 'Malformed trailer'],
    ['a space before the colon of a trailer', '0\r\nA : b\r\n\r\n', 'Malformed trailer'],
    ['a length in the trailer', '0\r\ncontent-Length: 5\r\n\r\n', 'Malformed trailer'],
    ['a coding in the trailer', '0\r\nTransfer-Encoding: chunked\r\n\r\n', 'Malformed trailer'],
    ['NUL in a trailer', '0\r\nA: \0\r\n\r\n', 'Malformed trailer'],
    ['a line feed for the end', '0\r\n\n', 'Malformed trailer'],
  ])('%s: %j', (_name, text, problem) => {
    for (const size of SIZES) {
      expect([size, readPieces('chunked', text, size)]).toMatchObject([size, { done: false, problem }]);
    }
  });

  test.each([
    ['one extension without end', `1;${'x'.repeat(20_000)}`],
    ['many extensions', `1;${'x'.repeat(100)}\r\na\r\n`.repeat(200)],
    ['long trailers', `0\r\n${`A: ${'b'.repeat(1_000)}\r\n`.repeat(20)}`],
    ['a size of zeros without end', '0'.repeat(20_000)],
  ])('%s are too much', (_name, text) => {
    for (const size of [1, 1_000, text.length]) {
      expect(readPieces('chunked', text, size).problem).toBe('Too much beside the data of the chunks');
    }
  });

  test('more than 100 trailers are too many, and 100 are not', () => {
    for (const size of [1, 7, 5_000]) {
      expect(readPieces('chunked', `0\r\n${'A: b\r\n'.repeat(4_000)}`, size).problem).toBe('Too many trailers');
      expect(readPieces('chunked', `0\r\n${'A: b\r\n'.repeat(100)}\r\n`, size)).toMatchObject({ done: true });
    }
  });

  test('nothing to find fault with may be as many as they like', () => {
    const outcome = readPieces('chunked', `${'1;x\r\na\r\n'.repeat(5_000)}0\r\n\r\n`, 1_000);
    expect(outcome).toMatchObject({ data: 'a'.repeat(5_000), done: true });
  });
});

describe('trailers', () => {
  const trailersOf = (text: string, size: number): BodyReader => {
    const body = new BodyReader('chunked');
    const bytes = Buffer.from(text, 'latin1');
    for (let at = 0; at < bytes.length; at += size) body.read(bytes.subarray(at, at + size), () => undefined);
    return body;
  };

  test('are names and values as they came, without the space around them', () => {
    const text = '1\r\na\r\n0\r\nX-Sum: a b\r\nx-e:\r\nX-L:\t \xe9\xa0 \t\r\n\r\n';
    for (const size of [1, 2, 5, text.length]) {
      const body = trailersOf(text, size);
      expect([body.done, body.trailers]).toEqual([true, ['X-Sum', 'a b', 'x-e', '', 'X-L', '\xe9\xa0']]);
    }
  });

  test('are no list at all where there are none', () => {
    expect(trailersOf('1\r\na\r\n0\r\n\r\n', 3).trailers).toBeUndefined();
    expect(new BodyReader(5).trailers).toBeUndefined();
  });

  test('are not done at any prefix of their message', () => {
    const text = '0\r\nX-Sum: abc\r\n\r\n';
    for (let end = 0; end < text.length; end += 1) {
      expect([end, trailersOf(text.slice(0, end), 100).done]).toEqual([end, false]);
    }
    expect(trailersOf(text, 100).done).toBe(true);
  });
});
