// The error type, and how any thrown value becomes one of it.

import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/core/error-kinds.ts';
import { asProxyError, type ErrorCode, messageOf, ProxyError } from '../../src/core/errors.ts';

describe('a ProxyError', () => {
  test('carries what its code stands for', () => {
    const error = new ProxyError('dns-timeout');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ProxyError',
      code: 'dns-timeout',
      side: 'upstream',
      status: 504,
      kind: ERROR_KINDS['dns-timeout'],
      detail: '',
      message: 'The name servers did not answer in time.',
    });
    expect(error.cause).toBeUndefined();
  });

  test('adds the detail to the sentence and keeps the cause', () => {
    const cause = new Error('low');
    const error = new ProxyError('denied', 'Rule packages.', { cause });
    expect(error.message).toBe('The policy of this proxy does not allow the request. Rule packages.');
    expect(error.detail).toBe('Rule packages.');
    expect(error.cause).toBe(cause);
  });

  test('knows the address that was tried, when there was one', () => {
    expect(new ProxyError('connect-failed', '', { peer: '127.0.0.2' }).peer).toBe('127.0.0.2');
    expect(new ProxyError('connect-failed').peer).toBeUndefined();
  });
});

describe('asProxyError', () => {
  test('leaves a ProxyError as it is', () => {
    const error = new ProxyError('loop');
    expect(asProxyError(error, 'internal')).toBe(error);
  });

  test.each<[string, unknown, ErrorCode | undefined, ErrorCode, string]>([
    ['an Error', new Error('boom'), undefined, 'internal', 'boom'],
    ['an Error under another code', new Error('boom'), 'connect-failed', 'connect-failed', 'boom'],
    ['a string', 'boom', undefined, 'internal', 'boom'],
    ['nothing', undefined, undefined, 'internal', 'undefined'],
  ])('wraps %s', (_what, thrown, given, code, detail) => {
    const error = asProxyError(thrown, given);
    expect(error).toMatchObject({ code, detail });
    expect(error.cause).toBe(thrown);
  });
});

describe('messageOf', () => {
  const coded = (message: string, code: unknown): Error => Object.assign(new Error(message), { code });
  test.each<[string, unknown, string]>([
    ['a plain error', new Error('boom'), 'boom'],
    [
      'an error whose message has the code',
      coded('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED'),
      'connect ECONNREFUSED 127.0.0.1:9',
    ],
    [
      'an error whose message lacks it',
      coded('unable to verify', 'UNABLE_TO_VERIFY'),
      'UNABLE_TO_VERIFY: unable to verify',
    ],
    ['an error of a code alone', coded('', 'ECONNREFUSED'), 'ECONNREFUSED'],
    ['an error of a numeric code', coded('boom', 7), 'boom'],
    ['a string', 'boom', 'boom'],
    ['null', null, 'null'],
  ])('of %s', (_what, thrown, expected) => {
    expect(messageOf(thrown)).toBe(expected);
  });

  test('of what Node throws when every address of a host refuses', async () => {
    const thrown = await new Promise<unknown>((resolve) => {
      connect({
        host: 'both.test',
        port: 1,
        autoSelectFamily: true,
        lookup: (_host, _options, done) =>
          done(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '127.0.0.2', family: 4 },
          ]),
      }).on('error', resolve);
    });
    expect(messageOf(thrown)).toBe('ECONNREFUSED');
  });
});
