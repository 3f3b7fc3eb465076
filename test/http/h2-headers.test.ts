// Fields as they cross into HTTP/2.

import { sensitiveHeaders } from 'node:http2';
import { describe, expect, test } from 'vitest';
import type { RequestTarget } from '../../src/core/target.ts';
import { asObject, h2RequestHead, keepSecret, lowered, secretOf } from '../../src/http/h2-headers.ts';

const target: RequestTarget = {
  scheme: 'https',
  authority: { kind: 'name', host: 'ok.test', port: 443 },
  path: '/a',
  query: '?b',
};
const options = { host: 'ok.test', via: { version: '1.1', pseudonym: 'p' }, body: 'chunked' as const };

describe('the head of a request', () => {
  test('has pseudo fields first, names in lower case, and nothing of a connection', () => {
    const raw = ['Host', 'ok.test', 'Connection', 'X-Hop', 'X-Hop', '1', 'Accept', '*/*', 'Keep-Alive', '5'];
    expect(h2RequestHead('POST', target, raw, options)).toEqual([
      ...[':method', 'POST', ':scheme', 'https', ':authority', 'ok.test', ':path', '/a?b'],
      ...['accept', '*/*', 'via', '1.1 p'],
    ]);
  });

  test('has its length where there is one, and TE: trailers where the client has it', () => {
    const raw = ['Connection', 'TE', 'te', 'trailers'];
    const head = h2RequestHead('POST', target, raw, { ...options, via: undefined, body: 3 });
    expect(head.slice(8)).toEqual(['te', 'trailers', 'content-length', '3']);
    expect(
      h2RequestHead('GET', target, ['connection', 'te', 'te', 'gzip'], { ...options, via: undefined }).slice(8),
    ).toEqual([]);
  });

  test('names a protocol by CONNECT', () => {
    const head = h2RequestHead('GET', target, [], { ...options, via: undefined, body: 'none' }, 'websocket');
    expect(head.slice(0, 2)).toEqual([':method', 'CONNECT']);
    expect(head.slice(-2)).toEqual([':protocol', 'websocket']);
  });
});

test('fields of a reply lose what belongs to a connection', () => {
  expect(lowered(['Set-Cookie', 'a', 'Transfer-Encoding', 'chunked', 'Upgrade', 'x', 'Set-Cookie', 'b'], [])).toEqual([
    ...['set-cookie', 'a', 'set-cookie', 'b'],
  ]);
});

test('trailers are an object, one that comes twice a list', () => {
  expect({ ...asObject(['a', '1', 'b', '2', 'a', '3', 'a', '4']) }).toEqual({ a: ['1', '3', '4'], b: '2' });
});

describe('what must not be indexed', () => {
  const marked = (head: string[]): unknown => Reflect.get(head, sensitiveHeaders);

  test('is what carries credentials, and what came so; nothing else is', () => {
    const head = ['accept', '*/*', 'authorization', 'Basic x', 'cookie', 'a=b', 'x-key', 'k', 'set-cookie', 'c'];
    expect(marked(keepSecret([...head], undefined))).toEqual(['authorization', 'cookie', 'set-cookie']);
    const also = keepSecret([...head, 'set-cookie', 'd'], ['x-key', 'x-gone']);
    expect(marked(also)).toEqual(['authorization', 'cookie', 'x-key', 'set-cookie']);
    expect(marked(keepSecret(['accept', '*/*'], ['x-key']))).toBeUndefined();
  });

  test('is read of what came', () => {
    expect(secretOf({ [sensitiveHeaders]: ['x-key'] })).toEqual(['x-key']);
    expect([secretOf({}), secretOf({ [sensitiveHeaders]: [] })]).toEqual([undefined, undefined]);
  });
});
