// SMUG-01 and SMUG-02: requests that a strict proxy must refuse, on its own port and inside a tunnel. `{U}` is what
// stands before the path (empty inside a tunnel), `{H}` the authority, `{S}` the scheme.

import type { Row } from './row.ts';

/** Statuses that are right; the first is ours. */
export type MalformedRequest = Row<string, readonly number[]>;

const BAD = [400];
const POST = 'POST {U}/ HTTP/1.1\r\nHost: {H}\r\n';
const GET = 'GET {U}/ HTTP/1.1\r\nHost: {H}\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
/** What an origin would take for a second request, were the first framed otherwise. */
const SECOND = 'GET {U}/smuggled HTTP/1.1\r\nHost: {H}\r\n\r\n';

function area(name: string, cases: readonly (readonly [string, string, (readonly number[])?])[]): MalformedRequest[] {
  return cases.map(([what, input, expected = BAD]) => ({ id: 'SMUG-01', area: name, name: what, input, expected }));
}

export const MALFORMED_REQUESTS: readonly MalformedRequest[] = [
  ...area('Host', [
    ['none', 'GET {U}/ HTTP/1.1\r\n\r\n'],
    ['the same one twice', `${GET}Host: {H}\r\n\r\n`],
    ['two that differ', `${GET}Host: evil.test\r\n\r\n`],
    ['a list', 'GET {U}/ HTTP/1.1\r\nHost: {H}, {H}\r\n\r\n'],
    ['empty', 'GET {U}/ HTTP/1.1\r\nHost:\r\n\r\n'],
    ['user information', 'GET {U}/ HTTP/1.1\r\nHost: user@{H}\r\n\r\n'],
    ['a path behind it', 'GET {U}/ HTTP/1.1\r\nHost: {H}/x\r\n\r\n'],
    ['a port that is no number', 'GET {U}/ HTTP/1.1\r\nHost: ok.test:8x\r\n\r\n'],
    ['another than the target', 'GET {U}/ HTTP/1.1\r\nHost: evil.test\r\n\r\n', [400, 421]],
    ['a space within', 'GET {U}/ HTTP/1.1\r\nHost: {H} evil.test\r\n\r\n'],
    ['percent-encoding', 'GET {U}/ HTTP/1.1\r\nHost: %6fk.test\r\n\r\n'],
  ]),
  ...area('Content-Length', [
    ['the same one twice', `${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
    ['two that differ', `${POST}Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello`],
    ['a list', `${POST}Content-Length: 1, 1\r\n\r\na`],
    ['a plus sign', `${POST}Content-Length: +1\r\n\r\na`],
    ['a minus sign', `${POST}Content-Length: -1\r\n\r\n`],
    ['hexadecimal', `${POST}Content-Length: 0x1\r\n\r\na`],
    ['a fraction', `${POST}Content-Length: 1.0\r\n\r\na`],
    ['empty', `${POST}Content-Length:\r\n\r\n`],
    ['two numbers', `${POST}Content-Length: 1 1\r\n\r\na`],
    ['more than 64 bits', `${POST}Content-Length: 18446744073709551617\r\n\r\na`],
  ]),
  ...area('Transfer-Encoding', [
    ['behind a length', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`],
    ['before a length', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SECOND}`],
    ['xchunked', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, [400, 501]],
    ['chunked, chunked', `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, [400, 501]],
    ['twice', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['gzip, chunked', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, [400, 501]],
    ['chunked, identity', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, [400, 501]],
    ['identity', `${POST}Transfer-Encoding: identity\r\n\r\n${SECOND}`, [400, 501]],
    ['with a parameter', `${POST}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`, [400, 501]],
    ['in quotes', `${POST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`, [400, 501]],
    ['behind a vertical tab', `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ['empty', `${POST}Transfer-Encoding:\r\n\r\n${SECOND}`],
    ['in HTTP/1.0', 'POST {U}/ HTTP/1.0\r\nHost: {H}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ]),
  ...area('line ends', [
    ['LF everywhere', 'GET {U}/ HTTP/1.1\nHost: {H}\n\n'],
    ['LF behind the request line', 'GET {U}/ HTTP/1.1\nHost: {H}\r\n\r\n'],
    ['LF behind a field', 'GET {U}/ HTTP/1.1\r\nHost: {H}\nA: b\r\n\r\n'],
    ['LF for the empty line', `${GET}\n`],
    ['CR everywhere', 'GET {U}/ HTTP/1.1\rHost: {H}\r\r'],
    ['CR CR LF', 'GET {U}/ HTTP/1.1\r\r\nHost: {H}\r\n\r\n'],
    ['LF before the request', `\n${GET}\r\n`],
    ['CR before the request', `\r${GET}\r\n`],
    ['many empty lines before the request', `\r\n\r\n\r\n${GET}\r\n`],
  ]),
  ...area('bytes', [
    ['NUL in a value', `${GET}A: b\0c\r\n\r\n`],
    ['a control character in a value', `${GET}A: b\x01c\r\n\r\n`],
    ['DEL in a value', `${GET}A: b\x7fc\r\n\r\n`],
    ['CR in a value', `${GET}A: b\rc\r\n\r\n`],
    ['NUL in a name', `${GET}A\0: b\r\n\r\n`],
    ['a byte beyond ASCII in a name', `${GET}A\xe9: b\r\n\r\n`],
  ]),
  ...area('field syntax', [
    ['folded with a space', `${GET}A: b\r\n c\r\n\r\n`],
    ['folded with a tab', `${GET}A: b\r\n\tc\r\n\r\n`],
    ['a space before the first field', 'GET {U}/ HTTP/1.1\r\n Host: evil.test\r\nHost: {H}\r\n\r\n'],
    ['a space before the colon', `${GET}A : b\r\n\r\n`],
    ['a tab before the colon', `${GET}A\t: b\r\n\r\n`],
    ['no colon', `${GET}Abc\r\n\r\n`],
    ['no name', `${GET}: b\r\n\r\n`],
    ['a space in the name', `${GET}A B: c\r\n\r\n`],
    ['brackets in the name', `${GET}A(b): c\r\n\r\n`],
  ]),
  ...area('chunks', [
    ['a size that is no number', `${CHUNKED}zz\r\na\r\n0\r\n\r\n`],
    ['a size with 0x', `${CHUNKED}0x1\r\na\r\n0\r\n\r\n`],
    ['a size with a sign', `${CHUNKED}+1\r\na\r\n0\r\n\r\n`],
    ['a space before the size', `${CHUNKED} 1\r\na\r\n0\r\n\r\n`],
    ['a space behind the size', `${CHUNKED}1 \r\na\r\n0\r\n\r\n`],
    ['a size beyond 64 bits', `${CHUNKED}10000000000000001\r\na\r\n0\r\n\r\n`],
    ['no size', `${CHUNKED}\r\na\r\n0\r\n\r\n`],
    ['LF behind the size', `${CHUNKED}1\na\r\n0\r\n\r\n`],
    ['LF behind the data', `${CHUNKED}1\r\na\n0\r\n\r\n`],
    ['more data than its size', `${CHUNKED}1\r\nabc\r\n0\r\n\r\n`],
    ['LF in an extension', `${CHUNKED}1;x\ny\r\na\r\n0\r\n\r\n`],
    ['a control character in an extension', `${CHUNKED}1;\x01\r\na\r\n0\r\n\r\n`],
    ['a trailer without a colon', `${CHUNKED}0\r\nabc\r\n\r\n`],
    ['a length in the trailer', `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n${SECOND}`],
  ]),
  ...area('version', [
    ['none', 'GET {U}/\r\n\r\n'],
    ['0.9', 'GET {U}/ HTTP/0.9\r\nHost: {H}\r\n\r\n'],
    ['1.2', 'GET {U}/ HTTP/1.2\r\nHost: {H}\r\n\r\n'],
    ['1.10', 'GET {U}/ HTTP/1.10\r\nHost: {H}\r\n\r\n'],
    ['01.1', 'GET {U}/ HTTP/01.1\r\nHost: {H}\r\n\r\n'],
    ['2.0', 'GET {U}/ HTTP/2.0\r\nHost: {H}\r\n\r\n'],
    ['in lower case', 'GET {U}/ http/1.1\r\nHost: {H}\r\n\r\n'],
    ['of another protocol', 'GET {U}/ RTSP/1.0\r\nHost: {H}\r\n\r\n'],
    ['of another protocol with its own method', 'SOURCE {U}/ ICE/1.0\r\nHost: {H}\r\n\r\n'],
    ['with a space behind it', 'GET {U}/ HTTP/1.1 \r\nHost: {H}\r\n\r\n'],
  ]),
  ...area('target', [
    ['two spaces before it', 'GET  {U}/ HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['two spaces behind it', 'GET {U}/  HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['a tab before it', 'GET\t{U}/ HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['a space within', 'GET {U}/a b HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['a fragment', 'GET {U}/#a HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['an asterisk with GET', 'GET * HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['a byte beyond ASCII', 'GET {U}/\xe9 HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['a control character', 'GET {U}/\x01 HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['a backslash', 'GET {U}/a\\b HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['user information', 'GET {S}://user@{H}/ HTTP/1.1\r\nHost: {H}\r\n\r\n'],
    ['none', 'GET HTTP/1.1\r\nHost: {H}\r\n\r\n'],
  ]),
  ...area('count', [
    ['101 fields', `${GET}${'A: b\r\n'.repeat(100)}\r\n`, [431]],
    ['2,500 fields', `${GET}${'A: b\r\n'.repeat(2_499)}\r\n`, [431]],
    ['70 KB in one field', `${GET}A: ${'b'.repeat(70_000)}\r\n\r\n`, [431]],
  ]),
];
