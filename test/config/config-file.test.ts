import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_CONFIG_BYTES, readConfigFile } from '../../src/config/config-file.ts';
import { ProxyError } from '../../src/core/errors.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

/** What the refusal says after the name of the file. */
async function sentence(file: string): Promise<string> {
  const thrown: unknown = await readConfigFile(file).catch((error: unknown) => error);
  if (!(thrown instanceof ProxyError)) throw new Error(`not refused: ${String(thrown)}`);
  expect(thrown.code).toBe('config-invalid');
  expect(thrown.detail.startsWith(`${file}: `)).toBe(true);
  return thrown.detail.slice(file.length + 2);
}

describe('the text', () => {
  test('is what the file holds', async () => {
    expect(await readConfigFile(put('plain.yaml', 'version: 1 # é\n'))).toBe('version: 1 # é\n');
  });

  test('comes without its byte order mark', async () => {
    expect(await readConfigFile(put('bom.yaml', '\ufeffversion: 1'))).toBe('version: 1');
  });

  test('may be as long as the limit', async () => {
    expect(await readConfigFile(put('long.yaml', '#'.repeat(MAX_CONFIG_BYTES)))).toHaveLength(MAX_CONFIG_BYTES);
  });

  test('may come through a symbolic link, as mounted configs do', async () => {
    symlinkSync(put('target.yaml', 'version: 1'), join(folder, 'link.yaml'));
    expect(await readConfigFile(join(folder, 'link.yaml'))).toBe('version: 1');
  });
});

describe('one sentence says why there is none', () => {
  test('when the file is not there', async () => {
    expect(await sentence(join(folder, 'absent.yaml'))).toBe('there is no such file');
  });

  test('when the path leads through a file', async () => {
    const file = join(put('plain-file', 'x'), 'a.yaml');
    expect(await sentence(file)).toBe('there is no such file, since a part of its path is not a directory');
  });

  test('when it is a directory', async () => {
    mkdirSync(join(folder, 'sub'));
    expect(await sentence(join(folder, 'sub'))).toBe('this is a directory; name the file in it');
  });

  test.each([
    ['nothing', ''],
    ['blanks', ' \n\t\r\n'],
    ['a byte order mark', '\ufeff'],
  ])('when it holds %s', async (_, content) => {
    expect(await sentence(put('empty.yaml', content))).toBe('the file is empty; the least it can hold is "version: 1"');
  });

  test('when it is one byte too long', async () => {
    expect(await sentence(put('large.yaml', '#'.repeat(MAX_CONFIG_BYTES + 1)))).toBe('the file is larger than 4 MiB');
  });

  test('when it never ends', async () => {
    expect(await sentence('/dev/zero')).toBe('the file is larger than 4 MiB');
  });

  test.each([
    ['Latin-1', Buffer.from('# caf\xe9', 'latin1')],
    ['UTF-16', Buffer.from('\ufeffversion: 1', 'utf16le')],
    ['a key in DER', Buffer.from('30820122300d06092a864886f70d', 'hex')],
    ['a surrogate in UTF-8', Buffer.from('eda080', 'hex')],
  ])('when it is %s', async (_, bytes) => {
    expect(await sentence(put('bytes.yaml', bytes))).toBe('the file is not UTF-8 text');
  });

  test('when its links lead in a circle', async () => {
    symlinkSync(join(folder, 'b.yaml'), join(folder, 'a.yaml'));
    symlinkSync(join(folder, 'a.yaml'), join(folder, 'b.yaml'));
    expect(await sentence(join(folder, 'a.yaml'))).toBe('its symbolic links lead in a circle');
  });

  test('when the name is none that a file can have', async () => {
    expect(await sentence(`${folder}/\0.yaml`)).toMatch(/^the file cannot be read \(/);
    expect(await sentence(join(folder, 'n'.repeat(300)))).toMatch(/^the file cannot be read \(ENAMETOOLONG/);
  });

  test('when this user may not read it', async () => {
    const file = put('secret.yaml', 'version: 1');
    chmodSync(file, 0);
    // The superuser reads everything, so there the question is put by a process that is nobody.
    const isSuperuser = process.getuid?.() === 0;
    expect(isSuperuser ? readAsNobody(file) : await sentence(file)).toBe('this user may not read the file');
  });
});

function readAsNobody(file: string): string {
  chmodSync(folder, 0o755);
  const module = join(import.meta.dirname, '../../src/config/config-file.ts');
  const script = `
    const { readConfigFile } = await import(${JSON.stringify(module)});
    process.setuid(65534);
    await readConfigFile(${JSON.stringify(file)}).catch((error) => process.stdout.write(error.detail));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return output.slice(file.length + 2);
}
