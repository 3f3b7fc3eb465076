// apt-get through the proxy, from a repository of packages made on the spot, in the clear and bumped: update, install, and
// what it says of a package that the policy does not let it have. All that apt and dpkg write is in a folder of their own.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { openRig, type Rig, until } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const [APT, DPKG, BUILD] = ['apt-get', 'dpkg', 'dpkg-deb'].map(findTool);
const missing = APT && DPKG && BUILD ? '' : ' (skipped: no apt-get, dpkg or dpkg-deb here)';

/** Each needs the one before; apt asks for them all without waiting for an answer. */
const PACKAGES = Array.from({ length: 8 }, (_, at) => `probe-${at}`);
const SIZE = 1 << 20;

const folder = mkdtempSync(join(tmpdir(), 'apt-'));
const ca = new TestCa();
const sums = new Map<string, string>();
const files = new Map<string, Buffer>();
const origins: { http?: Origin; https?: Origin } = {};
const MADE = new Date().toUTCString();

const serve: RequestListener = (request, response) => {
  const body = files.get(request.url ?? '');
  if (!body) return void response.writeHead(404).end();
  if (request.headers['if-modified-since'] === MADE) return void response.writeHead(304).end();
  response.writeHead(200, { 'Content-Length': body.length, 'Last-Modified': MADE });
  response.end(body);
};

/** One file of random bytes in it; its paragraph of the index. */
async function makePackage(name: string, needs: string | undefined): Promise<string> {
  const tree = join(folder, 'build', name);
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(join(tree, 'opt'));
  const content = randomBytes(SIZE);
  sums.set(name, sha256(content));
  await writeFile(join(tree, 'opt', `${name}.bin`), content);
  const depends = needs ? `Depends: ${needs}\n` : '';
  const control = `Package: ${name}\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@test>\n${depends}Description: probe\n`;
  await writeFile(join(tree, 'DEBIAN', 'control'), control);
  const deb = join(folder, 'build', `${name}.deb`);
  expect(await run(BUILD ?? '', ['-Znone', '--build', tree, deb])).toMatchObject({ code: 0, err: '' });
  const bytes = await readFile(deb);
  const path = `${name === 'secret' ? 'secret' : 'pool'}/${name}_1.0_all.deb`;
  files.set(`/debian/${path}`, bytes);
  return `${control}Filename: ./${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
}

beforeAll(async () => {
  if (missing) return;
  const paragraphs = [await makePackage('secret', undefined)];
  for (const [at, name] of PACKAGES.entries()) paragraphs.push(await makePackage(name, PACKAGES[at - 1]));
  const index = Buffer.from(paragraphs.join('\n'));
  files.set('/debian/Packages', index);
  const release = `Suite: test\nDate: ${MADE}\nSHA256:\n ${sha256(index)} ${index.length} Packages\n`;
  files.set('/debian/Release', Buffer.from(release));
  origins.http = await httpOrigin(serve);
  origins.https = await httpsOrigin(ca.leaf({ san: 'DNS:repo.test' }), serve);
});
afterAll(async () => {
  await origins.http?.close();
  await origins.https?.close();
  await rm(folder, { recursive: true });
  await rm(ca.folder, { recursive: true });
});

const FOLDERS = [
  ...['apt.conf.d', 'auth.conf.d', 'preferences.d', 'sources.list.d'].map((name) => `etc/apt/${name}`),
  ...['var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'var/lib/dpkg/info', 'var/lib/dpkg/updates'],
];

/** An apt that knows of nothing on this machine but its programs; the file is read before any other would be. */
async function makeRoot(root: string, base: string, rig: Rig): Promise<void> {
  for (const path of FOLDERS) await mkdir(join(root, path), { recursive: true });
  await writeFile(join(root, 'var/lib/dpkg/status'), '');
  await writeFile(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] ${base}/debian ./\n`);
  const proxy = `http://127.0.0.1:${rig.port}`;
  await writeFile(
    join(root, 'apt.conf'),
    `Dir "${root}"; Dir::State::status "${root}/var/lib/dpkg/status"; Dir::Log "${root}";
Dir::Bin::methods "/usr/lib/apt/methods"; Dir::Bin::dpkg "${DPKG}";
APT::Sandbox::User "root"; APT::Architecture "amd64"; APT::Architectures { "amd64"; };
Acquire::Languages "none"; Acquire::Retries "0";
Acquire::http::Proxy "${proxy}"; Acquire::https::Proxy "${proxy}";
Acquire::https::CAInfo "${join(rig.folder, 'ca', 'ca.pem')}";
DPkg::Use-Pty "0"; DPkg::Options { "--root=${root}"; "--force-not-root"; "--force-bad-path"; "--log=${root}/dpkg.log"; };
`,
  );
}

describe.skipIf(missing !== '')(`apt-get${missing}`, () => {
  test.each([
    ['in the clear', 'http'],
    ['bumped', 'https'],
  ] as const)(
    '%s updates and installs, and is told of what it may not have',
    { timeout: 60_000 },
    async (_, scheme) => {
      const base = `${scheme}://repo.test:${origins[scheme]?.port}`;
      const rig = await openRig({
        trust: [ca.rootFile],
        hosts: { 'repo.test': '127.0.0.1' },
        policy: {
          rules: [
            { name: 'secret', urls: [`${base}/debian/secret/**`], action: 'deny' },
            { name: 'debian', urls: [`${base}/debian/**`], action: 'allow' },
          ],
        },
      });
      const root = join(folder, scheme);
      await makeRoot(root, base, rig);
      const env = {
        APT_CONFIG: join(root, 'apt.conf'),
        DEBIAN_FRONTEND: 'noninteractive',
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      };
      const apt = (...words: string[]): Promise<Ran> => run(APT ?? '', words, { env });
      /** What the log got since it was asked last: status and path. */
      let seen = 0;
      const asked = async (): Promise<string[]> => {
        await until(() => rig.proxy.connections === 0, 'the end of all connections');
        const entries = (await rig.entries(0)).slice(seen);
        seen += entries.length;
        const requests = entries.filter(({ method }) => method !== 'CONNECT');
        return requests.map(({ status, url }) => `${status} ${String(url).slice(`${base}/debian/`.length)}`).sort();
      };

      try {
        const first = await apt('update');
        expect([first.err, first.code]).toEqual(['', 0]);
        expect(String(first.out)).toMatch(/Get:\d+ .* Packages/);
        expect(await asked()).toEqual(['200 Packages', '200 Release', '404 InRelease', '404 Release.gpg']);
        // It has it already, and is told so.
        const second = await apt('update');
        expect([second.err, second.code, String(second.out).includes('Hit:')]).toEqual(['', 0, true]);
        expect(await asked()).toEqual(['304 Release', '404 InRelease', '404 Release.gpg']);

        const installed = await apt('install', '-y', '-q', 'probe-7');
        expect([installed.err, installed.code]).toEqual(['', 0]);
        for (const name of PACKAGES) {
          expect([name, sha256(await readFile(join(root, 'opt', `${name}.bin`)))]).toEqual([name, sums.get(name)]);
        }
        expect(await asked()).toEqual(PACKAGES.map((name) => `200 pool/${name}_1.0_all.deb`));

        const refused = await apt('install', '-y', '-q', 'secret');
        expect(refused.code).toBe(100);
        expect(refused.err).toMatch(/secret_1\.0_all\.deb\s+403 /);
        expect(await asked()).toEqual(['403 secret/secret_1.0_all.deb']);
      } finally {
        await rig.proxy.close(0);
      }
    },
  );
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
