// HTTP/2 with programs that others have written: curl, Go, and nghttp and h2load through a plain TCP relay that asks the
// proxy for the tunnel, since they know of no proxy; nginx and node:http2 are the origins.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { h2Origin } from '../support/h2.ts';
import { buildGo, FILE } from '../support/https-clients.ts';
import { hasNginx, type Nginx, startNginx } from '../support/nginx.ts';
import type { Origin } from '../support/origin.ts';
import { connectThrough, openRig, type Rig, until } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const [CURL, NGHTTP, H2LOAD, GO] = ['curl', 'nghttp', 'h2load', 'go'].map(findTool);
const named = (name: string, tool: string, found: string | undefined): string =>
  found ? name : `${name} (skipped: no ${tool} here)`;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.skipIf(!hasNginx)(`HTTP/2 clients${hasNginx ? '' : ' (skipped: no nginx here)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'h2-clients-'));
  const ca = new TestCa();
  const content = randomBytes(50 << 20);
  const upload = join(folder, 'upload.bin');
  let nginx: Nginx;
  let echo: Origin;
  let rig: Rig;
  let relay: Server;
  let before = 0;

  beforeAll(async () => {
    const pair = ca.leaf({ san: 'DNS:files.test' });
    nginx = await startNginx(pair, { http2: true });
    await writeFile(join(nginx.root, FILE), content);
    await writeFile(join(nginx.root, 'small.txt'), 'small');
    await writeFile(upload, content);
    echo = await h2Origin(
      pair,
      (stream) => {
        stream.respond();
        stream.pipe(stream);
      },
      { allowHTTP1: true, onRequest: (request, response) => void request.pipe(response) },
    );
    rig = await openRig({
      trust: [ca.rootFile],
      hosts: { 'files.test': '127.0.0.1' },
      policy: { rules: [{ name: 'test', hosts: ['.test'], action: 'allow' }] },
    });
    relay = createServer((socket) => {
      socket.on('error', () => undefined).pause();
      void connectThrough(rig.port, `files.test:${nginx.port}`).then(({ socket: through }) => {
        through.on('error', () => undefined);
        socket.pipe(through).pipe(socket);
      });
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  }, 60_000);
  afterAll(async () => {
    relay.close();
    await rig.proxy.close(0);
    await nginx.stop();
    await echo.close();
    rmSync(folder, { recursive: true });
    rmSync(ca.folder, { recursive: true });
  });
  afterEach(async () => {
    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    before = (await rig.entries(0)).length;
  });

  const proxy = (): string => `http://127.0.0.1:${rig.port}`;
  const trust = (): string => join(rig.folder, 'ca', 'ca.pem');
  const curl = (...words: string[]) => run(CURL ?? '', ['-sS', '--cacert', trust(), '-x', proxy(), ...words]);

  describe.each(['--http2', '--http1.1'])('curl %s', (protocol) => {
    const version = protocol === '--http2' ? '2' : '1.1';

    test.skipIf(!CURL)(named('downloads 50 MB from nginx', 'curl', CURL), async () => {
      const url = `https://files.test:${nginx.port}/${FILE}`;
      const ran = await curl(protocol, '-w', '%{stderr}%{http_version}', url);
      expect(ran).toMatchObject({ code: 0, err: version });
      expect(hashOf(ran.out)).toBe(hashOf(content));
      const entry = (await rig.entries(before + 2))[before + 1];
      expect(entry).toMatchObject({ outcome: 'forwarded', http_version: version === '2' ? '2.0' : '1.1' });
    });

    test.skipIf(!CURL)(named('has 50 MB come back as they went', 'curl', CURL), async () => {
      const out = join(folder, `back${version}.bin`);
      const ran = await curl(protocol, '-T', upload, '-o', out, `https://files.test:${echo.port}/`);
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(hashOf(await readFile(out))).toBe(hashOf(content));
    });
  });

  test.skipIf(!NGHTTP)(named('nghttp has many files over one connection', 'nghttp', NGHTTP), async () => {
    const { port } = relay.address() as AddressInfo;
    const fields = ['-H', `:authority: files.test:${nginx.port}`, '--no-verify-peer'];
    // Each is asked for once, however often it is named.
    const urls = Array.from({ length: 20 }, (_, at) => `https://127.0.0.1:${port}/small.txt?${at}`);
    const ran = await run(NGHTTP ?? '', ['-nv', ...fields, ...urls]);
    expect(ran.code).toBe(0);
    // Its hello has no server name that is an address, and its certificate check is off: what counts is the frames.
    expect(ran.out.toString().match(/:status: 200/g)).toHaveLength(20);
    const entries = (await rig.entries(before + 21)).slice(before);
    expect(entries.filter(({ method }) => method === 'CONNECT')).toHaveLength(1);
    const asked = entries.filter(({ outcome, http_version }) => outcome === 'forwarded' && http_version === '2.0');
    expect(asked.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  });

  test.skipIf(!H2LOAD)(
    named('h2load has 2,000 replies over 4 connections of 100 streams each', 'h2load', H2LOAD),
    async () => {
      const { port } = relay.address() as AddressInfo;
      const url = `https://127.0.0.1:${port}/small.txt`;
      const words = ['-n', '2000', '-c', '4', '-m', '100', '-H', `:authority: files.test:${nginx.port}`];
      const ran = await run(H2LOAD ?? '', [...words, url]);
      expect(ran.out.toString()).toContain('2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored');
      const entries = (await rig.entries(before + 2004)).slice(before);
      expect(
        entries.filter(({ outcome, http_version }) => outcome === 'forwarded' && http_version === '2.0'),
      ).toHaveLength(2000);
    },
  );

  test.skipIf(!GO).each([
    ['with HTTP/2', '', '2.0'],
    ['without', 'http2client=0', '1.1'],
  ])(
    named('Go net/http downloads %s', 'go', GO),
    async (_, debug, version) => {
      const env = { HTTPS_PROXY: proxy(), SSL_CERT_FILE: trust(), GODEBUG: debug };
      const ran = await run(await buildGo(GO ?? ''), [`https://files.test:${nginx.port}/${FILE}`], { env });
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(hashOf(ran.out)).toBe(hashOf(content));
      expect((await rig.entries(before + 2))[before + 1]).toMatchObject({ http_version: version });
    },
    60_000,
  );
});
