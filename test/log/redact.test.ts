// Secrets never survive, whatever their spelling and depth; everything becomes plain data.

import { describe, expect, test } from 'vitest';
import { REDACTED, redact } from '../../src/log/redact.ts';

describe('redact', () => {
  test.each([
    'authorization',
    'Authorization',
    'proxy-authorization',
    'Proxy-Authorization',
    'PROXY-AUTHORIZATION',
    'cookie',
    'Set-Cookie',
    'passphrase',
    'password',
  ])('%s', (key) => {
    expect(redact({ [key]: 'secret' })).toEqual({ [key]: REDACTED });
    expect(redact({ request: { headers: { [key]: ['secret'] } } })).toEqual({
      request: { headers: { [key]: REDACTED } },
    });
    expect(redact({ rawHeaders: ['Accept', '*/*', key, 'secret', 'Host', 'h'] })).toEqual({
      rawHeaders: ['Accept', '*/*', key, REDACTED, 'Host', 'h'],
    });
    expect(redact({ headers: new Map([[key, 'secret']]) })).toEqual({ headers: [[key, REDACTED]] });
  });

  test.each([
    ['text', 'cookies are fine', 'cookies are fine'],
    ['a number', 7, 7],
    ['null', null, null],
    ['a big number', 7n, '7'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['no date', new Date(Number.NaN), null],
    ['bytes', Buffer.from('private key'), '[11 bytes]'],
    ['a set', new Set([1]), [1]],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
  ])('%s', (_name, value, expected) => {
    expect(redact({ value })).toEqual({ value: expected });
  });

  test('of an error its name, message, code, stack and cause, not what hangs on it', () => {
    const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), {
      code: 'E_X',
      request: { authorization: 'secret' },
    });
    const plain = redact({ err: error });
    expect(plain).toMatchObject({
      err: { type: 'TypeError', message: 'outer', code: 'E_X', cause: { type: 'Error', message: 'inner' } },
    });
    expect(JSON.stringify(plain)).not.toContain('secret');
  });

  test('a cycle ends', () => {
    const loop: Record<string, unknown> = { name: 'loop' };
    loop['self'] = loop;
    const error = new Error('round');
    error.cause = error;
    expect(JSON.stringify(redact({ loop, error }))).toContain('[deep]');
  });
});
