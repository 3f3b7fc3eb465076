// Refusals as real programs show them: what curl prints, what Python says of a refused CONNECT, what a browser renders, with
// our pages and with those of Debian's Squid.

import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Entry, openRig, type Rig } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';

const CURL = findTool('curl');
const PYTHON = findTool('python3');
const BROWSER = findTool('chromium') ?? findTool('chromium-browser') ?? findTool('google-chrome');
const SQUID_PAGES = '/usr/share/squid/errors';
const named = (name: string, tool: string, found: unknown): string =>
  found ? name : `${name} (skipped: no ${tool} here)`;

const at = (line: number) => ({ file: '/etc/sallyport/sallyport.yaml', line });
const RULES = [
  { name: 'games', hosts: ['games.test'], action: 'deny', message: '%H is closed.', at: at(5) },
  { name: 'page', hosts: ['page.test'], action: 'deny', refuse: 'page', message: 'Ask %w.', at: at(6) },
  { name: 'moved', hosts: ['moved.test'], action: 'deny', redirect: { status: 302, url: 'http://page.test/?from=%u' } },
] as const;

let rig: Rig;
let squid: Rig | undefined;
beforeAll(async () => {
  const policy = { rules: RULES, places: { default: at(3) } };
  const contact = 'it@corp.test';
  rig = await openRig({ policy, refusals: { contact } });
  if (existsSync(SQUID_PAGES)) squid = await openRig({ policy, refusals: { contact, pages: SQUID_PAGES } });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await squid?.proxy.close(0);
});

const last = async (): Promise<Entry | undefined> => (await rig.entries(0)).at(-1);

describe.skipIf(!CURL)(named('curl', 'curl', CURL), () => {
  const curl = (...words: string[]): Promise<Ran> =>
    run(CURL ?? '', ['-sS', '-m', '10', '-x', `http://127.0.0.1:${rig.port}`, ...words]);

  test('prints a text that says all of it', async () => {
    const { out } = await curl('http://new.test/a?b');
    expect(out.toString()).toMatch(
      /^403 Forbidden: The policy of this proxy does not allow the request\.\nReason: no rule matches new\.test:80\.\n/,
    );
    expect(out.toString()).toContain('rule     default (sallyport.yaml:3)\n');
    expect(out.toString()).toContain(`request  ${(await last())?.['exchange']}\n`);
    const shown = /To allow it, put this at the end of policy\.rules:\n\n(- name[\s\S]*?)\n\n/.exec(out.toString());
    expect(parse(shown?.[1] ?? '')).toMatchObject([{ urls: ['http://new.test/a'], methods: ['GET'], action: 'allow' }]);
  });

  test('gets JSON where it asks for it', async () => {
    const { out } = await curl('-H', 'Accept: application/json', 'http://games.test/');
    expect(JSON.parse(out.toString())).toMatchObject({ error: 'denied', message: 'games.test is closed.' });
  });

  test('shows phrase and fields of a refused CONNECT', async () => {
    const { code, err } = await curl('-v', 'https://games.test/');
    expect(code).toBe(56);
    expect(err).toMatch(/< HTTP\/1\.1 403 Denied by games \(sallyport\.yaml:5\): games\.test is closed\./);
    expect(err).toMatch(/< X-Proxy-Rule-At: sallyport\.yaml:5/);
    const [, rule = ''] = /< X-Proxy-Allow: (.*?)\r?\n/.exec(err) ?? [];
    expect(parse(rule)).toMatchObject([{ name: 'allow games.test', hosts: ['games.test'], ports: [443] }]);
    expect(err).toContain(`< X-Proxy-Request: ${(await last())?.['tunnel']}`);
  });

  test('shows the page of a decrypted tunnel', async () => {
    const { out } = await curl('--cacert', join(rig.folder, 'ca', 'ca.pem'), 'https://page.test/x');
    expect(out.toString()).toContain('Ask it@corp.test.');
    expect(out.toString()).toContain('above the rule "page" (sallyport.yaml:6)');
  });

  test('is sent on', async () => {
    const { out } = await curl('-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', 'http://moved.test/a');
    expect(out.toString()).toBe('302 http://page.test/?from=http%3A%2F%2Fmoved.test%2Fa');
  });
});

describe.skipIf(!PYTHON)(named('Python', 'Python', PYTHON), () => {
  const python = (script: string): Promise<Ran> => run(PYTHON ?? '', ['-c', script, String(rig.port)]);

  test('says in its exception which rule it was', async () => {
    const { err } = await python(`
import sys, urllib.request
proxy = "http://127.0.0.1:" + sys.argv[1]
urllib.request.build_opener(urllib.request.ProxyHandler({"https": proxy})).open("https://new.test/", timeout=10)
`);
    expect(err).toContain(
      'Tunnel connection failed: 403 Denied by default (sallyport.yaml:3): no rule matches new.test:443',
    );
  });
});

describe.skipIf(!BROWSER)(named('a browser', 'Chromium', BROWSER), () => {
  const shown = async (port: number, url: string): Promise<string> => {
    const profile = mkdtempSync(join(tmpdir(), 'browser-'));
    const words = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      '--lang=de',
      `--user-data-dir=${profile}`,
      '--ignore-certificate-errors',
      `--proxy-server=http://127.0.0.1:${port}`,
      '--dump-dom',
      url,
    ];
    const { out } = await run(BROWSER ?? '', words, { env: { HOME: profile } });
    return out.toString();
  };

  test('renders the page inside a decrypted tunnel', { timeout: 60_000 }, async () => {
    const page = await shown(rig.port, 'https://page.test/a');
    expect(page).toContain('<h1>The policy of this proxy does not allow the request.</h1>');
    expect(page).toContain('<dd>page (sallyport.yaml:6)</dd>');
    expect(page).toContain('Ask it@corp.test.');
  });

  test(named('renders Squid’s own page, its macros filled in', 'Squid', squidHere()), {
    timeout: 60_000,
  }, async (context) => {
    if (!squid) return context.skip();
    const page = await shown(squid.port, 'http://games.test/a');
    expect(page).toContain('<a href="http://games.test/a">http://games.test/a</a>');
    expect(page).toContain('ERR_ACCESS_DENIED');
    expect(page).not.toMatch(/%[a-zA-Z]\b/);
  });
});

function squidHere(): boolean {
  return existsSync(SQUID_PAGES);
}
