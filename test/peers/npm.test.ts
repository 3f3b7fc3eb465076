// npm install through the proxy from a registry of the test's own, in the clear and bumped: names with an encoded slash,
// many tarballs at once, each checked by npm against its hash, and the audit that it posts behind them.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { openRig, until } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const [NPM, TAR] = ['npm', 'tar'].map(findTool);
const missing = NPM && TAR ? '' : ' (skipped: no npm or tar here)';

/** The first needs all the others. */
const NAMES = ['probe', '@scope/part', ...Array.from({ length: 10 }, (_, at) => `part-${at}`)];
const [ROOT = '', ...NEEDED] = NAMES;
const SIZE = 1 << 20;

const folder = mkdtempSync(join(tmpdir(), 'npm-'));
const ca = new TestCa();
const sums = new Map<string, string>();
const tarballs = new Map<string, Buffer>();
const origins: { http?: Origin; https?: Origin } = {};
/** What was asked, by method and path as it came; and what the audits said. */
let asked: string[] = [];
const audits: unknown[] = [];

const fileOf = (name: string): string => `/${name}/-/${name.split('/').at(-1)}-1.0.0.tgz`;

/** What npm asks for first: the versions of a package. */
function packumentOf(name: string, tarball: Buffer, base: string): string {
  const dist = {
    tarball: `${base}${fileOf(name)}`,
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  };
  const dependencies = name === ROOT ? Object.fromEntries(NEEDED.map((needed) => [needed, '1.0.0'])) : {};
  const version = { name, version: '1.0.0', dependencies, dist };
  return JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } });
}

const registry =
  (scheme: 'http' | 'https'): RequestListener =>
  async (request, response) => {
    const { method, url = '' } = request;
    asked.push(`${method} ${url}`);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    if (method === 'POST' && url.startsWith('/-/npm/v1/security/')) {
      audits.push(JSON.parse(gunzipSync(Buffer.concat(pieces)).toString()));
      response.end('{}');
      return;
    }
    const tarball = tarballs.get(url);
    if (tarball) return void response.end(tarball);
    const name = decodeURIComponent(url.slice(1));
    const known = tarballs.get(fileOf(name));
    const base = `${scheme}://registry.test:${origins[scheme]?.port}`;
    if (known) response.setHeader('Content-Type', 'application/json').end(packumentOf(name, known, base));
    else response.writeHead(404).end('{}');
  };

beforeAll(async () => {
  if (missing) return;
  for (const name of NAMES) {
    const tree = join(folder, 'build', name.replace('/', '-'));
    await mkdir(join(tree, 'package'), { recursive: true });
    await writeFile(join(tree, 'package', 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    const content = randomBytes(SIZE);
    sums.set(name, sha256(content));
    await writeFile(join(tree, 'package', 'data.bin'), content);
    const ran = await run(TAR ?? '', ['-czf', '-', '-C', tree, 'package']);
    expect([ran.code, ran.err]).toEqual([0, '']);
    tarballs.set(fileOf(name), ran.out);
  }
  origins.http = await httpOrigin(registry('http'));
  origins.https = await httpsOrigin(ca.leaf({ san: 'DNS:registry.test' }), registry('https'));
});
afterAll(async () => {
  await origins.http?.close();
  await origins.https?.close();
  await rm(folder, { recursive: true });
  await rm(ca.folder, { recursive: true });
});

describe.skipIf(missing !== '')(`npm${missing}`, () => {
  test.each([
    ['in the clear', 'http'],
    ['bumped', 'https'],
  ] as const)('%s installs a package and all it needs', { timeout: 60_000 }, async (_, scheme) => {
    const base = `${scheme}://registry.test:${origins[scheme]?.port}`;
    const rig = await openRig({
      trust: [ca.rootFile],
      hosts: { 'registry.test': '127.0.0.1' },
      policy: { rules: [{ name: 'registry', urls: [`${base}/**`], action: 'allow' }] },
    });
    const home = join(folder, scheme);
    await mkdir(home);
    await writeFile(join(home, 'package.json'), '{ "name": "of-the-test", "version": "1.0.0" }');
    const proxy = `http://127.0.0.1:${rig.port}`;
    const env = {
      ...{ HOME: home, npm_config_cache: join(home, 'cache'), npm_config_registry: base },
      ...{ npm_config_userconfig: join(home, 'none'), npm_config_globalconfig: join(home, 'none-either') },
      ...{ npm_config_update_notifier: 'false', npm_config_fund: 'false', npm_config_fetch_retries: '0' },
      ...{ npm_config_cafile: join(rig.folder, 'ca', 'ca.pem'), HTTPS_PROXY: proxy, HTTP_PROXY: proxy },
    };
    asked = [];
    audits.length = 0;
    try {
      const ran = await run(NPM ?? '', ['install', ROOT], { folder: home, env });
      expect([ran.err, ran.code]).toEqual(['', 0]);
      expect(String(ran.out)).toMatch(new RegExp(`added ${NAMES.length} packages.*\\s+found 0 vulnerabilities`));
      for (const name of NAMES) {
        const file = join(home, 'node_modules', name, 'data.bin');
        expect([name, sha256(await readFile(file))]).toEqual([name, sums.get(name)]);
      }
      expect(new Set(asked)).toEqual(
        new Set([
          // In the one spelling that we match and send (RFC 3986 section 6.2.2.1); npm says %2f.
          ...NAMES.flatMap((name) => [`GET /${name.replace('/', '%2F')}`, `GET ${fileOf(name)}`]),
          'POST /-/npm/v1/security/advisories/bulk',
        ]),
      );
      expect(audits).toEqual([Object.fromEntries(NAMES.map((name) => [name, ['1.0.0']]))]);

      await until(() => rig.proxy.connections === 0, 'the end of all connections');
      const requests = (await rig.entries(0)).filter(({ method }) => method !== 'CONNECT');
      const told = requests.map(({ method, url, outcome }) => `${method} ${String(url).slice(base.length)} ${outcome}`);
      expect(told.sort()).toEqual(asked.map((one) => `${one} forwarded`).sort());
    } finally {
      await rig.proxy.close(0);
    }
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
