// What a refusal says of its error, and how its rule is named.

import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/core/error-kinds.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { refusalOf, shownRule } from '../../src/http/refusal.ts';
import { statusPhrase } from '../../src/http/status-phrase.ts';

describe('a refusal', () => {
  test('says what the error says', () => {
    expect(refusalOf(new ProxyError('denied', 'No rule allows it.'), 'http://no.test/', 'id-1', 'default')).toEqual({
      code: 'denied',
      status: 403,
      sentence: ERROR_KINDS.denied.sentence,
      detail: 'No rule allows it.',
      rule: 'default',
      squid: 'ERR_ACCESS_DENIED',
      url: 'http://no.test/',
      id: 'id-1',
    });
  });

  test('of an error without status is a 502', () => {
    expect(refusalOf(new ProxyError('client-tls'), '', '')).toMatchObject({ status: 502, rule: undefined });
  });

  test('shows nothing of what a fault of ours says of itself', () => {
    const { detail } = refusalOf(new ProxyError('internal', 'ENOENT: /etc/sallyport/ca-key.pem'), '', '');
    expect(detail).toBe('');
  });
});

test('a rule is named with its place, where that is known', () => {
  expect(shownRule({ rule: 'api', at: { file: '/etc/p.yaml', line: 7 } })).toBe('api (p.yaml:7)');
  expect(shownRule({ rule: 'api' })).toBe('api');
  expect(shownRule({ rule: undefined, at: { file: '/etc/p.yaml', line: 7 } })).toBeUndefined();
});

test('every status that an error has is called by its name', () => {
  const statuses = new Set(Object.values(ERROR_KINDS).map(({ status }) => status));
  for (const status of statuses) if (status !== 0) expect(statusPhrase(status)).not.toBe('');
});
