// The files of a client certificate: read when they belong together and nobody else may read the key, else told which one
// is wrong and what to do.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readUpstreamIdentity } from '../../src/pki/upstream-identity.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const pair = ca.leaf({ cn: 'us' });

function files(content: { cert?: string; key?: string; passphrase?: string; mode?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  const [cert, key, passphraseFile] = ['cert.pem', 'key.pem', 'pass'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(cert, content.cert ?? pair.cert);
  writeFileSync(key, content.key ?? pair.key);
  chmodSync(key, content.mode ?? 0o600);
  if (content.passphrase !== undefined) writeFileSync(passphraseFile, content.passphrase, { mode: 0o600 });
  return { cert, key, ...(content.passphrase === undefined ? {} : { passphraseFile }) };
}

const encrypted = execFileSync('openssl', ['pkcs8', '-topk8', '-passout', 'pass:secret word'], {
  input: pair.key,
}).toString();

describe('a client certificate', () => {
  test('is read with its key', async () => {
    expect(await readUpstreamIdentity(files())).toEqual({ cert: pair.cert, key: pair.key });
  });

  test('is read with an encrypted key and its passphrase', async () => {
    const read = await readUpstreamIdentity(files({ key: encrypted, passphrase: 'secret word\n' }));
    expect(read).toEqual({ cert: pair.cert, key: encrypted, passphrase: 'secret word' });
  });

  test.each<[string, Parameters<typeof files>[0], RegExp]>([
    ['no certificate', { cert: 'nothing' }, /cert\.pem holds no certificate .*; name a file in PEM, the leaf first/],
    ['a key that is none', { key: 'nothing' }, /key\.pem cannot be read .*; name an RSA or EC key in PEM/],
    [
      'the key of another',
      { key: ca.leaf({ cn: 'them' }).key },
      /key\.pem is not the key of the first certificate in .*cert\.pem/,
    ],
    ['a key that others may read', { mode: 0o644 }, /key\.pem is open to group or others .* chmod 600/],
    ['an encrypted key without passphrase', { key: encrypted }, /passphraseFile/],
    ['another passphrase', { key: encrypted, passphrase: 'guess' }, /does not open with the passphrase in .*pass/],
    ['a certificate out of date', ca.leaf({ cn: 'old', notAfter: '20210101000000Z' }), /out of date since 2021-01-01/],
  ])('%s is refused with the mend', async (_name, content, says) => {
    await expect(readUpstreamIdentity(files(content))).rejects.toMatchObject({
      code: 'identity-unusable',
      detail: expect.stringMatching(says),
    });
  });

  test('that is not there is refused by its name', async () => {
    const there = files();
    await expect(readUpstreamIdentity({ ...there, cert: '/nowhere.pem' })).rejects.toMatchObject({
      code: 'identity-unusable',
      detail: expect.stringContaining('/nowhere.pem cannot be read'),
    });
  });
});
