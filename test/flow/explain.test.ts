// Refusals through a whole proxy, as those who are refused get them: by their Accept, with the rule, what would allow it, and
// what the rule itself wants said; and that nothing of the request breaks out of its place.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { PolicyOptions, RuleOptions } from '../../src/policy/policy.ts';
import { h2Through } from '../support/h2.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { connectThrough, get, openRig, type Rig, say, startRig, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';
import { basic, writeUsers } from '../support/users.ts';

const at = (line: number) => ({ file: '/etc/sallyport/sallyport.yaml', line });
const RULES: readonly RuleOptions[] = [
  { name: 'no games', hosts: ['.games.test'], action: 'deny', message: 'Ask %w, %a: %H is closed.', at: at(5) },
  {
    name: 'moved',
    hosts: ['moved.test'],
    action: 'deny',
    refuse: 'page',
    redirect: { status: undefined, url: 'https://help.test/?u=%u&r=%{rule}&id=%{id}' },
    at: at(6),
  },
  {
    name: 'for good',
    hosts: ['good.test'],
    action: 'deny',
    redirect: { status: 307, url: 'http://help.test%R' },
    at: at(7),
  },
  {
    name: 'circle',
    hosts: ['help.test'],
    action: 'deny',
    redirect: { status: 302, url: 'http://help.test/x' },
    at: at(8),
  },
  { name: 'api', urls: ['*://api.test/v2/**'], action: 'allow', at: at(9) },
  { name: 'paged', hosts: ['page.test'], action: 'deny', refuse: 'page', at: at(10) },
];
const POLICY: Partial<PolicyOptions> = {
  rules: RULES,
  places: { default: at(3), connectPorts: at(4) },
  connectPorts: [443],
};

/** A plain request, with these fields. */
const ask = (rig: Rig, url: string, fields = '', method = 'GET'): Promise<string> =>
  say(rig.port, `${method} ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n${fields}\r\n`);
const connect = (rig: Rig, authority: string, fields = ''): Promise<string> =>
  say(rig.port, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`);
const bodyOf = (reply: string): string => reply.slice(reply.indexOf('\r\n\r\n') + 4);
const fieldOf = (reply: string, name: string): string | undefined =>
  new RegExp(`\r\n${name}: ([^\r]*)\r\n`, 'i').exec(reply)?.[1];

const JSON_PLEASE = 'Accept: application/json\r\n';
const TEXT_PLEASE = 'Accept: */*\r\n';
const HTML_PLEASE = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n';

describe('a refusal', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ policy: POLICY, refusals: { contact: 'it@corp.test' }, via: 'gate-1' });
  });
  afterAll(() => rig.proxy.close(0));

  test.each([
    ['', 'text/html; charset=utf-8', /<h1>The policy/],
    [HTML_PLEASE, 'text/html; charset=utf-8', /<dd>default \(sallyport\.yaml:3\)<\/dd>/],
    [TEXT_PLEASE, 'text/plain; charset=utf-8', /^403 Forbidden: The policy/],
    [JSON_PLEASE, 'application/json', /^\{\n {2}"error": "denied"/],
  ])('to a request with %j is %s', async (fields, type, begin) => {
    const before = (await rig.entries(0)).length;
    const reply = await ask(rig, 'http://new.test/x?secret=1', fields);
    expect(reply).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(fieldOf(reply, 'Content-Type')).toBe(type);
    expect(fieldOf(reply, 'Content-Length')).toBe(String(bodyOf(reply).length));
    expect(fieldOf(reply, 'Vary')).toBe('Accept');
    expect(bodyOf(reply)).toMatch(begin);
    const entry = (await rig.entries(before + 1))[before];
    expect(entry).toMatchObject({ status: 403, outcome: 'denied', bytes: reply.length });
    expect((await rig.lines(before + 1))[before]).toMatch(new RegExp(` ${type.replace(/;.*/, '')}$`));
    // The same words in all three, and the id of the log line.
    for (const words of [
      'no rule matches new.test:80',
      String(entry?.['exchange']),
      'sallyport.yaml:3',
      'it@corp.test',
    ])
      expect(bodyOf(reply).toLowerCase()).toContain(words.toLowerCase());
    expect(reply).not.toContain('secret');
  });

  test('says which rule would allow it', async () => {
    const { allow, rule } = JSON.parse(bodyOf(await ask(rig, 'http://api.test/v1/x?y', JSON_PLEASE, 'DELETE')));
    expect(rule).toEqual({ name: 'default', at: 'sallyport.yaml:3' });
    expect(allow).toHaveLength(1);
    expect(allow[0].put).toBe('at the end of policy.rules');
    expect(parse(allow[0].yaml)).toEqual([
      {
        name: 'allow api.test',
        clients: ['127.0.0.1'],
        urls: ['http://api.test/v1/x'],
        methods: ['DELETE'],
        action: 'allow',
      },
    ]);
  });

  test('of HEAD has the length of the body and none', async () => {
    const got = await ask(rig, 'http://new.test/', JSON_PLEASE);
    const head = await ask(rig, 'http://new.test/', JSON_PLEASE, 'HEAD');
    expect(bodyOf(head)).toBe('');
    // GET and HEAD have names of one length but one letter, and the methods of the rule likewise.
    const { url, allow } = JSON.parse(bodyOf(got));
    expect(url).toBe('http://new.test/');
    const grown = 2 * ('HEAD'.length - 'GET'.length);
    expect(allow[0].yaml).toContain("methods: ['GET']");
    expect(Number(fieldOf(head, 'Content-Length'))).toBe(bodyOf(got).length + grown);
  });

  test('is never a 304, whatever the request knows', async () => {
    const reply = await ask(
      rig,
      'http://new.test/',
      'If-None-Match: *\r\nIf-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT\r\n',
    );
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(fieldOf(reply, 'Cache-Control')).toBe('no-store');
  });

  test('of a CONNECT tells all of it in phrase and fields', async () => {
    const reply = await connect(rig, 'new.test:443');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Denied by default \(sallyport\.yaml:3\): no rule matches new\.test:443\r\n/);
    expect(fieldOf(reply, 'X-Squid-Error')).toBe('ERR_ACCESS_DENIED 0');
    expect(fieldOf(reply, 'X-Proxy-Denied')).toBe('default');
    expect(fieldOf(reply, 'X-Proxy-Rule-At')).toBe('sallyport.yaml:3');
    expect(fieldOf(reply, 'Proxy-Status')).toBe(
      'gate-1; error=http_request_denied; details="The policy of this proxy does not allow the request. no rule matches new.test:443"',
    );
    expect(parse(fieldOf(reply, 'X-Proxy-Allow') ?? '')).toEqual([
      { name: 'allow new.test', clients: ['127.0.0.1'], hosts: ['new.test'], ports: [443], action: 'allow' },
    ]);
    const entries = await rig.entries(0);
    expect(fieldOf(reply, 'X-Proxy-Request')).toBe(entries.at(-1)?.['tunnel']);
  });

  test('of a CONNECT to a port that is none says which list to change, and that a rule is missing', async () => {
    const reply = await connect(rig, 'new.test:8443');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Denied by connectPorts \(sallyport\.yaml:4\): port 8443 is not in/);
    const lines = [...reply.matchAll(/\r\nX-Proxy-Allow: (.*)/g)].map(([, line]) => line);
    expect(lines[0]).toBe('connectPorts: [443, 8443]');
    expect(lines[1]).toContain("hosts: ['new.test'], ports: [8443]");
  });

  test('has the message of its rule, with macros, in every form and in the phrase', async () => {
    const said = 'Ask it@corp.test, -: chess.games.test is closed.';
    const reply = await connect(rig, 'chess.games.test:443');
    expect(reply).toMatch(
      /^HTTP\/1\.1 403 Denied by no games \(sallyport\.yaml:5\): Ask it@corp\.test, -: chess\.games\.test is closed\.\r\n/,
    );
    expect(bodyOf(await ask(rig, 'http://chess.games.test/', HTML_PLEASE))).toContain(`<p class="say">${said}</p>`);
    expect(bodyOf(await ask(rig, 'http://chess.games.test/', TEXT_PLEASE))).toContain(`\n${said}\n`);
    expect(JSON.parse(bodyOf(await ask(rig, 'http://chess.games.test/', JSON_PLEASE))).message).toBe(said);
  });

  test.each([
    ['GET', 302],
    ['HEAD', 302],
    ['POST', 303],
  ])('of %s leads on with a %d where its rule says so', async (method, status) => {
    const reply = await ask(rig, 'http://moved.test/a?b', 'Content-Length: 0\r\n', method);
    expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const [, id] =
      /^https:\/\/help\.test\/\?u=http%3A%2F%2Fmoved\.test%2Fa%3F&r=moved&id=([\w-]+)$/.exec(
        fieldOf(reply, 'Location') ?? '',
      ) ?? [];
    const entry = (await rig.entries(0)).at(-1);
    expect(entry).toMatchObject({ tag: 'TCP_DENIED', status, rule: 'moved', exchange: id });
    expect(fieldOf(reply, 'X-Proxy-Denied')).toBe('moved');
  });

  test('leads on with the status that its rule has, and the path as a path', async () => {
    const reply = await ask(rig, "http://good.test/a/b'%22%3c", '', 'PUT');
    expect(reply).toMatch(/^HTTP\/1\.1 307 Temporary Redirect\r\n/);
    expect(fieldOf(reply, 'Location')).toBe("http://help.test/a/b'%22%3C");
  });

  test('does not lead in a circle', async () => {
    const reply = await ask(rig, 'http://help.test/x');
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(fieldOf(reply, 'Location')).toBeUndefined();
  });

  test('of a CONNECT leads nowhere', async () => {
    const reply = await connect(rig, 'good.test:443');
    expect(reply).toMatch(/^HTTP\/1\.1 403 Denied by for good/);
    expect(fieldOf(reply, 'Location')).toBeUndefined();
  });

  test('inside a decrypted tunnel leads on, and shows pages, likewise', async () => {
    const moved = await tlsThrough(rig.port, 'moved.test:443', { ca: rig.ca });
    const led = await get(moved, 'moved.test', '/a', TEXT_PLEASE);
    expect(led).toMatch(/^HTTP\/1\.1 302 Found\r\n/);
    expect(fieldOf(led, 'Location')).toMatch(/^https:\/\/help\.test\/\?u=https%3A%2F%2Fmoved\.test%2Fa&r=moved/);
    const paged = await tlsThrough(rig.port, 'page.test:443', { ca: rig.ca });
    const shown = JSON.parse(bodyOf(await get(paged, 'page.test', '/a', JSON_PLEASE)));
    expect(shown).toMatchObject({
      status: 403,
      rule: { name: 'paged', at: 'sallyport.yaml:10' },
      url: 'https://page.test/a',
    });
    expect(shown.allow[0].put).toBe('above the rule "paged" (sallyport.yaml:10)');
  });

  test('on a stream of HTTP/2 is the same', async () => {
    const session = await h2Through(rig, 'page.test:443');
    const stream = session.request({ ':path': '/a', accept: 'application/json' });
    let text = '';
    let status: unknown;
    stream.on('response', (headers) => {
      status = headers[':status'];
      expect(headers['vary']).toBe('Accept');
      expect(headers['x-proxy-rule-at']).toBe('sallyport.yaml:10');
    });
    for await (const piece of stream) text += String(piece);
    expect(status).toBe(403);
    expect(JSON.parse(text)).toMatchObject({ error: 'denied', url: 'https://page.test/a', by: 'gate-1' });
  });

  test.each([
    ['GET http://new.test/a b HTTP/1.1\r\nHost: new.test\r\n\r\n', 400, /"error"|<h1>/],
    [
      'CONNECT nonsense HTTP/1.1\r\nHost: nonsense\r\nAccept: application/json\r\n\r\n',
      400,
      /"error": "request-target"/,
    ],
    [`GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n${JSON_PLEASE}\r\n`, 400, /"error": "request-malformed"/],
    [`TRACE http://new.test/ HTTP/1.1\r\nHost: new.test\r\n${JSON_PLEASE}\r\n`, 405, /"error": "request-method"/],
  ])('of %j speaks the language of the client, as far as it is known', async (bytes, status, words) => {
    const reply = await say(rig.port, bytes);
    expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(bodyOf(reply)).toMatch(words);
    expect(fieldOf(reply, 'Proxy-Status')).toMatch(/^gate-1; error=http_request_error/);
  });

  test('breaks out of nothing, whatever the URL', async () => {
    for (const path of [
      '/"><script>alert(1)</script>',
      "/'onload='x",
      '/{{7*7}}',
      '/%22%3Cscript%3E',
      '/$(id)`id`',
      '/;|&',
    ]) {
      for (const fields of [HTML_PLEASE, TEXT_PLEASE, JSON_PLEASE]) {
        const head0 = `GET http://new.test${path} HTTP/1.1\r\nHost: new.test\r\nConnection: close\r\n`;
        const reply = await say(rig.port, `${head0}${fields}\r\n`);
        expect(reply).toMatch(/^HTTP\/1\.1 40[03] /);
        if (fields === HTML_PLEASE) expect(bodyOf(reply)).not.toMatch(/<script|onload='/);
        if (fields === JSON_PLEASE) {
          const { allow, url } = JSON.parse(bodyOf(reply));
          expect(bodyOf(reply)).not.toMatch(/[<>]/);
          if (allow) expect(parse(allow[0].yaml)[0].action).toBe('allow');
          expect(url).toContain('new.test');
        }
        const head = reply.slice(0, reply.indexOf('\r\n\r\n'));
        expect(head).toMatch(/^[\x20-\x7e\r\n]*$/);
      }
    }
  });

  test('of bytes that no URL has moves no terminal', async () => {
    const reply = await say(
      rig.port,
      'GET http://new.test/\x1b]0;pwned\x07 HTTP/1.1\r\nHost: new.test\r\nAccept: */*\r\n\r\n',
    );
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).not.toMatch(/[\x1b\x07]/);
  });
});

describe('for users', () => {
  test('it names who asked and suggests a rule for nobody else; a 407 suggests none', async () => {
    const name = "o'h<b>\u00e4";
    const files = writeUsers({ [name]: 'pw', alice: 'pw' });
    const rig = await startRig({
      auth: { basic: { htpasswd: files.htpasswd, realm: 'x' }, groups: {} },
      policy: { rules: [{ name: 'alice alone', users: ['alice'], hosts: ['a.test'], action: 'allow', at: at(5) }] },
    });
    const unknown = await connect(rig, 'a.test:443');
    expect(unknown).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
    expect(fieldOf(unknown, 'Proxy-Authenticate')).toMatch(/^Basic/);
    expect(fieldOf(unknown, 'X-Proxy-Allow')).toBeUndefined();
    expect(fieldOf(unknown, 'X-Proxy-Rule-At')).toBe('sallyport.yaml:5');
    const other = await connect(rig, 'a.test:443', `${basic(name, 'pw')}${HTML_PLEASE}`);
    expect(other).toMatch(/^HTTP\/1\.1 403 Denied by default: no rule matches a\.test:443; rule "alice alone" allows/);
    expect(parse(fieldOf(other, 'X-Proxy-Allow') ?? '')).toMatchObject([{ users: [name], hosts: ['a.test'] }]);
    expect(Buffer.from(bodyOf(other), 'latin1').toString()).toContain('<dd>o&#39;h&lt;b&gt;\u00e4</dd>');
    const plain = await ask(rig, 'http://a.test/', `${basic(name, 'pw')}${JSON_PLEASE}`);
    expect(JSON.parse(bodyOf(plain))).toMatchObject({ user: name, allow: [{ put: 'at the end of policy.rules' }] });
    expect(other + plain).not.toContain(basic(name, 'pw').slice(-20, -2));
  });
});

describe('an origin that wants a client certificate', () => {
  test('is told with the rule that passes it unread', async () => {
    const ca = new TestCa();
    const origin: Origin = await httpsOrigin({ ...ca.leaf({ san: 'DNS:mtls.test' }), ...WANTS }, (_request, response) =>
      response.end('never'),
    );
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'mtls.test': '127.0.0.1' },
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', at: at(5) }] },
    });
    const tls = await tlsThrough(rig.port, `mtls.test:${origin.port}`, { ca: rig.ca });
    const told = JSON.parse(bodyOf(await get(tls, `mtls.test:${origin.port}`, '/', JSON_PLEASE)));
    expect(told).toMatchObject({ error: 'client-cert-required', status: 502 });
    expect(told.allow).toHaveLength(1);
    expect(told.allow[0].put).toBe('above the rule "all" (sallyport.yaml:5)');
    expect(parse(told.allow[0].yaml)).toMatchObject([{ hosts: ['mtls.test'], ports: [origin.port], tls: 'splice' }]);
    await origin.close();
  });
});

/** What makes a server of Node's refuse who shows no certificate. */
const WANTS = { requestCert: true, rejectUnauthorized: true };

describe('a page of one’s own', () => {
  test('is served with its macros, in the language of the client', async () => {
    const pages = mkdtempSync(join(tmpdir(), 'pages-'));
    writeFileSync(
      join(pages, 'ERR_ACCESS_DENIED'),
      '<h1>%c</h1><p>%i %a %M <a href="%U">%U</a> %{rule} at %{at}, 100%% %q</p>',
    );
    const rig = await startRig({ policy: POLICY, refusals: { pages } });
    const reply = await ask(rig, 'http://new.test/%22%3E', HTML_PLEASE);
    expect(bodyOf(reply)).toBe(
      '<h1>ERR_ACCESS_DENIED</h1><p>127.0.0.1 - GET <a href="http://new.test/%22%3E">http://new.test/%22%3E</a> default at sallyport.yaml:3, 100% %q</p>',
    );
    expect(fieldOf(reply, 'Content-Length')).toBe(String(bodyOf(reply).length));
    expect(fieldOf(reply, 'Content-Security-Policy')).toBeUndefined();
    expect(bodyOf(await ask(rig, 'http://new.test/', TEXT_PLEASE))).toMatch(/^403 Forbidden/);
    const inside = await tlsThrough(rig.port, 'page.test:443', { ca: rig.ca });
    expect(bodyOf(await get(inside, 'page.test', '/', HTML_PLEASE))).toContain('paged at sallyport.yaml:10');
  });

  test('is not there: then nothing starts', async () => {
    await expect(startRig({ refusals: { pages: '/nowhere' } })).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

test('a tunnel that is allowed is told nothing of all this', async () => {
  const rig = await startRig({ policy: POLICY, hosts: { 'api.test': '127.0.0.1' } });
  const { head } = await connectThrough(rig.port, 'api.test:443');
  expect(head).toMatch(/^HTTP\/1\.1 200 [^\r]*\r\n\r\n$/);
});
