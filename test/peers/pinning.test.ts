// Real clients that reject our certificate: each by its own sign, each with a suggestion, and each, where exceptions are
// made, served unread from its fourth try on. They trust the root of the origin, and nothing of ours.

import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRelay } from '../support/connect-relay.ts';
import { FILE, HTTPS_CLIENTS, REPOSITORY } from '../support/https-clients.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { type Entry, type Rig, startRig, until, WORKERS } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const content = randomBytes(100_000);
const ca = new TestCa();
const pair = ca.leaf({ san: 'DNS:files.test' });
const folder = mkdtempSync(join(tmpdir(), 'pinning-'));
let origin: Origin;

beforeAll(async () => {
  const GIT = findTool('git');
  if (GIT) await makeRepository(GIT);
  origin = await httpsOrigin(pair, (request, response) => {
    const path = new URL(request.url ?? '/', 'https://files.test').pathname;
    if (path === `/${FILE}`) return response.end(content);
    return readFile(join(folder, path)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
});
afterAll(() => origin.close());

async function makeRepository(git: string): Promise<void> {
  const work = join(folder, 'work');
  await mkdir(work);
  await writeFile(join(work, FILE), content);
  const env = { HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@t.test'];
  for (const words of [
    ['init', '-q'],
    ['add', '.'],
    [...identity, 'commit', '-q', '-m', 'one'],
    ['clone', '-q', '--bare', '.', join(folder, REPOSITORY)],
  ]) {
    expect(await run(git, words, { folder: work, env })).toMatchObject({ code: 0 });
  }
  expect(await run(git, ['update-server-info'], { folder: join(folder, REPOSITORY), env })).toMatchObject({ code: 0 });
}

interface Pinning {
  readonly name: string;
  readonly tool: string;
  readonly program: string | undefined;
  /** What the log has of it. */
  readonly alert: string | RegExp;
  readonly confidence: 'certain' | 'without a word';
  fetch(program: string, rig: Rig): Promise<Ran>;
}

const authority = (): string => `files.test:${origin.port}`;
const proxyOf = (rig: Rig): string => `http://127.0.0.1:${rig.port}`;
let tries = 0;

const untrusting: readonly Pinning[] = HTTPS_CLIENTS.map(({ rejection, fetch, ...client }) => ({
  ...client,
  ...(rejection === 'without a word' ? { alert: /^(none|closed|reset)$/, confidence: rejection } : rejection),
  fetch: async (program, rig) => {
    tries += 1;
    const place = join(folder, `try-${tries}`);
    await mkdir(place);
    return fetch(program, { proxy: proxyOf(rig), origin: `https://${authority()}`, trust: ca.rootFile, folder: place });
  },
}));

const PIN = `sha256//${createHash('sha256')
  .update(new X509Certificate(pair.cert).publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64')}`;

/** It trusts our authority and the origin's, and wants the one key. */
const pinning: readonly Pinning[] = (['1.2', '1.3'] as const).map((version) => ({
  name: `curl --pinnedpubkey, tls${version}`,
  tool: 'curl',
  program: findTool('curl'),
  alert: 'none',
  confidence: 'without a word',
  fetch: async (program, rig) => {
    const trust = join(folder, 'both.pem');
    await writeFile(trust, ca.root + rig.ca);
    const words = ['-sS', '--tls-max', version, '--cacert', trust, '--pinnedpubkey', PIN, '-x', proxyOf(rig)];
    return run(program, [...words, `https://${authority()}/${FILE}`]);
  },
}));

const gnutls: readonly Pinning[] = (['1.2', '1.3'] as const).map((version) => ({
  name: `gnutls-cli, tls${version}`,
  tool: 'gnutls-cli',
  program: findTool('gnutls-cli'),
  alert: /^(none|bad_certificate|unknown_ca|certificate_unknown)$/,
  confidence: 'without a word',
  fetch: async (program, rig) => {
    const port = await connectRelay(rig.port, authority());
    const ran = await run(
      program,
      [
        ...[
          '--logfile',
          join(folder, 'gnutls.log'),
          '--x509cafile',
          ca.rootFile,
          '--priority',
          `NORMAL:-VERS-ALL:+VERS-TLS${version}`,
        ],
        ...['--sni-hostname', 'files.test', '--verify-hostname', 'files.test', '-p', String(port), '127.0.0.1'],
      ],
      { input: `GET /${FILE} HTTP/1.1\r\nHost: ${authority()}\r\nConnection: close\r\n\r\n` },
    );
    return { ...ran, out: ran.out.subarray(ran.out.indexOf('\r\n\r\n') + 4) };
  },
}));

const JAVA = `
import java.io.*; import java.net.*; import java.security.*; import java.security.cert.*; import javax.net.ssl.*;
public class Get {
  public static void main(String[] words) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = new FileInputStream(words[1])) {
      store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    Proxy proxy = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", Integer.parseInt(words[2])));
    HttpsURLConnection connection = (HttpsURLConnection) new URL(words[0]).openConnection(proxy);
    connection.setSSLSocketFactory(context.getSocketFactory());
    try (InputStream in = connection.getInputStream()) { in.transferTo(System.out); }
    System.out.flush();
  }
}
`;

const java: Pinning = {
  name: 'Java HttpsURLConnection',
  tool: 'java',
  program: findTool('java'),
  alert: 'certificate_unknown',
  confidence: 'certain',
  fetch: async (program, rig) => {
    await writeFile(join(folder, 'Get.java'), JAVA);
    return run(program, [join(folder, 'Get.java'), `https://${authority()}/${FILE}`, ca.rootFile, String(rig.port)]);
  },
};

const named = ({ name, tool, program }: Pinning): string => (program ? name : `${name} (skipped: no ${tool} here)`);

describe.each([...untrusting, ...pinning, ...gnutls, java].map((client) => [named(client), client] as const))(
  '%s',
  (_name, { program = '', alert, confidence, fetch }) => {
    test.skipIf(!program)(
      'is told from success three times, and passes unread the fourth',
      async () => {
        const rig = await startRig({
          trust: [ca.rootFile],
          hosts: { 'files.test': '127.0.0.1' },
          policy: { rules: [{ name: 'all', hosts: ['files.test'], action: 'allow' }] },
          onReject: 'splice',
        });
        const entries: Entry[] = [];
        for (let i = 1; i <= 3; i += 1) {
          const ran = await fetch(program, rig);
          expect([ran.code === 0, ran.out.length]).toEqual([false, 0]);
          entries.push(...(await rig.entries(i)).slice(i - 1));
          await until(() => rig.proxy.connections === 0, 'the end of all connections');
          await kept(rig, i);
        }
        for (const entry of entries) {
          expect(entry).toMatchObject({ outcome: 'client_rejected_certificate', tls: 'bump' });
          if (typeof alert === 'string') expect(entry['alert']).toBe(alert);
          else expect(entry['alert']).toMatch(alert);
          if (confidence === 'certain') expect(entry['confidence']).toBe('certain');
        }
        expect(entries).toHaveLength(3);
        await wait(LOOK);
        const ran = await fetch(program, rig);
        expect(ran.err).not.toMatch(/certificate/i);
        expect(createHash('sha256').update(ran.out).digest('hex')).toBe(
          createHash('sha256').update(content).digest('hex'),
        );
        const [spliced] = (await rig.entries(4)).slice(3);
        // Python leaves without a word of TLS, and its tunnel counts as aborted.
        expect(spliced).toMatchObject({ tls: 'splice', exception: 'pinned', status: 200 });
      },
      60_000,
    );
  },
);

/**
 * Milliseconds until what was written down holds, which shows nowhere: in the process that has written it when the file
 * is closed, in another one when that has looked.
 */
const LOOK = WORKERS > 1 ? 1_500 : 250;

async function kept(rig: Rig, count: number): Promise<void> {
  const file = join(rig.folder, 'state', 'exceptions.json');
  const text = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await until(() => text().includes(`"count": ${count}`), `a count of ${count}`, text);
}
