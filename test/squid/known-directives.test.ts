import { expect, test } from 'vitest';
import { KNOWN_DIRECTIVES, TRANSLATED } from '../../src/squid/known-directives.ts';
import { remarkOn } from '../../src/squid/not-needed.ts';

test('a directive is translated or remarked upon, and not both', () => {
  expect([...TRANSLATED].filter((name) => remarkOn(name) !== undefined)).toEqual([]);
  expect(KNOWN_DIRECTIVES.has('http_access') && KNOWN_DIRECTIVES.has('cache_dir')).toBe(true);
  expect(KNOWN_DIRECTIVES.has('version')).toBe(false);
});
