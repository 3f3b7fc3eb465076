// A CONNECT is read and judged once for all that come in the same words, and each other one as if there were no such memory.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admitConnect } from '../../src/http/admission.ts';
import { readConnect } from '../../src/http/known-connects.ts';
import { readRequestHead } from '../../src/wire/http-head.ts';

const connect = (authority: string, ...fields: readonly string[]): Buffer =>
  Buffer.from([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...fields, '', ''].join('\r\n'), 'latin1');

describe('a CONNECT that is whole, with nothing behind it', () => {
  test('is read and judged as any other', () => {
    const known = readConnect(connect('one.test:443', 'User-Agent: agent/1.0'));
    expect(known?.head).toEqual({
      method: 'CONNECT',
      url: 'one.test:443',
      httpVersion: '1.1',
      rawHeaders: ['Host', 'one.test:443', 'User-Agent', 'agent/1.0'],
    });
    expect(known?.admitted).toEqual({ ok: true, value: { kind: 'name', host: 'one.test', port: 443 } });
  });

  test('is not read again when the same bytes come once more', () => {
    const before = readConnect(connect('two.test:443'));
    expect(readConnect(connect('two.test:443'))).toBe(before);
  });

  test.each<[sentence: string, other: Buffer]>([
    ['another host', connect('three.evil:443')],
    ['another port', connect('three.test:444')],
    ['another field', connect('three.test:443', 'Accept: */*')],
    ['another case', connect('Three.test:443')],
  ])('is another one with %s', (_sentence, other) => {
    const before = readConnect(connect('three.test:443'));
    const reading = readRequestHead(other);
    if (reading.state !== 'head') throw new Error(reading.state);
    expect(readConnect(other)).toEqual({ head: reading.head, admitted: admitConnect(reading.head) });
    expect(readConnect(connect('three.test:443'))).toBe(before);
  });

  test.each<[sentence: string, bytes: Buffer, code: string]>([
    ['without a port', connect('four.test'), 'request-target'],
    ['with a body', connect('four.test:443', 'Content-Length: 1'), 'request-malformed'],
    ['with another Host', connect('four.test:443', 'Host: five.test'), 'request-malformed'],
  ])('%s is refused each time, by an error of its own', (_sentence, bytes, code) => {
    const [first, second] = [readConnect(bytes), readConnect(bytes)];
    expect(first?.admitted).toMatchObject({ ok: false, error: { code } });
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  test.each(['Proxy-Authorization: Basic YTpi', 'Authorization: Bearer t', 'Cookie: a=b', 'X-Api-Key: k', 'X: 1'])(
    'is not kept with the field %s, which holds a password or may',
    (field) => {
      const bytes = connect('six.test:443', 'User-Agent: agent/1.0', field);
      const before = readConnect(bytes);
      expect(before?.admitted.ok).toBe(true);
      const again = readConnect(bytes);
      expect(again).toEqual(before);
      expect(again).not.toBe(before);
    },
  );

  test('is kept with the fields that clients send', () => {
    const bytes = connect(
      'seven.test:443',
      'USER-AGENT: a',
      'Proxy-Connection: Keep-Alive',
      'connection: x',
      'Accept: */*',
    );
    expect(readConnect(bytes)).toBe(readConnect(bytes));
  });
});

describe('what is left to whoever reads heads', () => {
  const whole = connect('seven.test:443');
  test.each<[sentence: string, bytes: Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['another method', Buffer.from('GET http://seven.test/ HTTP/1.1\r\nHost: seven.test\r\n\r\n')],
    ['a method that begins like it', Buffer.from('COPY http://seven.test/ HTTP/1.1\r\nHost: seven.test\r\n\r\n')],
    ['one with bytes behind it', Buffer.concat([whole, Buffer.from('\x16\x03\x01')])],
    ['one with a further one behind it', Buffer.concat([whole, whole])],
    ['one with an empty line before it', Buffer.concat([Buffer.from('\r\n'), whole])],
    ['one that is no head', Buffer.from('CONNECT seven.test:443 HTTP/1.1\nHost: seven.test\r\n\r\n')],
    ['one that is longer than most', connect('seven.test:443', `X: ${'x'.repeat(1_024)}`)],
  ])('is %s', (_sentence, bytes) => {
    expect(readConnect(bytes)).toBeUndefined();
  });

  test('is one of which a part is here, whichever', () => {
    for (let length = 0; length < whole.length; length += 1) {
      expect(readConnect(whole.subarray(0, length))).toBeUndefined();
    }
    expect(readConnect(whole)).toBeDefined();
  });
});

test('whatever comes, it is what readers of heads make of it', () => {
  const authority = fc.oneof(fc.domain(), fc.constantFrom('a:443', '[::1]:443', 'a:0', ':443', 'a b:443', 'a@b:443'));
  const field = fc.constantFrom(
    'X: 1',
    'Content-Length: 0',
    'Host: a',
    ' folded',
    'Bad',
    'X:\t',
    'Expect: 100-continue',
  );
  const bytes = fc
    .tuple(authority, fc.array(field, { maxLength: 3 }))
    .map(([host, fields]) => connect(host, ...fields));
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1 }), (heads) => {
      for (const head of [...heads, ...heads]) {
        const reading = readRequestHead(head);
        const known = readConnect(head);
        if (reading.state !== 'head') expect(known).toBeUndefined();
        else expect(known).toEqual({ head: reading.head, admitted: admitConnect(reading.head) });
      }
    }),
  );
});
