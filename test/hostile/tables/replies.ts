// RESP-* and what belongs to them: what an origin may send, and what the client then gets.

import type { Row } from './row.ts';

export interface Answered {
  readonly bytes: string;
  /** What the origin does then; it keeps the connection without it. */
  readonly after?: 'end' | 'reset';
  readonly method?: 'GET' | 'HEAD';
  readonly version?: '1.0';
}

/**
 * A status: that reply, whole (ours when it is 502 or 504). `cut`: a reply that was begun and broken off. Both where the
 * bytes that spoil it may come before or after the head has gone out.
 */
export type Got = number | 'cut' | '502 or cut';
export type BadReply = Row<Answered, { readonly got: Got; readonly body?: string }>;

const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = 'Content-Length: 2\r\n\r\nok';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const of = (id: string, got: Got, cases: readonly (readonly [string, string | Answered, string?])[]): BadReply[] =>
  cases.map(([name, input, body]) => ({
    id,
    area: 'bad origin',
    name,
    input: typeof input === 'string' ? { bytes: input } : input,
    expected: { got, ...(body === undefined ? {} : { body }) },
  }));

const ending = (bytes: string): Answered => ({ bytes, after: 'end' });

export const BAD_REPLIES: readonly BadReply[] = [
  ...of('RESP-01', 502, [
    ['status 000', `HTTP/1.1 000 X\r\n${LENGTH}`],
    ['status 099', `HTTP/1.1 099 X\r\n${LENGTH}`],
    ['status 600', `HTTP/1.1 600 X\r\n${LENGTH}`],
    ['status 999', `HTTP/1.1 999 X\r\n${LENGTH}`],
    ['status 1000', `HTTP/1.1 1000 X\r\n${LENGTH}`],
    ['status 20x', `HTTP/1.1 20x X\r\n${LENGTH}`],
    ['status 20', `HTTP/1.1 20 X\r\n${LENGTH}`],
    ['status -200', `HTTP/1.1 -200 X\r\n${LENGTH}`],
    ['a control character in the reason', `HTTP/1.1 200 a\x01b\r\n${LENGTH}`],
    ['NUL in the reason', `HTTP/1.1 200 a\0b\r\n${LENGTH}`],
    ['ESC in the reason', `HTTP/1.1 200 \x1b[31m\r\n${LENGTH}`],
    ['DEL in the reason', `HTTP/1.1 200 a\x7fb\r\n${LENGTH}`],
    ['CR in the reason', `HTTP/1.1 200 a\rSet-Cookie: a=b\r\n${LENGTH}`],
    ['HTTP/2.0', `HTTP/2.0 200 OK\r\n${LENGTH}`],
    ['HTTP/1.2', `HTTP/1.2 200 OK\r\n${LENGTH}`],
    ['HTTP/0.9 by name', `HTTP/0.9 200 OK\r\n${LENGTH}`],
    ['HTTP/0.9 by form', ending('<html>hello</html>')],
    ['ICY', `ICY 200 OK\r\n${LENGTH}`],
    ['RTSP', `RTSP/1.0 200 OK\r\n${LENGTH}`],
    ['two spaces', `HTTP/1.1  200 OK\r\n${LENGTH}`],
    ['CR before the status line', `\rHTTP/1.1 200 OK\r\n${LENGTH}`],
    ['LF for line ends', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['a folded field', `${OK}A: b\r\n c\r\n${LENGTH}`],
    ['a space before a colon', `${OK}A : b\r\n${LENGTH}`],
    ['a control character in a value', `${OK}A: b\x01\r\n${LENGTH}`],
    ['NUL in a value', `${OK}A: b\0\r\n${LENGTH}`],
    ['CR in a value', `${OK}A: b\rc: d\r\n${LENGTH}`],
    ['a field without a colon', `${OK}Abc\r\n${LENGTH}`],
    ['a byte beyond ASCII in a name', `${OK}\xe9: b\r\n${LENGTH}`],
    ['another protocol behind an interim reply', `HTTP/1.1 103 X\r\n\r\nRTSP/1.0 200 OK\r\n${LENGTH}`],
  ]),
  ...of('RESP-01', 200, [
    ['bytes beyond ASCII in the reason', `HTTP/1.1 200 \xe9\xff\r\n${LENGTH}`, 'ok'],
    ['no reason', `HTTP/1.1 200\r\n${LENGTH}`, 'ok'],
    ['bytes beyond ASCII in a value', `${OK}A: \xe9\r\n${LENGTH}`, 'ok'],
    ['names that mean something to JavaScript', `${OK}__proto__: a\r\nconstructor: b\r\n${LENGTH}`, 'ok'],
  ]),
  ...of('RESP-02', 502, [
    ['a length before chunks', `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['a length behind chunks', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk`],
    ['a list of lengths', `${OK}Content-Length: 2, 2\r\n\r\nok`],
    ['a negative length', `${OK}Content-Length: -2\r\n\r\nok`],
    ['a length with a sign', `${OK}Content-Length: +2\r\n\r\nok`],
    ['an empty length', `${OK}Content-Length:\r\n\r\nok`],
    ['a length beyond 64 bits', `${OK}Content-Length: 99999999999999999999\r\n\r\nok`],
    ['xchunked', ending(`${OK}Transfer-Encoding: xchunked\r\n\r\nok`)],
    ['identity', ending(`${OK}Transfer-Encoding: identity\r\n\r\nok`)],
    ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['chunked twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['chunked, chunked', `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
  ]),
  ...of('RESP-02', '502 or cut', [
    ['a chunk size that is no number', `${CHUNKED}zz\r\nok\r\n0\r\n\r\n`],
    ['a chunk size with a space', `${CHUNKED}2 \r\nok\r\n0\r\n\r\n`],
    ['a chunk size beyond 64 bits', `${CHUNKED}fffffffffffffffff\r\nok\r\n0\r\n\r\n`],
    ['LF behind a chunk size', `${CHUNKED}2\nok\r\n0\r\n\r\n`],
    ['a chunk longer than its size', `${CHUNKED}2\r\nokay\r\n0\r\n\r\n`],
    ['a length in the trailer', `${CHUNKED}2\r\nok\r\n0\r\nContent-Length: 3\r\n\r\n`],
  ]),
  ...of('RESP-03', 'cut', [
    ['a body shorter than its length', ending(`${OK}Content-Length: 5\r\n\r\nok`)],
    ['no byte of the body', ending(`${OK}Content-Length: 5\r\n\r\n`)],
    ['chunks without an end', ending(`${CHUNKED}2\r\nok\r\n`)],
    ['chunks that end within the last one', ending(`${CHUNKED}2\r\nok\r\n0\r\n`)],
    ['a chunk cut in two', ending(`${CHUNKED}5\r\nok`)],
    ['a reset within a body', { bytes: `${OK}Content-Length: 5\r\n\r\nok`, after: 'reset' }],
    ['chunks without an end, to HTTP/1.0', { ...ending(`${CHUNKED}2\r\nok\r\n`), version: '1.0' }],
    ['a length that is not kept, to HTTP/1.0', { ...ending(`${OK}Content-Length: 5\r\n\r\nok`), version: '1.0' }],
  ]),
  ...of('RESP-03', 502, [
    ['nothing', ending('')],
    ['a reset at once', { bytes: '', after: 'reset' }],
  ]),
  ...of('RESP-04', 502, [
    ['70 KB in one field', `${OK}A: ${'a'.repeat(70_000)}\r\n${LENGTH}`],
    ['101 fields', `${OK}${'A: b\r\n'.repeat(100)}${LENGTH}`],
    ['2,500 fields', `${OK}${'A: b\r\n'.repeat(2_499)}${LENGTH}`],
    ['51 stray 100 Continue', `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(51)}${OK}${LENGTH}`],
    ['65 KB of interim replies', `${`HTTP/1.1 103 X\r\nA: ${'a'.repeat(32_000)}\r\n\r\n`.repeat(3)}${OK}${LENGTH}`],
    ['1,000 interim replies', `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1_000)}${OK}${LENGTH}`],
    [
      '10 MB of interim replies',
      `${`HTTP/1.1 102 Processing\r\nA: ${'a'.repeat(10_000)}\r\n\r\n`.repeat(1_000)}${OK}${LENGTH}`,
    ],
  ]),
  ...of('HTTP-07', 200, [
    [
      'a few interim replies',
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}${LENGTH}`,
      'ok',
    ],
    ['50 stray 100 Continue', `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(50)}${OK}${LENGTH}`, 'ok'],
  ]),
  ...of('RESP-04', '502 or cut', [
    ['101 trailers', `${CHUNKED}2\r\nok\r\n0\r\n${'A: b\r\n'.repeat(101)}\r\n`],
    ['17 KB of trailers', `${CHUNKED}2\r\nok\r\n0\r\nA: ${'b'.repeat(17_000)}\r\n\r\n`],
    ['trailers without end', `${CHUNKED}2\r\nok\r\n0\r\n${'A: b\r\n'.repeat(20_000)}`],
    ['a trailer that frames', `${CHUNKED}2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ]),
  ...of('RESP-05', 502, [
    ['a 101 that nobody asked for', 'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw'],
    ['a 101 without an upgrade', 'HTTP/1.1 101 X\r\n\r\nraw'],
  ]),
  ...of('RESP-05', 204, [
    ['204 with a length and a body', 'HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nhello', ''],
    ['204 with a body', 'HTTP/1.1 204 X\r\n\r\nhello', ''],
    ['204 with chunks', 'HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', ''],
  ]),
  ...of('RESP-05', 205, [
    ['205 with a length and a body', 'HTTP/1.1 205 X\r\nContent-Length: 5\r\n\r\nhello', ''],
    ['205 with a body', ending('HTTP/1.1 205 X\r\n\r\nhello'), ''],
    ['205 with chunks', 'HTTP/1.1 205 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', ''],
    ['205 with a body that comes late', 'HTTP/1.1 205 X\r\nContent-Length: 5\r\n\r\n', ''],
  ]),
  ...of('RESP-05', 304, [['304 with a body', 'HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\nhello', '']]),
  ...of('RESP-05', 200, [
    ['a body to HEAD', { bytes: `${OK}Content-Length: 5\r\n\r\nhello`, method: 'HEAD' }, ''],
    ['chunks to HEAD', { bytes: `${CHUNKED}2\r\nok\r\n0\r\n\r\n`, method: 'HEAD' }, ''],
  ]),
  ...of('RESP-06', 504, [['nothing, for ever', '']]),
  ...of('RESP-06', 504, [['half a header, for ever', `${OK}Content-Le`]]),
  ...of('RESP-06', 'cut', [['half a body, for ever', `${OK}Content-Length: 5\r\n\r\nok`]]),
  ...of('POOL-03', 200, [
    ['bytes behind the body', `${OK}${LENGTH}EXTRA`, 'ok'],
    ['a second reply behind the body', `${OK}${LENGTH}${OK}Content-Length: 4\r\n\r\nevil`, 'ok'],
    ['a second reply behind chunks', `${CHUNKED}2\r\nok\r\n0\r\n\r\n${OK}Content-Length: 4\r\n\r\nevil`, 'ok'],
    ['empty lines behind the body', `${OK}${LENGTH}\r\n\r\n`, 'ok'],
    ['a body that ends with the connection', ending(`${OK}\r\nok`), 'ok'],
    ['a body of HTTP/1.0', ending('HTTP/1.0 200 OK\r\n\r\nok'), 'ok'],
  ]),
];
