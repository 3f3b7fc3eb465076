// Whose word is taken for whose connection it is.

import { describe, expect, test } from 'vitest';
import { TrustedSources } from '../../src/policy/trusted-sources.ts';

describe('trusted sources', () => {
  const trusted = new TrustedSources(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);

  test.each([
    ['10.1.2.3', true],
    ['11.0.0.1', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['2001:db8::1', true],
    ['2001:db9::1', false],
    ['::ffff:10.1.2.3', true],
    ['', false],
    ['lb.example.com', false],
  ])('of %s: %s', (address, isTrusted) => {
    expect(trusted.has(address)).toBe(isTrusted);
  });

  test('that are no addresses are refused', () => {
    expect(() => new TrustedSources(['10.0.0.0/8', 'lb.example.com'])).toThrow(
      /"lb\.example\.com" is not an IP address/,
    );
  });
});
