import { expect, test } from 'vitest';
import { DEFAULT_REALM } from '../../src/auth/options.ts';

test('the realm can stand in a header field as it is', () => {
  expect(DEFAULT_REALM).toMatch(/^[A-Za-z]+$/);
});
