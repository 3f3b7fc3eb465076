// Real clients that say who they are: each of them by user and password in the proxy's address, through a tunnel that is
// decrypted, and files that the real htpasswd has written.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildGo, FILE, HTTPS_CLIENTS, REPOSITORY } from '../support/https-clients.ts';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { type Entry, openRig, type Rig, until } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';
import { writeUsers } from '../support/users.ts';

const CURL = findTool('curl');
const GIT = findTool('git');
const GO = findTool('go');
const HTPASSWD = findTool('htpasswd');
const PYTHON = findTool('python3');
const WGET = findTool('wget');
const named = (name: string, tool: string, found: string | undefined): string =>
  found ? name : `${name} (skipped: no ${tool} here)`;

const PASSWORD = 'sécret @:/ x';
const AT = encodeURIComponent(PASSWORD);
const TOKEN = 'tok-0123456789abcdefghij';
const content = randomBytes(100_000);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const ca = new TestCa();
const folder = mkdtempSync(join(tmpdir(), 'proxy-auth-'));
const site = join(folder, 'site');
let secure: Origin;
let plain: Origin;
let rig: Rig;
let trust: string;
/** Lines in the log when the test began. */
let before = 0;
/** All that any origin was ever told. */
const heard: string[] = [];

const KINDS = [
  ['bcrypt', '-B'],
  ['bcrypt of cost 10', '-BC10'],
  ['MD5', '-m'],
  ['SHA-1', '-s'],
  ['SHA-256', '-2'],
  ['SHA-512', '-5'],
] as const;

beforeAll(async () => {
  await mkdir(site);
  await writeFile(join(site, FILE), content);
  if (GIT) await makeRepository(GIT, join(site, REPOSITORY));
  if (GO) await buildGo(GO);
  const answer: Parameters<typeof httpOrigin>[0] = (request, response) => {
    heard.push(request.rawHeaders.join('\n'));
    readFile(join(site, (request.url ?? '').replace(/\?.*/, ''))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  };
  secure = await httpsOrigin(ca.leaf({ san: 'DNS:files.test' }), answer);
  plain = await httpOrigin(answer);
  const { htpasswd, tokens } = writeUsers({ alice: PASSWORD }, { 'vm-12': TOKEN });
  if (HTPASSWD) {
    for (const [index, [, option]] of KINDS.entries()) {
      const ran = await run(HTPASSWD, ['-b', ...splitOption(option), htpasswd, `kind-${index}`, PASSWORD]);
      expect(ran).toMatchObject({ code: 0 });
    }
  }
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'files.test': '127.0.0.1' },
    limits: { passwordsPerClient: 100 },
    auth: {
      basic: { htpasswd, realm: 'Sallyport' },
      tokens,
      groups: { machines: ['vm-12', 'vm-13'] },
      clientCertificates: { trust: [ca.rootFile], crl: [], mode: 'request', user: 'cn' },
    },
    policy: {
      rules: [
        { name: 'machines', urls: [`http://files.test:${plain.port}/**`], groups: ['machines'], action: 'allow' },
        { name: 'users', hosts: ['files.test'], authenticated: true, action: 'allow' },
      ],
    },
  });
  trust = join(rig.folder, 'ca', 'ca.pem');
});
afterAll(async () => {
  await rig.proxy.close(0);
  await secure.close();
  await plain.close();
  await rm(folder, { recursive: true });
});

/** What the log got since the last call, once no connection is left. */
async function logged(): Promise<Entry[]> {
  await until(() => rig.proxy.connections === 0, 'the end of all connections');
  const entries = await rig.entries(0);
  const fresh = entries.slice(before);
  before = entries.length;
  return fresh;
}

const told = (entries: readonly Entry[]): string[] => [
  ...new Set(entries.map(({ method, status, user }) => `${method} ${status} ${user ?? '-'}`)),
];

describe.each(HTTPS_CLIENTS.filter(({ tool }) => tool !== 'openssl'))('$name', ({ name, tool, program, fetch }) => {
  const workIn = async (what: string): Promise<string> => {
    const path = join(folder, `${name}-${what}`.replace(/[^\w-]+/g, '-'));
    await mkdir(path);
    return path;
  };
  const origin = (): string => `https://files.test:${secure.port}`;

  test.skipIf(!program)(named('gets the right bytes as a user, and the log has its name', tool, program), async () => {
    const proxy = `http://alice:${AT}@127.0.0.1:${rig.port}`;
    const ran = await fetch(program ?? '', { proxy, origin: origin(), trust, folder: await workIn('right') });
    expect(ran).toMatchObject({ code: 0 });
    expect(sha256(ran.out)).toBe(sha256(content));
    const entries = await logged();
    const known = told(entries).filter((line) => !line.includes(' 407 '));
    expect(known.filter((line) => !line.startsWith('GET 404'))).toEqual(['CONNECT 200 alice', 'GET 200 alice']);
    // Some ask without a word first, and answer the 407.
    expect(entries.filter(({ status }) => status === 407).length).toBeLessThanOrEqual(1);
  });

  test.skipIf(!program)(named('gets nothing by a wrong password, and no tunnel is opened', tool, program), async () => {
    const proxy = `http://alice:wrong@127.0.0.1:${rig.port}`;
    const ran = await fetch(program ?? '', { proxy, origin: origin(), trust, folder: await workIn('wrong') });
    expect(ran.code).not.toBe(0);
    expect(ran.out.length).toBe(0);
    expect(told(await logged())).toEqual(['CONNECT 407 -']);
  });
});

describe.skipIf(!CURL)(`curl${CURL ? '' : ' (skipped: no curl here)'}`, () => {
  const curl = (...words: string[]) => run(CURL ?? '', ['-sS', '--cacert', trust, '--proxy-cacert', trust, ...words]);
  const file = (): string => `https://files.test:${secure.port}/${FILE}`;
  const proxy = (): string => `http://127.0.0.1:${rig.port}`;

  test('waits to be asked, and then answers', async () => {
    const ran = await curl('--proxy-anyauth', '--proxy-user', `alice:${PASSWORD}`, '-x', proxy(), file());
    expect(ran).toMatchObject({ code: 0 });
    expect(sha256(ran.out)).toBe(sha256(content));
    expect(told(await logged())).toEqual(['CONNECT 407 -', 'CONNECT 200 alice', 'GET 200 alice']);
  });

  test('is told 407 without credentials', async () => {
    const ran = await curl('-x', proxy(), file());
    expect(ran.code).not.toBe(0);
    expect(ran.err).toContain('407');
    expect(told(await logged())).toEqual(['CONNECT 407 -']);
  });

  test('shows a token in the place of the user', async () => {
    const ran = await curl('-x', `http://${TOKEN}:@127.0.0.1:${rig.port}`, `http://files.test:${plain.port}/${FILE}`);
    expect(ran).toMatchObject({ code: 0 });
    expect(sha256(ran.out)).toBe(sha256(content));
    expect(told(await logged())).toEqual(['GET 200 vm-12']);
  });

  test('shows a certificate on TLS to the proxy', async () => {
    const pair = ca.leaf({ cn: 'vm-13', extensions: ['extendedKeyUsage=clientAuth'] });
    await writeFile(join(folder, 'vm.pem'), pair.cert + pair.key);
    const shown = ['--proxy-cert', join(folder, 'vm.pem'), '-x', `https://127.0.0.1:${rig.port}`];
    for (const url of [`http://files.test:${plain.port}/${FILE}`, file()]) {
      const ran = await curl(...shown, url);
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(sha256(ran.out)).toBe(sha256(content));
    }
    expect(told(await logged())).toEqual(['GET 200 vm-13', 'CONNECT 200 vm-13']);
  });

  test('learns why a certificate is not taken', async () => {
    const pair = new TestCa('Others').leaf({ cn: 'vm-13', extensions: ['extendedKeyUsage=clientAuth'] });
    await writeFile(join(folder, 'other.pem'), pair.cert + pair.key);
    const ran = await curl('--proxy-cert', join(folder, 'other.pem'), '-x', `https://127.0.0.1:${rig.port}`, file());
    expect(ran.code).not.toBe(0);
    expect(ran.err).toMatch(/403|certificate/);
    expect((await logged()).map(({ error, status }) => `${error} ${status}`)).toEqual(['client-certificate 403']);
  });

  describe.skipIf(!HTPASSWD)(`a file of htpasswd${HTPASSWD ? '' : ' (skipped: no htpasswd here)'}`, () => {
    test.each(KINDS.map(([name], index) => [name, `kind-${index}`]))('with %s', async (_name, user) => {
      const right = await curl('-x', proxy(), '--proxy-user', `${user}:${PASSWORD}`, file());
      expect(right).toMatchObject({ code: 0 });
      const wrong = await curl('-x', proxy(), '--proxy-user', `${user}:${PASSWORD}x`, file());
      expect(wrong.code).not.toBe(0);
      expect(told(await logged())).toEqual([`CONNECT 200 ${user}`, `GET 200 ${user}`, 'CONNECT 407 -']);
    });
  });
});

test.skipIf(!WGET)(named('wget says it on plain http too', 'wget', WGET), async () => {
  const proxy = `http://vm-12:${TOKEN}@127.0.0.1:${rig.port}`;
  const ran = await run(WGET ?? '', ['-q', '-O', '-', '--tries=1', `http://files.test:${plain.port}/${FILE}`], {
    env: { http_proxy: proxy },
  });
  expect(sha256(ran.out)).toBe(sha256(content));
  expect(told(await logged()).filter((line) => !line.includes('407'))).toEqual(['GET 200 vm-12']);
});

const PYTHON_HANDLER = `
import sys, urllib.request
passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password('Sallyport', sys.argv[1].split('//')[1], sys.argv[2], sys.argv[3])
opener = urllib.request.build_opener(urllib.request.ProxyHandler({'http': sys.argv[1]}), urllib.request.ProxyBasicAuthHandler(passwords))
sys.stdout.buffer.write(opener.open(sys.argv[4]).read())
`;

test.skipIf(!PYTHON)(named('Python answers the challenge by its realm', 'python3', PYTHON), async () => {
  const words = [`http://127.0.0.1:${rig.port}`, 'vm-12', TOKEN, `http://files.test:${plain.port}/${FILE}`];
  const ran = await run(PYTHON ?? '', ['-c', PYTHON_HANDLER, ...words]);
  expect(ran.err).toBe('');
  expect(sha256(ran.out)).toBe(sha256(content));
  expect(told(await logged())).toEqual(['GET 407 -', 'GET 200 vm-12']);
});

test('nothing of all this was told to an origin, nor to a log', async () => {
  expect(heard.length).toBeGreaterThan(0);
  expect(heard.join('\n')).not.toMatch(/proxy-auth/i);
  const logs = await Promise.all(['access.log', 'access.json'].map((name) => readFile(join(rig.folder, name), 'utf8')));
  for (const secret of [PASSWORD, AT, TOKEN, Buffer.from(`alice:${PASSWORD}`).toString('base64')]) {
    expect(logs.join('')).not.toContain(secret);
  }
});

/** `-BC10` is `-B -C 10`. */
function splitOption(option: string): string[] {
  const cost = /^(-B)C(\d+)$/.exec(option);
  return cost ? [cost[1] ?? '', '-C', cost[2] ?? ''] : [option];
}

/** A repository that a plain file server can serve. */
async function makeRepository(git: string, path: string): Promise<void> {
  const work = join(folder, 'work');
  const options = { folder, env: { HOME: folder, GIT_CONFIG_NOSYSTEM: '1' } };
  await run(git, ['init', '-q', work], options);
  await writeFile(join(work, FILE), content);
  await run(git, ['-C', work, 'add', '.'], options);
  const author = ['-c', 'user.name=t', '-c', 'user.email=t@t.test'];
  await run(git, ['-C', work, ...author, 'commit', '-q', '-m', 'one'], options);
  expect(await run(git, ['clone', '-q', '--bare', work, path], options)).toMatchObject({ code: 0 });
  await run(git, ['-C', path, 'update-server-info'], options);
}
