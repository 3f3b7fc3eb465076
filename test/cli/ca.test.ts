// What clients must trust, to look at and to take along; openssl reads what comes out.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { caExport, caShow, FORMATS } from '../../src/cli/ca.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { type FakeTerminal, fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder, MAIN } from '../support/program.ts';
import { NODE, run } from '../support/run.ts';

const DAY = 24 * 3_600_000;
const FILES = 'ca: { cert: ca.pem, key: ca-key.pem }';

/** A config whose CA is there already; `age` in days. */
function withCa(age = 0): { folder: string; config: string; certificate: X509Certificate } {
  const made = createCa({ now: new Date(Date.now() - age * DAY) });
  const { folder, config } = configFolder(FILES);
  writeFileSync(join(folder, 'ca.pem'), made.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), made.key, { mode: 0o600 });
  return { folder, config, certificate: new X509Certificate(made.certificate) };
}

describe('ca show', () => {
  test('says what it is, until when, and its fingerprint', async () => {
    const { folder, config, certificate } = withCa();
    const terminal = fakeTerminal();
    expect(await caShow(terminal, { config })).toBe(0);
    expect(terminal.outText()).toContain(`file     ${join(folder, 'ca.pem')}\nsubject  O=Sallyport, CN=Sallyport CA `);
    expect(terminal.outText()).toMatch(/\nexpires {2}\d{4}-\d\d-\d\d, in 364\d days\nkey {6}EC prime256v1\n/);
    expect(terminal.outText()).toContain(`\nSHA-256  ${certificate.fingerprint256}\n`);
    expect(terminal.errText()).toBe('');
  });

  test('says the same as JSON', async () => {
    const { folder, config, certificate } = withCa();
    const terminal = fakeTerminal();
    await caShow(terminal, { config, json: true });
    expect(JSON.parse(terminal.outText())).toEqual({
      file: join(folder, 'ca.pem'),
      subject: certificate.subject.replace('\n', ', '),
      expires: certificate.validToDate.toISOString(),
      daysLeft: expect.closeTo(3648, -1),
      key: 'EC prime256v1',
      sha256: certificate.fingerprint256,
    });
  });

  test('makes the CA where there is none, and says so beside its answer', async () => {
    const { folder, config } = configFolder(FILES);
    const terminal = fakeTerminal();
    expect(await caShow(terminal, { config, json: true })).toBe(0);
    expect(terminal.errText()).toBe(
      `CA created: ${join(folder, 'ca.pem')} and its key ${join(folder, 'ca-key.pem')}\n`,
    );
    expect(JSON.parse(terminal.outText())).toMatchObject({ file: join(folder, 'ca.pem') });
  });

  test('warns of the end beside its answer', async () => {
    const { config } = withCa(3630);
    const terminal = fakeTerminal();
    expect(await caShow(terminal, { config })).toBe(0);
    expect(terminal.errText()).toMatch(/^warning: The CA in .* expires in 1\d days, .*\n$/);
  });

  test('an expired one cannot be used', async () => {
    const { config } = withCa(4000);
    await expect(caShow(fakeTerminal(), { config })).rejects.toMatchObject({
      code: 'ca-unusable',
      detail: expect.stringContaining('has expired on'),
    });
  });
});

/** The certificate in an export, as openssl sees it. */
function readBack(format: (typeof FORMATS)[number], bytes: Buffer): X509Certificate {
  if (format !== 'p12') return new X509Certificate(bytes);
  const words = ['pkcs12', '-nokeys', '-passin', 'pass:changeit'];
  return new X509Certificate(execFileSync('openssl', words, { input: bytes, stdio: ['pipe', 'pipe', 'pipe'] }));
}

describe('ca export', () => {
  test.each(FORMATS)('writes %s to a file, without the key', async (format) => {
    const { folder, config, certificate } = withCa();
    const out = join(folder, `out.${format}`);
    const terminal = fakeTerminal();
    expect(await caExport(terminal, { config, format, out })).toBe(0);
    expect(readBack(format, readFileSync(out)).fingerprint256).toBe(certificate.fingerprint256);
    expect(readFileSync(out, 'latin1')).not.toContain('PRIVATE KEY');
    expect(terminal.outText()).toBe(`${out} written${format === 'p12' ? ', password changeit' : ''}.\n`);
  });

  test.each(FORMATS)('writes %s byte for byte where no file is named', async (format) => {
    const { config, certificate } = withCa();
    const terminal = fakeTerminal();
    expect(await caExport(terminal, { config, format })).toBe(0);
    expect(readBack(format, terminal.bytes()).fingerprint256).toBe(certificate.fingerprint256);
  });

  test('a pipe gets the bytes and nothing else', async () => {
    const { config, certificate } = withCa();
    const { code, out, err } = await run(NODE, [MAIN, 'ca', 'export', '-f', 'der', '-c', config]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.equals(certificate.raw)).toBe(true);
  });

  test('puts nothing binary on a terminal', async () => {
    const { config } = withCa();
    const terminal: FakeTerminal = fakeTerminal({ watched: true });
    expect(await caExport(terminal, { config, format: 'der' })).toBe(2);
    expect(terminal.bytes().length).toBe(0);
    expect(terminal.errText()).toMatch(/^der is binary: name a file with --out/);
    expect(await caExport(terminal, { config, format: 'pem' })).toBe(0);
    expect(terminal.outText()).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });

  test.each(['ca.pem', 'ca-key.pem'])('does not overwrite %s', async (name) => {
    const { folder, config } = withCa();
    const before = readFileSync(join(folder, name), 'utf8');
    const terminal = fakeTerminal();
    expect(await caExport(terminal, { config, format: 'pem', out: join(folder, 'x', '..', name) })).toBe(1);
    expect(terminal.errText()).toContain('is the CA itself and is not overwritten');
    expect(readFileSync(join(folder, name), 'utf8')).toBe(before);
  });

  test('says when the file cannot be written', async () => {
    const { folder, config } = withCa();
    const out = join(folder, 'no', 'such', 'folder.pem');
    const terminal = fakeTerminal();
    expect(await caExport(terminal, { config, format: 'pem', out })).toBe(1);
    expect(terminal.errText()).toMatch(/folder\.pem cannot be written \(ENOENT: .*\)\.\n$/);
    expect(existsSync(out)).toBe(false);
  });
});
