import { constants } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readClientTrust } from '../../src/pki/client-trust.ts';
import { TestCa } from '../support/test-ca.ts';

test('the roots of all files are trusted, and no session may be resumed', () => {
  const [one, two] = [new TestCa('One'), new TestCa('Two')];
  const { roots, context } = readClientTrust([one.rootFile, two.rootFile], []);
  expect(roots.map(({ subject }) => subject)).toEqual(['CN=One', 'CN=Two']);
  expect(context.ca).toHaveLength(2);
  expect(context).not.toHaveProperty('crl');
  expect(Number(context.secureOptions) & constants.SSL_OP_NO_TICKET).toBe(constants.SSL_OP_NO_TICKET);
});

test('a file that holds no certificate, or no list, is named', () => {
  const ca = new TestCa();
  const empty = join(ca.folder, 'empty.pem');
  writeFileSync(empty, '');
  expect(() => readClientTrust([empty], [])).toThrow(`${empty} holds no certificate`);
  expect(() => readClientTrust([ca.rootFile], [empty])).toThrow(`${empty} holds no revocation list`);
});
