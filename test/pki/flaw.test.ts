import { expect, test } from 'vitest';
import { describeFlaw } from '../../src/pki/flaw.ts';

test.each([
  ['own-CA', '', /^Its certificate was issued by the CA of this proxy.*\. .*\(own-CA\)$|\(own-CA\)$/],
  ['malformed', 'validity has bytes left over.', /well-formed.* validity has bytes left over\. \(malformed\)$/],
  ['too-deep', '', /^Its chain is longer than 8 certificates\. \(too-deep\)$/],
] as const)('%s ends in the word for machines', (code, detail, expected) => {
  expect(describeFlaw(code, detail)).toMatch(expected);
});

test('of a client it does not speak of an origin', () => {
  expect(describeFlaw('expired', '', 'client')).toContain('the client has to renew it');
});
