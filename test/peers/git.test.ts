// git over smart HTTP through a bump: a pack of 100 MB pushed to git's own backend and cloned from it, by either protocol.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gitServer } from '../support/git-server.ts';
import type { Origin } from '../support/origin.ts';
import { type Entry, openRig, type Rig, until } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const GIT = findTool('git');
const SIZE = 100 << 20;
/** Milliseconds for one push or clone; each takes some seconds. */
const LIMIT = 90_000;

/** What is random takes no less place for being compressed; and a pack that is lost with the machine is no loss here. */
const CONFIG = `
[core]
  compression = 0
  bigFileThreshold = 1m
  fsync = none
[init]
  defaultBranch = main
[transfer]
  unpackLimit = 1
[gc]
  auto = 0
`;

describe.skipIf(!GIT)(`git over smart HTTP${GIT ? '' : ' (skipped: no git here)'}`, { timeout: 3 * LIMIT }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'git-'));
  const source = join(folder, 'source');
  const ca = new TestCa();
  const content = randomBytes(SIZE);
  const sum = sha256(content);
  const rigs: Rig[] = [];
  let origin: Origin;
  let head = '';

  const git = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    run(GIT ?? '', words, { folder, limit: LIMIT, env: { HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...env } });
  const done = async (...words: readonly string[]): Promise<Buffer> => {
    const ran = await git(words);
    expect([words, ran.code, ran.err]).toEqual([words, 0, '']);
    return ran.out;
  };

  beforeAll(async () => {
    await writeFile(join(folder, '.gitconfig'), `${CONFIG}[user]\n  name = T\n  email = t@test\n`);
    await mkdir(join(folder, 'root'));
    await done('init', '-q', source);
    await writeFile(join(source, 'big.bin'), content);
    await done('-C', source, 'add', 'big.bin');
    await done('-C', source, 'commit', '-q', '-m', 'all of it');
    head = String(await done('-C', source, 'rev-parse', 'HEAD'));
    origin = await gitServer(GIT ?? '', join(folder, 'root'), ca.leaf({ san: 'DNS:git.test' }));
  }, 60_000);
  afterAll(async () => {
    for (const rig of rigs) await rig.proxy.close(0);
    await origin.close();
    await rm(folder, { recursive: true });
    await rm(ca.folder, { recursive: true });
  });

  test.each([
    ['HTTP/2', true, '2.0'],
    ['HTTP/1.1', false, '1.1'],
  ])('pushes 100 MB and clones them again by %s', async (_name, http2, version) => {
    const rig = await openRig({
      trust: [ca.rootFile],
      hosts: { 'git.test': '127.0.0.1' },
      http2,
      policy: { rules: [{ name: 'git', urls: [`https://git.test:${origin.port}/*.git/**`], action: 'allow' }] },
    });
    rigs.push(rig);
    const bare = join(folder, 'root', `by-${version}.git`);
    await done('init', '-q', '--bare', bare);
    const url = `https://git.test:${origin.port}/by-${version}.git`;
    const env = {
      https_proxy: `http://127.0.0.1:${rig.port}`,
      GIT_SSL_CAINFO: join(rig.folder, 'ca', 'ca.pem'),
      GIT_TERMINAL_PROMPT: '0',
    };

    const pushed = await git(['-C', source, 'push', '-q', url, 'main'], env);
    expect(pushed).toMatchObject({ err: '', code: 0 });
    expect(String(await done('-C', bare, 'rev-parse', 'main'))).toBe(head);
    expect(sha256(await done('-C', bare, 'cat-file', 'blob', 'main:big.bin'))).toBe(sum);

    const clone = join(folder, `clone-${version}`);
    const cloned = await git(['clone', '-q', url, clone], env);
    expect(cloned).toMatchObject({ err: '', code: 0 });
    expect(String(await done('-C', clone, 'rev-parse', 'HEAD'))).toBe(head);
    expect(sha256(await readFile(join(clone, 'big.bin')))).toBe(sum);

    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    const entries = await rig.entries(0);
    const posts = entries.filter(({ method }) => method === 'POST');
    expect(new Set(posts.map((entry) => `${entry['outcome']} ${entry['http_version']}`))).toEqual(
      new Set([`forwarded ${version}`]),
    );
    const most = (end: string, of: (entry: Entry) => unknown): number =>
      Math.max(...posts.filter(({ url: asked }) => String(asked).endsWith(end)).map((entry) => Number(of(entry))));
    expect(most('/git-receive-pack', (entry) => entry['bytes_in'])).toBeGreaterThan(SIZE);
    expect(most('/git-upload-pack', (entry) => entry['bytes'])).toBeGreaterThan(SIZE);
    await rm(bare, { recursive: true });
    await rm(clone, { recursive: true });
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
