import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { presentFiles, readCertificateFile, readSecretFile, writeCaFiles } from '../../src/pki/ca-files.ts';
import { refusal, temporaryFolder } from './fixtures.ts';

const root = temporaryFolder();
const isRoot = process.geteuid?.() === 0;
let counter = 0;

function folder(mode = 0o700): string {
  counter += 1;
  const path = join(root, String(counter));
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

function file(where: string, mode: number, text = 'secret'): string {
  const path = join(where, 'ca-key.pem');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe('a secret is read', () => {
  test.each([0o600, 0o400, 0o700])('with mode %o', async (bits) => {
    expect(await readSecretFile(file(folder(), bits))).toBe('secret');
  });

  test.each([0o700, 0o750, 0o755, 0o1777])('in our folder of mode %o', async (bits) => {
    expect(await readSecretFile(file(folder(bits), 0o600))).toBe('secret');
  });
});

describe('a secret that systemd has handed over', () => {
  // By a list on a file of root's: 0440 is what its mask looks like. Another file, or one of another group, is no such thing.
  test.skipIf(!isRoot).each<[string, boolean, number, string, number]>([
    ['with the mask of a list where the group would be', true, 0o440, 'ca-key.pem', 0],
    ['in a folder below', false, 0o440, 'below/ca-key.pem', 0],
    ['open to others', false, 0o444, 'ca-key.pem', 0],
    ['which a group may write', false, 0o460, 'ca-key.pem', 0],
    ['of a group with members', false, 0o440, 'ca-key.pem', 12_345],
  ])('%s: %s', async (_, isRead, bits, name, group) => {
    const where = folder(0o550);
    vi.stubEnv('CREDENTIALS_DIRECTORY', where);
    onTestFinished(() => void vi.unstubAllEnvs());
    const path = join(where, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, 'secret');
    chmodSync(path, bits);
    chownSync(path, 0, group);
    if (isRead) expect(await readSecretFile(path)).toBe('secret');
    else expect((await refusal(readSecretFile(path))).detail).toContain('is open to group or others');
  });
});

describe('a secret is refused', () => {
  test.each([0o644, 0o640, 0o604, 0o660, 0o602, 0o620, 0o610, 0o777])(
    'with mode %o, and the mend is named',
    async (bits) => {
      const path = file(folder(), bits);
      const error = await refusal(readSecretFile(path));
      expect(error.code).toBe('ca-unusable');
      expect(error.detail).toContain(path);
      expect(error.detail).toContain(`(mode 0${bits.toString(8)}); run: chmod 600 ${path}`);
      expect(error.detail).not.toContain('secret');
    },
  );

  test.each([0o770, 0o777, 0o702])('in a folder of mode %o', async (bits) => {
    const where = folder(bits);
    const error = await refusal(readSecretFile(file(where, 0o600)));
    expect(error.detail).toBe(
      `${where} is writable for group or others (mode 0${bits.toString(8)}); run: chmod go-w ${where}`,
    );
  });

  test('behind a symbolic link, also one to a good file', async () => {
    const where = folder();
    const link = join(where, 'link.pem');
    symlinkSync(file(where, 0o600), link);
    expect((await refusal(readSecretFile(link))).detail).toBe(`${link} is a symbolic link; name the file itself.`);
  });

  test.skipIf(!isRoot)('when the file belongs to somebody else', async () => {
    const path = file(folder(), 0o600);
    chownSync(path, 12_345, 12_345);
    expect((await refusal(readSecretFile(path))).detail).toBe(
      `${path} belongs to another user (uid 12345); chown it to the user of the proxy.`,
    );
  });

  test.skipIf(!isRoot).each([0o700, 0o1777])('when the folder, of mode %o, belongs to somebody else', async (bits) => {
    const where = folder(bits);
    const path = file(where, 0o600);
    chownSync(where, 12_345, 12_345);
    expect((await refusal(readSecretFile(path))).detail).toContain(`${where} belongs to another user (uid 12345)`);
  });

  test('when it is a folder', async () => {
    const where = folder();
    expect((await refusal(readSecretFile(folderIn(where)))).detail).toContain('is not a file');
  });

  test('when it is a pipe, without waiting for somebody to write into it', async () => {
    const pipe = join(folder(), 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    expect((await refusal(readSecretFile(pipe))).detail).toBe(`${pipe} is not a file; name the PEM file of the key.`);
  });

  test('when it is absent, or in a folder that is', async () => {
    const path = join(folder(), 'absent.pem');
    expect((await refusal(readSecretFile(path))).detail).toContain(`${path} cannot be read (ENOENT`);
    expect((await refusal(readSecretFile(join(path, 'x')))).detail).toContain(`${path} cannot be looked up (ENOENT`);
  });

  test('when it is larger than any key', async () => {
    const path = file(folder(), 0o600, 'x'.repeat(1024 * 1024 + 1));
    expect((await refusal(readSecretFile(path))).detail).toContain('larger than 1 MiB');
  });
});

const folderIn = (where: string): string => {
  const path = join(where, 'folder');
  mkdirSync(path, { mode: 0o700 });
  return path;
};

describe('a certificate', () => {
  test('may be readable for all, and a link', async () => {
    const where = folder();
    const link = join(where, 'link.pem');
    symlinkSync(file(where, 0o644, 'public'), link);
    expect(await readCertificateFile(link)).toBe('public');
  });

  test('that cannot be read is named', async () => {
    const path = join(folder(), 'absent.pem');
    const error = await refusal(readCertificateFile(path));
    expect(error.code).toBe('ca-unusable');
    expect(error.detail).toContain(`${path} cannot be read (ENOENT`);
  });

  test('that is larger than any chain is not read', async () => {
    const path = file(folder(), 0o644, 'x'.repeat(1024 * 1024 + 1));
    expect((await refusal(readCertificateFile(path))).detail).toContain('larger than 1 MiB');
  });
});

describe('new files', () => {
  const before = process.umask();
  afterEach(() => {
    process.umask(before);
  });
  const content = { cert: 'the certificate', key: 'the key' };
  const paths = (where: string) => ({ cert: join(where, 'ca.pem'), key: join(where, 'ca-key.pem') });

  test.each([0o000, 0o022, 0o077, 0o777])(
    'have the right modes under umask %o, and so has their folder',
    async (umask) => {
      const where = join(folder(), 'deeper', 'certs');
      const made = paths(where);
      process.umask(umask & ~0o700);
      expect(await writeCaFiles(made, content)).toBe(true);
      expect([where, made.key, made.cert].map(mode)).toEqual(['700', '600', '644']);
      expect(readFileSync(made.key, 'utf8')).toBe('the key');
      expect(readFileSync(made.cert, 'utf8')).toBe('the certificate');
      expect(readdirSync(where).sort()).toEqual(['ca-key.pem', 'ca.pem']);
    },
  );

  test('are one where both have one name, as secret as the key', async () => {
    const where = folder();
    const one = { cert: join(where, 'both.pem'), key: join(where, 'both.pem') };
    expect(await writeCaFiles(one, content)).toBe(true);
    expect([mode(one.key), readFileSync(one.key, 'utf8'), ...readdirSync(where)]).toEqual([
      '600',
      'the keythe certificate',
      'both.pem',
    ]);
    expect(await writeCaFiles(one, content)).toBe(false);
  });

  test('leave the mode of a folder that is there alone', async () => {
    const where = folder(0o755);
    await writeCaFiles(paths(where), content);
    expect(mode(where)).toBe('755');
  });

  test.each([0o775, 0o777])(
    'take the right to exchange them from others, in a folder of ours of mode %o',
    async (given) => {
      const where = folder(given);
      expect(await writeCaFiles(paths(where), content)).toBe(true);
      expect(mode(where)).toBe('755');
    },
  );

  test('leave a folder of ours that is sticky as it is: there nobody else can exchange them', async () => {
    const where = folder(0o777);
    chmodSync(where, 0o1777);
    expect(await writeCaFiles(paths(where), content)).toBe(true);
    expect(mode(where)).toBe('1777');
  });

  test.each(['ca.pem', 'ca-key.pem'])('never replace a %s, and leave nothing else behind', async (name) => {
    const where = folder();
    writeFileSync(join(where, name), 'theirs');
    expect(await writeCaFiles(paths(where), content)).toBe(false);
    expect(readdirSync(where)).toEqual([name]);
    expect(readFileSync(join(where, name), 'utf8')).toBe('theirs');
  });

  test('are those of one writer when many write at a time', async () => {
    const where = folder();
    const made = paths(where);
    const writers = Array.from({ length: 8 }, (_, index) => ({ cert: `cert ${index}`, key: `key ${index}` }));
    const outcomes = await Promise.all(writers.map((writer) => writeCaFiles(made, writer)));
    const winner = outcomes.indexOf(true);
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(readFileSync(made.key, 'utf8')).toBe(`key ${winner}`);
    expect(readFileSync(made.cert, 'utf8')).toBe(`cert ${winner}`);
    expect(readdirSync(where)).toHaveLength(2);
  });

  test('fail with a sentence where no file can be made', async () => {
    const blocked = join(file(folder(), 0o600), 'certs');
    const error = await refusal(writeCaFiles(paths(blocked), content));
    expect(error.code).toBe('ca-unusable');
    expect(error.detail).toContain(
      `${join(blocked, 'ca-key.pem')} and ${join(blocked, 'ca.pem')} cannot be made (ENOTDIR`,
    );
  });

  test('are seen where they are, also when one is only a link to nowhere', async () => {
    const where = folder();
    expect(await presentFiles(paths(where))).toEqual({ cert: false, key: false });
    symlinkSync('/nowhere', join(where, 'ca-key.pem'));
    expect(await presentFiles(paths(where))).toEqual({ cert: false, key: true });
  });
});
