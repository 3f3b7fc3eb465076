// Real clients through a bumping proxy to a real nginx: with our CA each gets the right bytes; without it each fails
// closed, and the log tells that apart from success.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildGo, FILE, HTTPS_CLIENTS, REPOSITORY } from '../support/https-clients.ts';
import { hasNginx, type Nginx, startNginx } from '../support/nginx.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { type Entry, openRig, type Rig, until } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const GO = findTool('go');
const GIT = findTool('git');
const CURL = findTool('curl');
/** What a test without its tool is called. */
const named = (name: string, tool: string, found: string | undefined): string =>
  found ? name : `${name} (skipped: no ${tool} here)`;

const content = randomBytes(1 << 20);
const bigContent = randomBytes(6 << 20);

describe.skipIf(!hasNginx)(`real clients of a real origin${hasNginx ? '' : ' (skipped: no nginx here)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'clients-'));
  let ca: TestCa;
  let nginx: Nginx;
  let rig: Rig;
  let proxy: string;
  let origin: string;
  let trust: string;
  /** Lines in the log when the test began. */
  let before = 0;

  beforeAll(async () => {
    ca = new TestCa();
    nginx = await startNginx(ca.leaf({ san: 'DNS:files.test,IP:127.0.0.1' }));
    await writeFile(join(nginx.root, FILE), content);
    if (GIT) await makeRepository(GIT, folder, join(nginx.root, REPOSITORY));
    if (GO) await buildGo(GO);
    rig = await openRig({
      trust: [ca.rootFile],
      hosts: { 'files.test': '127.0.0.1', 'sink.test': '127.0.0.1' },
      policy: { rules: [{ name: 'test', hosts: ['.test', '127.0.0.1'], action: 'allow' }] },
    });
    proxy = `http://127.0.0.1:${rig.port}`;
    origin = `https://files.test:${nginx.port}`;
    trust = join(rig.folder, 'ca', 'ca.pem');
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await nginx.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    before = (await rig.entries(0)).length;
  });

  /** What the log got since the test began, once it is `count` lines and no connection is left. */
  async function logged(count: number): Promise<{ entries: Entry[]; lines: string[] }> {
    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    const entries = (await rig.entries(before + count)).slice(before);
    return { entries, lines: (await rig.lines(before + count)).slice(before) };
  }
  const requestsAtOrigin = async (): Promise<number> => (await nginx.requests()).length;

  describe.each(HTTPS_CLIENTS)('$name', ({ name, tool, program = '', rejection, says, fetch }) => {
    const workIn = async (): Promise<string> => {
      const path = join(folder, `${name}-${before}`.replace(/[^\w-]+/g, '-'));
      await mkdir(path);
      return path;
    };

    test.skipIf(!program)(named('gets the right bytes with our CA', tool, program), async () => {
      const ran = await fetch(program, { proxy, origin, trust, folder: await workIn() });
      expect(ran.err).not.toMatch(says);
      expect(ran.code).toBe(0);
      expect(sha256(ran.out)).toBe(sha256(content));
      const { entries, lines } = await logged(2);
      expect(new Set(entries.map(({ method, outcome }) => `${method} ${outcome}`))).toEqual(
        new Set(['CONNECT bumped', 'GET forwarded']),
      );
      expect(lines[0]).toBe(`NONE_NONE/200 0 CONNECT files.test:${nginx.port} - HIER_DIRECT/127.0.0.1 -`);
      const version = /tls(1\.\d)/.exec(name)?.[1];
      if (version) expect(entries[0]).toMatchObject({ client_tls: { version: `TLSv${version}` } });
    });

    test.skipIf(!program)(named('fails closed without our CA, and the log tells', tool, program), async () => {
      const requests = await requestsAtOrigin();
      // It trusts the root of the origin: what it refuses is nothing but our certificate.
      const ran = await fetch(program, { proxy, origin, trust: ca.rootFile, folder: await workIn() });
      expect(ran.err).toMatch(says);
      expect(ran.code).not.toBe(0);
      expect(ran.out.length).toBe(0);
      const { entries, lines } = await logged(1);
      expect(lines).toEqual([`NONE_NONE_ABORTED/200 0 CONNECT files.test:${nginx.port} - HIER_DIRECT/127.0.0.1 -`]);
      expect(entries[0]).toMatchObject({
        outcome: 'client_rejected_certificate',
        error: 'client-rejected-certificate',
        ...(rejection === 'without a word' ? {} : rejection),
      });
      if (rejection === 'without a word') expect(['likely', 'suspected']).toContain(entries[0]?.['confidence']);
      expect(await requestsAtOrigin()).toBe(requests);
    });
  });

  test.skipIf(!GIT)(named('git clones some MB unharmed', 'git', GIT), async () => {
    const home = join(folder, 'big');
    await mkdir(home);
    const env = { HOME: home, GIT_CONFIG_NOSYSTEM: '1', https_proxy: proxy, GIT_SSL_CAINFO: trust };
    const options = { folder: home, env };
    const cloned = await run(GIT ?? '', ['clone', '-q', `${origin}/${REPOSITORY}`, 'clone'], options);
    expect(cloned).toMatchObject({ code: 0, err: '' });
    expect(sha256(await readFile(join(home, 'clone', 'big.bin')))).toBe(sha256(bigContent));
    expect(await run(GIT ?? '', ['-C', 'clone', 'fsck', '--full'], options)).toMatchObject({ code: 0 });
    const { entries } = await logged(2);
    expect(Math.max(...entries.map(({ bytes }) => Number(bytes)))).toBeGreaterThan(bigContent.length);
  });

  describe('curl', () => {
    const curl = (...words: string[]): Promise<Ran> => run(CURL ?? '', ['-sS', '--max-time', '20', ...words]);
    const withCurl = (name: string, act: () => Promise<void>): void =>
      test.skipIf(!CURL)(named(name, 'curl', CURL), act);
    let sink: Origin;

    beforeAll(async () => {
      sink = await httpsOrigin(ca.leaf({ san: 'DNS:sink.test' }), (request, response) => {
        const hash = createHash('sha256');
        request.on('data', (chunk: Buffer) => hash.update(chunk));
        request.on('end', () => response.end(hash.digest('hex')));
      });
    });
    afterAll(() => sink.close());

    withCurl('reaches the proxy itself by TLS on the same port', async () => {
      for (const host of ['127.0.0.1', 'localhost']) {
        const own = `https://${host}:${rig.port}`;
        const ran = await curl('--proxy-cacert', trust, '--cacert', trust, '-x', own, `${origin}/${FILE}`);
        expect(ran).toMatchObject({ code: 0, err: '' });
        expect(sha256(ran.out)).toBe(sha256(content));
      }
      const { entries } = await logged(4);
      expect(entries.map(({ outcome }) => outcome)).toEqual(['bumped', 'forwarded', 'bumped', 'forwarded']);
    });

    withCurl('that does not trust the certificate of the proxy itself sends it nothing', async () => {
      const own = `https://127.0.0.1:${rig.port}`;
      const ran = await curl('--proxy-cacert', ca.rootFile, '--cacert', trust, '-x', own, `${origin}/${FILE}`);
      expect(ran.err).toContain('SSL certificate problem');
      expect(ran.code).toBe(60);
      const { entries, lines } = await logged(1);
      expect(lines).toEqual(['NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -']);
      expect(entries[0]).toMatchObject({
        outcome: 'client_rejected_certificate',
        alert: 'unknown_ca',
        confidence: 'certain',
      });
    });

    withCurl('with a pinned key of the origin is told apart from success', async () => {
      const requests = await requestsAtOrigin();
      const pin = `sha256//${createHash('sha256').update('another key').digest('base64')}`;
      const ran = await curl('--pinnedpubkey', pin, '--cacert', trust, '-x', proxy, `${origin}/${FILE}`);
      expect(ran.err).toContain('does not match pinned public key');
      expect(ran.code).toBe(90);
      const { entries, lines } = await logged(1);
      expect(lines).toEqual([`NONE_NONE_ABORTED/200 0 CONNECT files.test:${nginx.port} - HIER_DIRECT/127.0.0.1 -`]);
      expect(entries[0]).toMatchObject({ outcome: 'client_rejected_certificate' });
      expect(await requestsAtOrigin()).toBe(requests);
    });

    withCurl('reaches an origin by its address', async () => {
      const ran = await curl('--cacert', trust, '-x', proxy, `https://127.0.0.1:${nginx.port}/${FILE}`);
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(sha256(ran.out)).toBe(sha256(content));
      const { lines } = await logged(2);
      expect(lines[0]).toBe(`NONE_NONE/200 0 CONNECT 127.0.0.1:${nginx.port} - HIER_DIRECT/127.0.0.1 -`);
    });

    withCurl('speaks HTTP/1.0, to the proxy and within', async () => {
      for (const words of [['--http1.0'], ['--proxy1.0', new URL(proxy).host, '--http1.0']]) {
        const ran = await curl('--cacert', trust, '-x', proxy, ...words, '-i', `${origin}/${FILE}`);
        expect(ran).toMatchObject({ code: 0, err: '' });
        const end = ran.out.indexOf('\r\n\r\nHTTP/1.1 200 OK\r\n');
        expect(end).toBeGreaterThan(0);
        expect(sha256(ran.out.subarray(-content.length))).toBe(sha256(content));
      }
      await logged(4);
    });

    withCurl('uploads a file to nginx', async () => {
      const file = join(folder, 'upload.bin');
      await writeFile(file, bigContent);
      const url = nginx.takesUploads ? `${origin}/upload/there.bin` : `https://sink.test:${sink.port}/`;
      const ran = await curl('--cacert', trust, '-x', proxy, '-T', file, '-w', '%{http_code}', url);
      expect(ran).toMatchObject({ code: 0, err: '' });
      const there = nginx.takesUploads ? sha256(await readFile(join(nginx.root, 'upload', 'there.bin'))) : '';
      expect(`${ran.out}${there}`).toBe(`${nginx.takesUploads ? 201 : ''}${sha256(bigContent)}${there ? '' : 200}`);
      const { entries } = await logged(2);
      expect(entries[1]).toMatchObject({ method: 'PUT', outcome: 'forwarded', bytes_in: bigContent.length });
    });

    withCurl('is told to continue before it sends a large POST', async () => {
      const file = join(folder, 'post.bin');
      await writeFile(file, bigContent);
      const url = `https://sink.test:${sink.port}/`;
      // Longer than the whole run may take: without a 100 it fails.
      const wait = ['--expect100-timeout', '60', '-H', 'Expect: 100-continue'];
      const ran = await curl('--cacert', trust, '-x', proxy, '-v', ...wait, '--data-binary', `@${file}`, url);
      expect(ran.err).toContain('< HTTP/1.1 100 Continue');
      expect(ran).toMatchObject({ code: 0 });
      expect(String(ran.out)).toBe(sha256(bigContent));
      const { entries } = await logged(2);
      expect(entries[1]).toMatchObject({ method: 'POST', outcome: 'forwarded', bytes_in: bigContent.length });
    });
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A bare repository of two commits, packed, as a plain web server can serve it. */
async function makeRepository(git: string, folder: string, bare: string): Promise<void> {
  const tree = join(folder, 'tree');
  const env = {
    ...{ HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    ...{ GIT_AUTHOR_NAME: 'T', GIT_AUTHOR_EMAIL: 't@test', GIT_COMMITTER_NAME: 'T', GIT_COMMITTER_EMAIL: 't@test' },
  };
  const act = async (...words: string[]): Promise<void> => {
    const { code, err } = await run(git, words, { folder, env });
    if (code !== 0) throw new Error(`git ${words.join(' ')}: ${err}`);
  };
  await act('init', '-q', tree);
  for (const [name, bytes] of [
    [FILE, content],
    ['big.bin', bigContent],
  ] as const) {
    await writeFile(join(tree, name), bytes);
    await act('-C', tree, 'add', name);
    await act('-C', tree, 'commit', '-q', '-m', name);
  }
  await act('clone', '-q', '--bare', tree, bare);
  await act('-C', bare, 'gc', '-q');
  await act('-C', bare, 'update-server-info');
}
