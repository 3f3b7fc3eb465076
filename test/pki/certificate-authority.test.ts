import { spawn } from 'node:child_process';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CaOptions, openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { bundle, issue, type KeyName, openssl, refusal, temporaryFolder } from './fixtures.ts';

const DAY = 24 * 3_600_000;
const root = temporaryFolder();
let counter = 0;

function folder(): string {
  counter += 1;
  const path = join(root, String(counter));
  mkdirSync(path, { mode: 0o700 });
  return path;
}

const paths = (where: string): { cert: string; key: string } => ({
  cert: join(where, 'ca.pem'),
  key: join(where, 'ca-key.pem'),
});

function secret(path: string, text: string): string {
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('at first start', () => {
  test('a CA is made, and the next start finds the same one', async () => {
    const files = paths(join(folder(), 'certs'));
    const first = await openCertificateAuthority(files);
    expect(first).toMatchObject({ created: true, warnings: [] });
    const second = await openCertificateAuthority(files);
    expect(second.created).toBe(false);
    expect(second.ca.fingerprint).toBe(first.ca.fingerprint);
    expect(first.ca.anchor.fingerprint256).toBe(first.ca.fingerprint);
    expect(first.ca.chain).toEqual([]);
    expect(first.ca.fingerprint.replaceAll(':', '').toLowerCase()).toBe(
      createHash('sha256').update(first.ca.certificate.raw).digest('hex'),
    );
  });

  test('the key is for this user alone, in a folder for this user alone (KEY-04)', async () => {
    const where = join(folder(), 'certs');
    const files = paths(where);
    await openCertificateAuthority(files);
    expect((statSync(where).mode & 0o777).toString(8)).toBe('700');
    expect((statSync(files.key).mode & 0o777).toString(8)).toBe('600');
  });

  test('the key is locked when there is a passphrase', async () => {
    const where = folder();
    const passphraseFile = secret(join(where, 'pass'), 'open sesame\n');
    const made = await openCertificateAuthority({ ...paths(where), passphraseFile });
    expect(readFileSync(paths(where).key, 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    const again = await openCertificateAuthority({ ...paths(where), passphraseFile });
    expect(again.ca.fingerprint).toBe(made.ca.fingerprint);
    expect((await refusal(openCertificateAuthority(paths(where)))).detail).toContain('ca.passphraseFile');
  });

  test('several processes that start at a time end up with one CA (KEY-04)', async () => {
    const files = paths(folder());
    const opened = await Promise.all(Array.from({ length: 8 }, () => openCertificateAuthority(files)));
    expect(new Set(opened.map(({ ca }) => ca.fingerprint)).size).toBe(1);
    expect(opened.filter(({ created }) => created)).toHaveLength(1);
  });

  test('a temporary file that a crash left does no harm', async () => {
    const files = paths(folder());
    secret(`${files.key}.0123456789ab.tmp`, 'half a k');
    expect((await openCertificateAuthority(files)).created).toBe(true);
  });

  test.each([
    ['key', 'cert', 'put it back, or delete the key to have a new CA made'],
    ['cert', 'key', 'put it back, or delete the certificate to have a new CA made'],
  ] as const)('a %s without its %s is refused and left alone', async (left, missing, mend) => {
    const files = paths(folder());
    const made = createCa();
    secret(files[left], left === 'key' ? made.key : made.certificate);
    const { code, detail } = await refusal(openCertificateAuthority(files));
    expect(code).toBe('ca-unusable');
    expect(detail).toContain(`${files[left]} is there but its`);
    expect(detail).toContain(`${files[missing]} is missing`);
    expect(detail).toContain(mend);
    expect(existsSync(files[missing])).toBe(false);
  });

  test('a key whose certificate comes a moment later was another process at work', async () => {
    const files = paths(folder());
    const made = createCa();
    secret(files.key, made.key);
    const opening = openCertificateAuthority(files);
    await new Promise((resolve) => setTimeout(resolve, 100));
    writeFileSync(files.cert, made.certificate);
    expect((await opening).created).toBe(false);
  });

  test('killed at any moment, it leaves each file whole or absent (KEY-04)', async () => {
    const module = new URL('../../src/pki/certificate-authority.ts', import.meta.url).href;
    const script = `const { openCertificateAuthority: open } = await import(${JSON.stringify(module)});
      for (let n = 0; ; n += 1) {
        const where = process.argv[1] + '/' + n;
        await open({ cert: where + '/ca.pem', key: where + '/ca-key.pem' });
        if (n === 0) console.log('ready');
      }`;
    let both = 0;
    for (let round = 0; round < 10; round += 1) {
      const where = folder();
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, where], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      child.kill('SIGKILL');
      await once(child, 'exit');
      for (const name of readdirSync(where)) {
        const files = paths(join(where, name));
        const present = { key: existsSync(files.key), cert: existsSync(files.cert) };
        if (present.key) {
          expect((statSync(files.key).mode & 0o777).toString(8)).toBe('600');
          createPrivateKey(readFileSync(files.key));
        }
        if (!present.cert) continue;
        const certificate = new X509Certificate(readFileSync(files.cert));
        expect(present.key, 'never a certificate without its key').toBe(true);
        expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(files.key)))).toBe(true);
        both += 1;
      }
    }
    expect(both).toBeGreaterThanOrEqual(10);
  }, 60_000);
});

describe('a CA of the administrator', () => {
  test.each<KeyName>(['P-256', 'P-384', 'P-521', 'RSA-2048'])('with a %s key is taken', async (key) => {
    const opened = await openCertificateAuthority(issue(folder(), 'ca', { key }));
    expect(opened).toMatchObject({ created: false, warnings: [] });
    expect(opened.ca.certificate.subject).toBe('O=Example\nCN=ca');
  });

  test('is taken with its key in the older forms, among other text', async () => {
    const where = folder();
    for (const key of ['P-256', 'RSA-2048'] as const) {
      const pair = issue(where, key, { key });
      const old = openssl('pkey', '-in', pair.key, '-traditional');
      const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
      secret(pair.key, `Bag Attributes\r\n${parameters}${old}`.replaceAll('\n', '\r\n'));
      expect((await openCertificateAuthority(pair)).created).toBe(false);
    }
  });

  test('is taken with intermediates, and ends when the first of them does', async () => {
    const where = folder();
    const top = issue(where, 'top');
    const middle = issue(where, 'middle', { issuer: top });
    const { ca } = await openCertificateAuthority({
      cert: bundle(join(where, 'both.pem'), middle.cert, top.cert),
      key: middle.key,
    });
    expect(ca.chain.map(({ subject }) => subject)).toEqual(['O=Example\nCN=middle']);
    expect(ca.anchor.subject).toBe('O=Example\nCN=top');
    expect(ca.notAfter.getTime()).toBe(Math.min(ca.anchor.validToDate.getTime(), ca.certificate.validToDate.getTime()));
  });

  test.each<[KeyName, RegExp]>([
    ['RSA-1024', /holds an RSA key of 1024 bits/],
    ['Ed25519', /holds a ed25519 key; use RSA or EC/],
    ['secp256k1', /holds a ec key; use RSA or EC on the curve P-256/],
  ])('with a %s key is refused', async (key, sentence) => {
    const pair = issue(folder(), 'ca', { key });
    const { detail } = await refusal(openCertificateAuthority(pair));
    expect(detail).toMatch(sentence);
    expect(detail).toContain(pair.key);
  });

  test('with the key of another is refused', async () => {
    const where = folder();
    const [one, other] = [issue(where, 'one'), issue(where, 'other')];
    const { detail } = await refusal(openCertificateAuthority({ cert: one.cert, key: other.key }));
    expect(detail).toBe(
      `${other.key} is not the key of the certificate in ${one.cert}; put the two that belong together.`,
    );
  });

  test('that expires soon is taken with a warning (KEY-06)', async () => {
    const files = paths(folder());
    const made = createCa({ now: new Date(Date.now() - (3649 - 1 - 10) * DAY) });
    secret(files.key, made.key);
    writeFileSync(files.cert, made.certificate);
    const { warnings } = await openCertificateAuthority(files);
    expect(warnings).toEqual([expect.stringMatching(/expires in (?:9|10) days.*replace it soon/)]);
  });

  test.each([
    ['text', 'no certificate here\n', 'holds no certificate'],
    ['a broken certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 'Certificate 1 in'],
    ['nothing', '', 'holds no certificate'],
  ])('whose certificate file holds %s is refused', async (_, text, sentence) => {
    const pair = issue(folder(), 'ca');
    writeFileSync(pair.cert, text);
    const { detail } = await refusal(openCertificateAuthority(pair));
    expect(detail).toContain(sentence);
    expect(detail).toContain(pair.cert);
  });
});

describe('the key file', () => {
  test.each([
    ['text', 'no key here\n', 'holds no private key'],
    ['nothing', '', 'holds no private key'],
    ['a broken key', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n', 'cannot be read'],
    ['a key cut off', '-----BEGIN PRIVATE KEY-----\nMIIB\n', 'holds no private key'],
  ])('that holds %s is refused', async (_, text, sentence) => {
    const pair = issue(folder(), 'ca');
    secret(pair.key, text);
    const { detail } = await refusal(openCertificateAuthority(pair));
    expect(detail).toContain(sentence);
    expect(detail).toContain(pair.key);
  });

  test('that holds the certificate, or two keys, is refused', async () => {
    const pair = issue(folder(), 'ca');
    const key = readFileSync(pair.key, 'utf8');
    secret(pair.key, readFileSync(pair.cert, 'utf8'));
    expect((await refusal(openCertificateAuthority(pair))).detail).toContain('holds no private key');
    secret(pair.key, key + key);
    expect((await refusal(openCertificateAuthority(pair))).detail).toContain('holds several private keys');
  });

  test('that others may read is refused, with the command that mends it', async () => {
    const pair = issue(folder(), 'ca');
    chmodSync(pair.key, 0o640);
    const error = await refusal(openCertificateAuthority(pair));
    expect(error.detail).toContain(`chmod 600 ${pair.key}`);
    expect(error.status).toBe(500);
  });

  test('that is a link is refused', async () => {
    const pair = issue(folder(), 'ca');
    const link = `${pair.key}.link`;
    symlinkSync(pair.key, link);
    expect((await refusal(openCertificateAuthority({ ...pair, key: link }))).detail).toContain('is a symbolic link');
  });
});

describe('an encrypted key', () => {
  const forms: readonly [form: string, args: readonly string[]][] = [
    ['PKCS#8', ['-aes-256-cbc']],
    ['the older form', ['-aes-256-cbc', '-traditional']],
  ];

  function locked(args: readonly string[]): CaOptions & { passphraseFile: string } {
    const where = folder();
    const pair = issue(where, 'ca');
    const key = join(where, 'locked.key');
    openssl('pkey', '-in', pair.key, ...args, '-passout', 'pass:open sesame', '-out', key);
    chmodSync(key, 0o600);
    return { cert: pair.cert, key, passphraseFile: secret(join(where, 'pass'), 'open sesame\n') };
  }

  test.each(forms)('in %s opens with its passphrase, with or without an end of line (KEY-02)', async (_, args) => {
    const options = locked(args);
    for (const text of ['open sesame', 'open sesame\n', 'open sesame\r\n']) {
      secret(options.passphraseFile, text);
      expect(await openCertificateAuthority(options)).toMatchObject({ created: false, warnings: [] });
    }
  });

  test.each(forms)('in %s is refused with a wrong one, which is not repeated (KEY-02)', async (_, args) => {
    const options = locked(args);
    secret(options.passphraseFile, 'open barley\n');
    const error = await refusal(openCertificateAuthority(options));
    expect(error.detail).toBe(
      `${options.key} does not open with the passphrase in ${options.passphraseFile}; correct it.`,
    );
    expect(JSON.stringify([error.message, String(error.cause)])).not.toContain('barley');
  });

  test.each(forms)('in %s is refused without one (KEY-02)', async (_, args) => {
    const { cert, key } = locked(args);
    expect((await refusal(openCertificateAuthority({ cert, key }))).detail).toBe(
      `${key} is encrypted; name the file of its passphrase as ca.passphraseFile.`,
    );
  });

  test.each([
    ['readable for others', (file: string) => chmodSync(file, 0o644), 'chmod 600'],
    ['empty', (file: string) => writeFileSync(file, '\n'), 'is empty'],
    ['absent', (file: string) => rmSync(file), 'ENOENT'],
  ])('is refused when the file of the passphrase is %s', async (_, spoil, sentence) => {
    const options = locked(['-aes-256-cbc']);
    spoil(options.passphraseFile);
    const { detail } = await refusal(openCertificateAuthority(options));
    expect(detail).toContain(sentence);
    expect(detail).toContain(options.passphraseFile);
  });

  test('that is not encrypted makes a passphrase idle, which is said', async () => {
    const where = folder();
    const pair = issue(where, 'ca');
    const passphraseFile = secret(join(where, 'pass'), 'open sesame\n');
    expect((await openCertificateAuthority({ ...pair, passphraseFile })).warnings).toEqual([
      `${pair.key} is not encrypted, so ca.passphraseFile is not used.`,
    ]);
  });
});
