// Messages that were whole once: bytes are put in, taken out, doubled and swapped, messages joined and cut to pieces.

import fc from 'fast-check';

/** What is sent on one connection, piece by piece. */
export interface MutatedRequests {
  readonly pieces: readonly string[];
}

export interface MutatedReply {
  readonly bytes: string;
  /** The origin closes its side behind it. */
  readonly ends: boolean;
}

const TOKENS = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  '\x01',
  '\x0b',
  '\x7f',
  '\xff',
  ':',
  ',',
  ';',
  '=',
  '"',
  '/',
  '\\',
  '#',
  '?',
  '%',
  '@',
  '*',
  '0',
  '1',
  '5',
  'a',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'Host: {H}\r\n',
  'Host: no.test\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 44\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: h2c\r\n',
  ' HTTP/1.1',
  ' HTTP/1.0',
  'HTTP/1.1 200 OK\r\n',
  'GET http://{H}/in HTTP/1.1\r\nHost: {H}\r\n\r\n',
  'POST ',
  'HEAD ',
] as const;

const REQUESTS = [
  'GET http://{H}/get{I} HTTP/1.1\r\nHost: {H}\r\nAccept: */*\r\n\r\n',
  'GET http://{H}/api/../x{I}?q=1 HTTP/1.1\r\nHost: {H}\r\nCookie: a=b; c=d\r\nVia: 1.1 other\r\n\r\n',
  'POST http://{H}/length{I} HTTP/1.1\r\nHost: {H}\r\nContent-Length: 5\r\n\r\nhello',
  'POST http://{H}/inner{I} HTTP/1.1\r\nHost: {H}\r\nContent-Length: 44\r\n\r\nGET http://{H}/no HTTP/1.1\r\nHost: no.test\r\n\r\n',
  'POST http://{H}/chunks{I} HTTP/1.1\r\nHost: {H}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n',
  'PUT http://{H}/trailer{I} HTTP/1.1\r\nHost: {H}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n',
  'GET http://no.test/denied{I} HTTP/1.1\r\nHost: no.test\r\n\r\n',
  'DELETE http://{H}/old{I} HTTP/1.0\r\nHost: {H}\r\nConnection: keep-alive\r\n\r\n',
] as const;

const REPLIES = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Mark: {M}\r\nContent-Length: {N}\r\n\r\n{M}',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{X}\r\n{M}\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n{X};x=y\r\n{M}\r\n0\r\nX: {M}\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: <{M}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {N}\r\n\r\n{M}',
  'HTTP/1.1 204 No Content\r\nX-Mark: {M}\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "{M}"\r\nContent-Length: {N}\r\n\r\n',
  'HTTP/1.0 200 OK\r\nX-Mark: {M}\r\n\r\n{M}',
  'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{M}',
  'HTTP/1.1 404 Not Found\r\nContent-Length: {N}\r\nSet-Cookie: {M}\r\n\r\n{M}HTTP/1.1 200 OK\r\nContent-Length: {N}\r\n\r\n{M}',
] as const;

type Edit = (text: string) => string;

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (text: string, share: number): number => Math.floor(share * (text.length + 1));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(place, fc.constantFrom(...TOKENS)).map(
      ([where, token]) =>
        (text: string) =>
          text.slice(0, at(text, where)) + token + text.slice(at(text, where)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(place, fc.integer({ min: 1, max: 6 })).map(
      ([where, count]) =>
        (text: string) =>
          text.slice(0, at(text, where)) + text.slice(at(text, where) + count),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(
      ([where, code]) =>
        (text: string) =>
          text.slice(0, at(text, where)) + String.fromCharCode(code) + text.slice(at(text, where) + 1),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([where, count]) => (text: string) => {
      const from = at(text, where);
      return text.slice(0, from + count) + text.slice(from, from + count) + text.slice(from + count);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(place, fc.integer({ min: 1, max: 8 })).map(([where, gap]) => (text: string) => {
      const from = at(text, where);
      return (
        text.slice(0, from) +
        text.slice(from + gap, from + gap + 1) +
        text.slice(from + 1, from + gap) +
        text.slice(from, from + 1) +
        text.slice(from + gap + 1)
      );
    }),
  },
);

const edits = fc.array(edit, { minLength: 0, maxLength: 4, size: 'max' });
const mutate = (text: string, list: readonly Edit[]): string => list.reduce((result, one) => one(result), text);

/** `authority`: where the origin is. The last request closes, so that a connection has an end where nothing is wrong. */
export function mutatedRequests(authority: string): fc.Arbitrary<MutatedRequests> {
  const messages = fc.array(fc.constantFrom(...REQUESTS), { minLength: 1, maxLength: 4, size: 'max' });
  const cuts = fc.array(place, { maxLength: 3, size: 'max' });
  return fc.tuple(messages, edits, cuts, fc.nat({ max: 99_999 })).map(([parts, list, shares, id]) => {
    const joined = parts.map((part, index) => part.replace('{I}', `-${id}-${index}`)).join('');
    const last = `GET http://{H}/last-${id} HTTP/1.1\r\nHost: {H}\r\nConnection: close\r\n\r\n`;
    const bytes = `${mutate(joined, list)}${last}`.replaceAll('{H}', authority);
    const places = [0, ...shares.map((share) => at(bytes, share)).sort((a, b) => a - b), bytes.length];
    return {
      pieces: places
        .slice(1)
        .map((end, index) => bytes.slice(places[index] ?? 0, end))
        .filter((piece) => piece !== ''),
    };
  });
}

/** `mark`: what must only come to whoever asked for this very reply. */
export function mutatedReply(): fc.Arbitrary<(mark: string) => MutatedReply> {
  return fc.tuple(fc.constantFrom(...REPLIES), edits, fc.boolean()).map(([reply, list, ends]) => (mark: string) => {
    const whole = reply
      .replaceAll('{M}', mark)
      .replaceAll('{N}', String(mark.length))
      .replaceAll('{X}', mark.length.toString(16));
    return { bytes: mutate(whole, list), ends };
  });
}
