// One refusal in three forms: the same facts, whatever came from outside escaped for where it stands.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { CustomPages } from '../../src/http/custom-pages.ts';
import type { Form } from '../../src/http/media.ts';
import type { PageStyle } from '../../src/http/page-style.ts';
import type { Refusal } from '../../src/http/refusal.ts';
import { forTerminal, refusalBody } from '../../src/http/refusal-body.ts';

const style: PageStyle = { proxy: 'gate', host: 'gate.test', contact: 'it@corp.test', custom: undefined };
const refusal: Refusal = {
  code: 'denied',
  status: 403,
  sentence: 'The policy of this proxy does not allow the request.',
  detail: 'no rule matches a.test:80',
  rule: 'default',
  squid: 'ERR_ACCESS_DENIED',
  url: 'http://a.test/x?',
  id: 'abc-0000001',
  at: { file: '/etc/sallyport/sallyport.yaml', line: 12 },
  mends: [{ where: 'at the end of policy.rules', line: "- { name: 'allow a.test' }", block: "- name: 'allow a.test'" }],
  message: 'Ask your team lead first.',
  asker: {
    client: '10.0.0.7',
    user: 'alice',
    method: 'GET',
    httpVersion: '1.1',
    scheme: 'http',
    host: 'a.test',
    port: 80,
    path: '/x',
    local: { address: '10.0.0.1', port: 3128 },
    peer: undefined,
    languages: [],
  },
  style,
};

const told = (form: Form, changed: Partial<Refusal> = {}): string => refusalBody({ ...refusal, ...changed, form }).body;

test('as text it reads from top to bottom', () => {
  expect(told('text')).toBe(
    `403 Forbidden: The policy of this proxy does not allow the request.
Reason: no rule matches a.test:80.

Ask your team lead first.

address  http://a.test/x?
method   GET
client   10.0.0.7
user     alice
rule     default (sallyport.yaml:12)
code     denied
request  abc-0000001

To allow it, put this at the end of policy.rules:

- name: 'allow a.test'

This answer was made by the proxy on the way (Sallyport), not by the site.
Questions, with the request id: it@corp.test
`,
  );
});

test('as JSON it has each fact under a name', () => {
  expect(JSON.parse(told('json'))).toEqual({
    error: 'denied',
    status: 403,
    sentence: refusal.sentence,
    reason: 'no rule matches a.test:80',
    message: 'Ask your team lead first.',
    rule: { name: 'default', at: 'sallyport.yaml:12' },
    url: 'http://a.test/x?',
    method: 'GET',
    client: '10.0.0.7',
    user: 'alice',
    allow: [{ put: 'at the end of policy.rules', yaml: "- { name: 'allow a.test' }" }],
    squid: 'ERR_ACCESS_DENIED',
    contact: 'it@corp.test',
    by: 'gate',
    id: 'abc-0000001',
  });
});

test('as HTML it shows all of that, and stays small', () => {
  const page = told('html');
  for (const fact of ['default (sallyport.yaml:12)', 'abc-0000001', 'http://a.test/x?', '10.0.0.7', 'alice', 'denied'])
    expect(page).toContain(`<dd>${fact}</dd>`);
  expect(page).toContain('<p class="say">Ask your team lead first.</p>');
  expect(page).toContain('<p>Reason: no rule matches a.test:80.</p>');
  expect(page).toContain('<pre>- name: &#39;allow a.test&#39;</pre>\n<p>Put it at the end of policy.rules.</p>');
  expect(page).toContain('it@corp.test');
  expect(page.length).toBeLessThan(4_000);
});

test('what is not known is not told', () => {
  const bare: Refusal = { ...refusal, detail: '', rule: undefined, message: undefined, mends: [] };
  const { asker: _asker, style: _style, at: _at, ...least } = bare;
  expect(refusalBody({ ...least, form: 'text' }).body).toBe(
    `403 Forbidden: The policy of this proxy does not allow the request.

address  http://a.test/x?
code     denied
request  abc-0000001

This answer was made by the proxy on the way (Sallyport), not by the site.
Give the request id to whoever runs the proxy.
`,
  );
  expect(Object.keys(JSON.parse(refusalBody({ ...least, form: 'json' }).body))).toEqual([
    'error',
    'status',
    'sentence',
    'url',
    'squid',
    'id',
  ]);
  expect(refusalBody(least).body).not.toMatch(/undefined|<h2>|class="say"/);
});

describe('whatever came from outside', () => {
  const attack = '<script>alert("1")</script>\'&\r\n\x1b]0;x\x07\0\x7f\x9b31m\u202e\u2028\ufeff\ud800é';
  const hostile: Partial<Refusal> = {
    url: attack,
    detail: attack,
    rule: attack,
    sentence: attack,
    id: attack,
    message: attack,
    location: attack,
    asker: { ...refusal.asker, client: attack, user: attack, method: attack } as Required<Refusal>['asker'],
    style: { ...style, contact: attack },
    mends: [{ where: attack, line: attack, block: attack }],
  };

  test('stays text in HTML', () => {
    const page = told('html', hostile);
    expect(page).not.toMatch(/<script|alert\("/);
    expect(page.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&#39;&amp;/g)?.length).toBeGreaterThan(10);
  });

  test('moves no terminal', () => {
    const text = told('text', hostile);
    expect(text).not.toMatch(/[^\n\P{C}]|[\u2028\u2029]/u);
    expect(text).toContain('\\x1b]0;x\\x07\\x00\\x7f\\x9b31m\\u{202e}\\u{2028}\\u{feff}\\u{d800}é');
  });

  test('is JSON all the same, in ASCII and without markup', () => {
    const json = told('json', hostile);
    expect(json).toMatch(/^[\n\x20-\x7e]*$/);
    expect(json).not.toMatch(/[<>&]/);
    expect(JSON.parse(json)).toMatchObject({ url: attack, user: attack, reason: attack });
  });
});

describe('a page of one’s own', () => {
  test('takes the place of ours in HTML, and only there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pages-'));
    writeFileSync(join(folder, 'ERR_ACCESS_DENIED'), '<h1>%c</h1> %U %o');
    const custom = await CustomPages.open(folder);
    const styled = { style: { ...style, custom } };
    expect(told('html', styled)).toBe('<h1>ERR_ACCESS_DENIED</h1> http://a.test/x? Ask your team lead first.');
    expect(told('html', { ...styled, squid: 'ERR_DNS_FAIL' })).toContain('<!doctype html>');
    expect(told('text', styled)).toContain('403 Forbidden');
    expect(refusalBody({ ...refusal, ...styled })).toMatchObject({ isOurs: false, type: 'text/html; charset=utf-8' });
  });
});

test('the rule on the page is YAML', () => {
  const block = "- name: 'a'\n  hosts: ['b']\n  action: allow";
  const text = told('text', { mends: [{ where: 'x', line: '', block }] });
  const shown = text.slice(text.indexOf('- name'), text.indexOf('\n\nThis answer'));
  expect(parseDocument(shown).toJS()).toEqual([{ name: 'a', hosts: ['b'], action: 'allow' }]);
});

test.each([
  ['plain\ntext é', 'plain\ntext é'],
  ['a\tb\r', 'a\\x09b\\x0d'],
  ['\u{e0041}', '\\u{e0041}'],
])('%j is spelled for a terminal', (text, spelled) => {
  expect(forTerminal(text)).toBe(spelled);
});
