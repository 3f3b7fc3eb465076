// The Debian package: built twice it is the same, what is in it, and that what is in it runs.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configFolder, ROOT, startProgram } from '../support/program.ts';
import { findTool, run } from '../support/run.ts';

/** Milliseconds to compile and pack on a machine that runs other tests as well. */
const LIMIT = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'debian-'));
const root = join(folder, 'root');
let packed = '';

/** Resolves with the file. Not compressed: that is where the time goes, and it is dpkg's work, not ours. */
async function build(out: string): Promise<string> {
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1767225600', DPKG_DEB_OPTIONS: '-Znone' };
  const { stdout } = await promisify(execFile)('/bin/sh', [join(ROOT, 'config/debian/build.sh'), join(folder, out)], {
    env,
  });
  return /in '([^']+)'/.exec(stdout)?.[1] ?? '';
}

async function digest(file: string, kind = 'sha256'): Promise<string> {
  const hash = createHash(kind);
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const field = async (name: string): Promise<string> => {
  const { out } = await run('dpkg-deb', ['--field', packed, name]);
  return out.toString().trim();
};

describe.skipIf(!findTool('dpkg-deb'))('the Debian package', () => {
  beforeAll(async () => {
    packed = await build('first');
    expect((await run('dpkg-deb', ['--raw-extract', packed, root])).code).toBe(0);
  }, LIMIT);

  afterAll(() => promisify(execFile)('rm', ['-rf', folder]));

  test(
    'is the same to the last byte when it is built again',
    async () => {
      expect(await digest(await build('second'))).toBe(await digest(packed));
    },
    LIMIT,
  );

  test('has the version of the program, and asks for what Node.js is linked to', async () => {
    const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ version: await field('Version') });
    expect(await field('Depends')).toBe(
      'adduser, ca-certificates, libatomic1, libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 12)',
    );
    const wanted = (await run('ldd', [join(root, 'usr/lib/sallyport/bin/node')])).out.toString();
    const libraries = [...wanted.matchAll(/^\s+(lib\w[\w+]*)\.so/gm)].map((match) => match[1]);
    // The others are the C library's.
    const ofC = ['libc', 'libdl', 'libm', 'libpthread'];
    expect(libraries.filter((library) => !ofC.includes(library ?? '')).sort()).toEqual([
      'libatomic',
      'libgcc_s',
      'libstdc++',
    ]);
  });

  test('belongs to root, and nobody else may write into it', async () => {
    const { out } = await run('dpkg-deb', ['--contents', packed]);
    const rows = out.toString().trim().split('\n');
    expect(rows.length).toBeGreaterThan(300);
    expect(rows.filter((row) => !/^[d-]rw[x-]r-[x-]r-[x-] root\/root /.test(row))).toEqual([]);
  });

  test('knows the checksum of each of its files but those which are there to be changed', async () => {
    const sums = readFileSync(join(root, 'DEBIAN/md5sums'), 'utf8').trim().split('\n');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !/^(?:DEBIAN|etc)(?:\/|$)/.test(name) && statSync(join(root, name)).isFile(),
    );
    expect(sums.map((line) => line.slice(34)).sort()).toEqual(files.sort());
    const unit = sums.find((line) => line.endsWith('/sallyport.service')) ?? '';
    expect(unit.slice(0, 32)).toBe(await digest(join(root, unit.slice(34)), 'md5'));
    expect(readFileSync(join(root, 'DEBIAN/conffiles'), 'utf8')).toBe(
      '/etc/logrotate.d/sallyport\n/etc/sallyport/sallyport.yaml\n',
    );
  });

  test('brings what the program needs, with its licences, and neither commands, tests nor types', () => {
    const lib = join(root, 'usr/lib/sallyport');
    const manifest: unknown = JSON.parse(readFileSync(join(lib, 'package.json'), 'utf8'));
    const names = Object.keys(Object(Object(manifest).dependencies));
    expect(names.length).toBeGreaterThan(5);
    const licences = readFileSync(join(root, 'usr/share/doc/sallyport/copyright'), 'utf8');
    for (const name of names) {
      const place = join(lib, 'node_modules', name);
      expect(statSync(place).isDirectory()).toBe(true);
      const { bin = {} } = Object(JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')));
      const commands = (typeof bin === 'string' ? [bin] : Object.values(bin)).map(String);
      expect(commands.filter((file) => existsSync(join(place, file)))).toEqual([]);
      expect(licences).toMatch(new RegExp(`^${name.replace('.', '\\.')} \\d`, 'm'));
    }
    const all = readdirSync(lib, { recursive: true, encoding: 'utf8' });
    expect(all.filter((name) => /\.(?:ts|map)$|(?:^|\/)tests?$/.test(name))).toEqual([]);
    expect(all.filter((name) => name.startsWith('node_modules/vitest'))).toEqual([]);
  });

  test('has scripts that a shell can read', async () => {
    for (const script of ['postinst', 'prerm', 'postrm']) {
      const file = join(root, 'DEBIAN', script);
      expect(statSync(file).mode & 0o777).toBe(0o755);
      expect(await run('/bin/sh', ['-n', file])).toMatchObject({ code: 0, err: '' });
    }
  });

  test.skipIf(!findTool('curl'))(
    'has a program that serves: workers, the authority, a page through the tunnel',
    async () => {
      const { folder: place, config } = configFolder('workers: 2');
      const node = join(root, 'usr/lib/sallyport/bin/node');
      const main = join(root, 'usr/lib/sallyport/dist/main.js');
      const proxy = startProgram([main, 'run', '--config', config], {
        command: node,
        folder: place,
        // What is compiled of it would stay there, and is never run again.
        env: { NODE_COMPILE_CACHE: '' },
      });
      const [, port] = await proxy.err(/"port":(\d+).*"listening"/);
      const words = ['-sS', '--cacert', join(place, 'certs/ca.pem'), '-x', `http://127.0.0.1:${port}`];
      const { out, err } = await run('curl', [...words, 'https://sallyport.internal/']);
      expect({ err, reply: JSON.parse(out.toString()) }).toMatchObject({ err: '', reply: { trusted: true } });
      proxy.kill('SIGTERM');
      await expect(proxy.ended).resolves.toEqual({ code: 0, signal: null });
    },
  );

  test('names its own Node.js in its command, which opens no debugger', () => {
    const command = readFileSync(join(root, 'usr/bin/sallyport'), 'utf8');
    expect(command).toContain(
      'exec /usr/lib/sallyport/bin/node --disable-sigusr1 /usr/lib/sallyport/dist/main.js "$@"\n',
    );
  });
});
