// Pages of our own: whatever came from outside stays text, no header can be broken, and the socket does not stay open.

import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/core/error-kinds.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { escapeHtml, html, type Refusal, refusalOf, replyPage, replyRaw } from '../../src/http/reply.ts';
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

describe('a refusal', () => {
  test('says what the error says', () => {
    expect(denied).toEqual({
      code: 'denied',
      status: 403,
      sentence: ERROR_KINDS.denied.sentence,
      detail: 'No rule allows it.',
      rule: 'default',
      squid: 'ERR_ACCESS_DENIED',
      url: 'http://no.test/',
      id: 'id-1',
    });
  });

  test('of an error without status is a 502', () => {
    expect(refusalOf(new ProxyError('client-tls'), '', '')).toMatchObject({ status: 502, rule: undefined });
  });

  test('shows nothing of what a fault of ours says of itself', () => {
    const { detail } = refusalOf(new ProxyError('internal', 'ENOENT: /etc/sallyport/ca-key.pem'), '', '');
    expect(detail).toBe('');
  });
});

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

  test('keeps its fields within bounds', async () => {
    const text = await answer({ ...denied, rule: 'r'.repeat(10_000), detail: 'd'.repeat(10_000) });
    expect(text.indexOf('\r\n\r\n')).toBeLessThan(2_000);
  });

  test('without a rule says nothing of one', async () => {
    const text = await answer(refusalOf(new ProxyError('connect-failed'), 'ok.test:443', 'id-2'));
    expect(text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
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
    expect((await raw(denied)).text).toMatch(/^HTTP\/1\.1 403 Denied by default\r\n/);
    const odd = await raw({ ...denied, rule: 'a\r\nb: "c" é' });
    expect(odd.text).toMatch(/^HTTP\/1\.1 403 Denied by a\?\?b: "c" \?\r\n/);
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

describe('markup', () => {
  test.each([
    ['<>&"\'', '&lt;&gt;&amp;&quot;&#39;'],
    ['&lt;', '&amp;lt;'],
    ['constructor', 'constructor'],
    ['', ''],
  ])('%j is escaped as %j', (text, escaped) => {
    expect(escapeHtml(text)).toBe(escaped);
  });

  test('of a whole page escapes the title and leaves the parts', () => {
    const page = html('<b>', ['<p>x</p>']);
    expect(page).toContain('<title>&lt;b&gt;</title>');
    expect(page).toContain('<p>x</p>');
    expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  });
});
