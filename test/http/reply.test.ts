// Pages of our own: whatever came from outside stays text, no header can be broken, and the socket does not stay open.

import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/core/error-kinds.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { type Refusal, refusalOf } from '../../src/http/refusal.ts';
import { mediaTypeOf, replyPage, replyRaw } from '../../src/http/reply.ts';
import { ReplyWriter } from '../../src/http/reply-writer.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll } from '../support/rig.ts';
import { closed, socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const denied: Refusal = refusalOf(new ProxyError('denied', 'No rule allows it.'), 'http://no.test/', 'id-1', 'default');

/** The answer of `replyRaw` as the client gets it. */
async function raw(refusal: Refusal): Promise<{ text: string; bytes: number }> {
  const { near, far } = await socketPair();
  const bytes = replyRaw(near, refusal);
  const text = await readAll(far);
  far.end();
  await closed(near);
  return { text, bytes };
}

/** The answer of `replyPage` to a request on a connection of its own. */
async function paged(refusal: Refusal, close: boolean, method = 'GET'): Promise<string> {
  const { near, far } = await socketPair();
  const reply = new ReplyWriter(near, { method, httpVersion: '1.1', last: false, keepAliveTimeout: 5_000 });
  replyPage(reply, refusal, { close });
  expect(await reply.done).toMatchObject({ complete: true });
  near.end();
  return readAll(far);
}

function fieldsOf(text: string): Map<string, string> {
  const lines = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n').slice(1);
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

describe.each([
  ['on a socket', async (refusal: Refusal) => (await raw(refusal)).text],
  ['to a request', (refusal: Refusal) => paged(refusal, true)],
])('a page %s', (_way, answer) => {
  test('tells status, rule, Squid’s name and the error by its fields', async () => {
    const text = await answer(denied);
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    const fields = fieldsOf(text);
    expect(Object.fromEntries(fields)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-squid-error': 'ERR_ACCESS_DENIED 0',
      'x-proxy-denied': 'default',
      'proxy-status':
        'sallyport; error=http_request_denied; details="The policy of this proxy does not allow the request. No rule allows it."',
      connection: 'close',
    });
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(fields.get('content-length')).toBe(String(body.length));
    expect(body).toContain('<dt>Rule</dt><dd>default</dd>');
    expect(body).toContain('<dt>Address</dt><dd>http://no.test/</dd>');
    expect(body).toContain('<dt>Request</dt><dd>id-1</dd>');
  });

  test('escapes everything that came from outside', async () => {
    const attack = '<script>alert("1")</script>\'&';
    const refusal = { ...denied, url: attack, detail: attack, rule: attack, sentence: attack, id: attack };
    const text = await answer(refusal);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(body).not.toMatch(/<script|alert\("|'&[^#a]/);
    expect(body.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&#39;&amp;/g)).toHaveLength(5);
  });

  test('cannot be broken by line ends, quotes and odd characters in its fields', async () => {
    const attack = 'a"b\\c\r\nX-Evil: 1\r\n\r\n\0\x1b\u2028é';
    const text = await answer({ ...denied, detail: attack, rule: attack, sentence: attack, url: attack });
    const fields = fieldsOf(text);
    expect([...fields.keys()]).not.toContain('x-evil');
    expect(text.slice(0, text.indexOf('\r\n\r\n'))).toMatch(/^[\x20-\x7e\r\n]*$/);
    expect(fields.get('x-proxy-denied')).toBe('a"b\\c??X-Evil: 1????????');
    expect(fields.get('proxy-status')).toMatch(/; details="a\\"b\\\\c\?\?X-Evil: 1\?+ a\\"b\\\\c\?\?X-Evil: 1\?+"$/);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(fields.get('content-length')).toBe(String(body.length));
  });

  test('names the place of the rule and what would allow it, whole or not at all', async () => {
    const mend = (line: string) => ({ where: 'anywhere', line, block: line });
    const at = { file: '/etc/p.yaml', line: 3 };
    const lines = ["- { name: 'a', hosts: ['x'] }", 'x'.repeat(2_000), 'a\r\nX-Evil: 1', 'connectPorts: [443, 8443]'];
    const text = await answer({ ...denied, at, mends: lines.map(mend) });
    expect(fieldsOf(text).get('x-proxy-rule-at')).toBe('p.yaml:3');
    expect(fieldsOf(text).get('x-proxy-request')).toBe('id-1');
    const head = text.slice(0, text.indexOf('\r\n\r\n'));
    expect([...head.matchAll(/X-Proxy-Allow: (.*)/g)].map(([, line]) => line)).toEqual([lines[0], lines[3]]);
  });

  test.each([
    [undefined, 'text/html; charset=utf-8'],
    ['html', 'text/html; charset=utf-8'],
    ['text', 'text/plain; charset=utf-8'],
    ['json', 'application/json'],
  ] as const)('is as the client reads it: %s', async (form, type) => {
    const refusal = { ...denied, form, url: 'http://no.test/é' };
    const text = await answer(refusal);
    const fields = fieldsOf(text);
    expect(fields.get('content-type')).toBe(type);
    expect(mediaTypeOf(refusal)).toBe(type.replace(/;.*/, ''));
    expect(fields.get('vary')).toBe('Accept');
    expect(fields.get('x-content-type-options')).toBe('nosniff');
    expect(fields.has('content-security-policy')).toBe(type.startsWith('text/html'));
    expect(fields.get('content-length')).toBe(String(text.length - text.indexOf('\r\n\r\n') - 4));
  });

  test('leads on where the rule says so', async () => {
    const text = await answer({ ...denied, status: 302, location: 'https://help.test/?u=x' });
    expect(text).toMatch(/^HTTP\/1\.1 302 /);
    expect(fieldsOf(text).get('location')).toBe('https://help.test/?u=x');
    expect(text).toContain('<a href="https://help.test/?u=x">');
  });

  test('keeps its fields within bounds', async () => {
    const text = await answer({ ...denied, rule: 'r'.repeat(10_000), detail: 'd'.repeat(10_000) });
    expect(text.indexOf('\r\n\r\n')).toBeLessThan(2_000);
  });

  test('without a rule says nothing of one', async () => {
    const text = await answer(refusalOf(new ProxyError('connect-failed'), 'ok.test:443', 'id-2'));
    expect(text).toMatch(/^HTTP\/1\.1 503 Service Unavailable[:\r]/);
    expect(fieldsOf(text).has('x-proxy-denied')).toBe(false);
    expect(text).not.toContain('<dt>Rule</dt>');
    expect(text).not.toContain('<dt>Detail</dt>');
  });
});

describe('every error', () => {
  test.each(Object.entries(ERROR_KINDS).filter(([, kind]) => kind.status > 0))('%s has a page', async (code, kind) => {
    const known = Object.keys(ERROR_KINDS).find((one): one is keyof typeof ERROR_KINDS => one === code);
    if (!known) throw new Error(code);
    const { text } = await raw(refusalOf(new ProxyError(known), '', ''));
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${kind.status} [A-Z]`));
    expect(fieldsOf(text).get('proxy-status')).toMatch(/^sallyport; error=[a-z_]+; details="[^"]+"$/);
  });
});

describe('a page to a request', () => {
  test('closes the connection only when it is told to', async () => {
    expect(fieldsOf(await paged(denied, true)).get('connection')).toBe('close');
    expect(fieldsOf(await paged(denied, false)).get('connection')).toBe('keep-alive');
  });

  test('has no body for HEAD, but its length', async () => {
    const text = await paged(denied, true, 'HEAD');
    expect(text.endsWith('\r\n\r\n')).toBe(true);
    expect(Number(fieldsOf(text).get('content-length'))).toBeGreaterThan(500);
  });
});

describe('a page on a socket', () => {
  test('names the rule in its reason phrase, since clients drop the body of a refused CONNECT', async () => {
    expect((await raw(denied)).text).toMatch(/^HTTP\/1\.1 403 Denied by default: No rule allows it\.\r\n/);
    const at = { file: '/etc/p.yaml', line: 3 };
    expect((await raw({ ...denied, at })).text).toMatch(/^HTTP\/1\.1 403 Denied by default \(p\.yaml:3\): No rule/);
    expect((await raw({ ...denied, message: 'Ask.' })).text).toMatch(/^HTTP\/1\.1 403 Denied by default: Ask\.\r\n/);
    const odd = await raw({ ...denied, rule: 'a\r\nb: "c" é' });
    expect(odd.text).toMatch(/^HTTP\/1\.1 403 Denied by a\?\?b: "c" \?: No/);
  });

  test('says what went wrong in it where no rule decided, and nothing new where clients know the phrase', async () => {
    const failed = refusalOf(new ProxyError('dns-failed', 'ENOTFOUND'), 'ok.test:443', 'id-2');
    expect((await raw(failed)).text).toMatch(
      /^HTTP\/1\.1 503 Service Unavailable: The host name could not be resolved\r\n/,
    );
    const asked = refusalOf(new ProxyError('auth-required', 'x'), 'ok.test:443', 'id-2', 'staff');
    expect((await raw(asked)).text).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
  });

  test('counts its bytes', async () => {
    const { text, bytes } = await raw({ ...denied, url: 'http://no.test/é' });
    expect(bytes).toBe(text.length);
  });

  test('is not written on a socket that cannot take it', async () => {
    const { near } = await socketPair();
    near.destroy();
    expect(replyRaw(near, denied)).toBe(0);
    const ended = await socketPair();
    ended.near.end();
    expect(replyRaw(ended.near, denied)).toBe(0);
  });

  test('reaches a client that is still sending', async () => {
    const { near, far } = await socketPair();
    far.write(Buffer.alloc(1 << 20));
    replyRaw(near, denied);
    expect(await readAll(far)).toContain('</html>');
    far.end();
    await closed(near);
  });

  test('does not leave the socket to a client that never closes its side', async () => {
    const { near, far } = await socketPair();
    replyRaw(near, denied);
    expect(await readAll(far)).toContain('</html>');
    const begin = performance.now();
    await closed(near);
    expect(performance.now() - begin).toBeLessThan(3_000);
  });
});
