// What `test URL` prints: each step with its rule, the verdict in a sentence, the log lines; and all of it as JSON.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testUrl } from '../../src/cli/test-url.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder } from '../support/program.ts';

const SETTING = `
resolver: { servers: ["127.0.0.1:9"], hosts: { api.test: 192.88.98.1, private.test: 10.0.0.1 } }
policy:
  mode: MODE
  rules:
    - { name: spliced, hosts: [splice.test], action: allow, tls: splice }
    - { name: api, urls: ["https://api.test/v2/**"], action: allow }
    - { name: private, hosts: [private.test], action: allow }
    - { name: ended, hosts: [end.test], action: allow, tls: terminate }
    - { name: paged, hosts: [page.test], action: deny, refuse: page }
`;
const enforce = configFolder(SETTING.replace('MODE', 'enforce')).config;
const report = configFolder(SETTING.replace('MODE', 'report')).config;

async function ask(url: string, options: { config?: string; json?: boolean; styled?: boolean } = {}) {
  const { config = enforce, json = false, styled = false } = options;
  const terminal = fakeTerminal({ styled });
  const code = await testUrl(terminal, url, { config, json, client: '10.9.8.7', method: 'GET' });
  return { code, out: terminal.outText(), err: terminal.errText() };
}

test('a screen, whole', async () => {
  const { code, out, err } = await ask('https://API.test/v1/../x?y=1');
  expect({ code, err }).toEqual({ code: 4, err: '' });
  expect(out).toBe(
    [
      `GET https://api.test/x?y=1 from 10.9.8.7, by ${enforce}`,
      '',
      '  connect  allow, bump  api (proxy.yaml:9)      rule "api" may allow requests to api.test:443: each one is decided on its own',
      '  address  allow        -                       192.88.98.1',
      '  hello    allow, bump  -                       the server name is api.test',
      '  request  deny         default (proxy.yaml:5)  no rule matches api.test:443; rule "api" allows other paths of this host',
      '',
      '  denied: no rule matches api.test:443; rule "api" allows other paths of this host',
      '',
      '  To allow it, put this at the end of policy.rules:',
      "    - { name: 'allow api.test', clients: ['10.9.8.7'], urls: ['https://api.test/x'], methods: ['GET'], action: allow }",
      '',
      '  In the access log, after time and duration, with N for a size, if the origin answers 200:',
      '    10.9.8.7 NONE_NONE/200 0 CONNECT api.test:443 - HIER_DIRECT/192.88.98.1 -',
      '    10.9.8.7 TCP_DENIED/403 N GET https://api.test/x? - HIER_NONE/- text/html',
      '',
    ].join('\n'),
  );
});

describe('the verdict', () => {
  test.each([
    ['https://api.test/v2/x', enforce, 0, '<green>allowed</green>: rule "api" allows requests to api.test:443'],
    ['https://end.test/', enforce, 4, '<red>terminated</red>: rule "ended" terminates TLS to end.test:443'],
    ['https://page.test/', enforce, 4, '<red>denied</red>: rule "paged" denies requests to page.test:443'],
    ['https://private.test/', enforce, 4, '<red>denied</red>: The host resolves only to addresses'],
    ['https://splice.test/', enforce, 0, '<green>allowed</green>, but the name does not resolve here: rule "spliced"'],
    ['https://api.test/v1', report, 0, '<yellow>allowed in report mode only</yellow>: no rule matches api.test:443;'],
    ['http://sallyport.internal/', enforce, 0, '<green>allowed</green>: the self-test host is answered by the proxy'],
  ])('%s', async (url, config, code, verdict) => {
    const got = await ask(url, { config, styled: true });
    expect(got.code).toBe(code);
    expect(got.out).toContain(`\n  ${verdict}`);
  });
});

describe('a step', () => {
  test.each([
    ['https://nobody.test/', enforce, '  connect  deny, by a 403  default ('],
    ['https://page.test/', enforce, '  connect  deny, by a page inside the tunnel  paged ('],
    ['https://end.test/', enforce, '  connect  deny, terminate  ended ('],
    ['https://splice.test/', enforce, '  connect  allow, splice  spliced ('],
    [
      'https://splice.test/',
      enforce,
      '  address  unknown        -                       The host name could not be resolved.',
    ],
    ['https://api.test/v1', report, '  request  allow (enforced: deny)  default ('],
  ])('of %s', async (url, config, line) => {
    expect((await ask(url, { config })).out).toContain(`\n${line}`);
  });
});

test('JSON holds all of it', async () => {
  const { code, out } = await ask('https://api.test/v1', { config: report, json: true });
  expect(code).toBe(0);
  const rule = 'default';
  const reason = 'no rule matches api.test:443; rule "api" allows other paths of this host';
  expect(JSON.parse(out)).toEqual({
    url: 'https://api.test/v1',
    method: 'GET',
    client: '10.9.8.7',
    config: report,
    mode: 'report',
    allowed: true,
    wouldDeny: true,
    rule,
    at: { file: report, line: 5 },
    reason,
    mends: [],
    steps: [
      {
        step: 'connect',
        action: 'allow',
        tls: 'bump',
        rule: 'api',
        at: { file: report, line: 9 },
        reason: expect.stringContaining('each one'),
      },
      { step: 'address', action: 'allow', reason: '192.88.98.1' },
      { step: 'hello', action: 'allow', tls: 'bump', reason: 'the server name is api.test' },
      { step: 'request', action: 'allow', wouldDeny: true, rule, at: { file: report, line: 5 }, reason },
    ],
    log: [
      '10.9.8.7 NONE_NONE/200 0 CONNECT api.test:443 - HIER_DIRECT/192.88.98.1 -',
      '10.9.8.7 TCP_MISS/200 N GET https://api.test/v1 - HIER_DIRECT/192.88.98.1 -',
    ],
  });
});

test('JSON names no rule where an address decided', async () => {
  const { out } = await ask('https://private.test/', { json: true });
  expect(JSON.parse(out)).not.toHaveProperty('rule');
  expect(JSON.parse(out)).toMatchObject({ allowed: false, reason: expect.stringContaining('10.0.0.1') });
});

test.each([
  ['a.test/x', 'error: a.test/x: target is not an absolute http or https URL (did you mean https://a.test/x ?)\n'],
  ['ftp://a.test/', 'error: ftp://a.test/: target is not an absolute http or https URL\n'],
  ['https://127.1/', 'error: https://127.1/: host is an address in a spelling that is not canonical\n'],
])('%s is wrong usage', async (url, err) => {
  expect(await ask(url)).toEqual({ code: 2, out: '', err });
});

describe('as a user', () => {
  const { config, folder } = configFolder(`
auth: { tokens: tokens.txt, groups: { ops: [alice] }, groupFile: groups }
policy:
  rules:
    - { name: staff, hosts: [staff.test], groups: [staff], action: allow, tls: terminate }
    - { name: operators, urls: ["http://api.test/**"], groups: [ops], action: deny }
`);
  writeFileSync(join(folder, 'tokens.txt'), '');
  writeFileSync(join(folder, 'groups'), 'staff: bob\n');
  const askAs = async (url: string, user?: string) => {
    const terminal = fakeTerminal({ styled: false });
    const code = await testUrl(terminal, url, { config, client: '10.9.8.7', method: 'GET', ...(user ? { user } : {}) });
    return { code, out: terminal.outText() };
  };

  test('who does not say who it is, is asked', async () => {
    const tunnel = await askAs('https://staff.test/');
    expect(tunnel).toMatchObject({ code: 4, out: expect.stringContaining('connect  deny, by a 407  staff') });
    expect(tunnel.out).toContain('10.9.8.7 TCP_DENIED/407 N CONNECT staff.test:443 - HIER_NONE/- text/html');
    const plain = await askAs('http://api.test/x');
    expect(plain.out).toContain('10.9.8.7 TCP_DENIED/407 N GET http://api.test/x - HIER_NONE/- text/html');
  });

  test('its groups come from the config and from their file', async () => {
    expect((await askAs('http://api.test/x', 'alice')).out).toContain(
      'rule "operators" denies requests to api.test:80',
    );
    expect((await askAs('http://api.test/x', 'bob')).out).toContain('denied: no rule matches api.test:80');
    const tunnel = await askAs('https://staff.test/', 'bob');
    expect(tunnel.out).toContain('GET https://staff.test/ from 10.9.8.7 as bob');
    expect(tunnel.out).toContain('10.9.8.7 NONE_NONE/000 0 CONNECT staff.test:443 bob HIER_NONE/- -');
  });
});
