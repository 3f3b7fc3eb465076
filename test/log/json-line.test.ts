// The JSON twin: stable keys, one line, no secrets, a bounded size, and a `cut` list instead of silent truncation.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { jsonLine } from '../../src/log/json-line.ts';
import { LOGGED_OUTCOMES, makeEntry } from '../support/log-entries.ts';

const FULL: AccessLogEntry = makeEntry({
  suffix: 'ABORTED',
  url: 'https://joe:secret@api.example.com/v2?token=secret',
  user: 'joe',
  contentType: 'text/html; charset=utf-8',
  referer: 'https://joe:secret@r.test/?token=secret',
  userAgent: 'curl/8',
  tunnel: 't-1',
  exchange: 'x-1',
  action: 'allow',
  step: 'request',
  rule: 'api',
  reason: 'matched the rule',
  wouldDeny: true,
  refuseBy: 'page',
  tls: 'bump',
  error: 'client-aborted',
  errorDetail: 'after 3 bytes',
  alert: 'unknown_ca',
  confidence: 'certain',
  sni: 'api.example.com',
  clientTls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  upstreamTls: { version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' },
  bytesIn: 77,
  timings: { dns: 1, connect: 2, tls: 3, firstByte: 4 },
});

const parse = (line: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return { ...value };
};

describe('jsonLine', () => {
  test('every fact has its key, in one order', () => {
    expect(jsonLine(FULL)).toBe(
      '{"time":"2026-11-22T06:47:00.042Z","elapsed_ms":12,"client":"10.20.0.7","outcome":"forwarded",' +
        '"tag":"TCP_MISS_ABORTED","status":200,"bytes":1512,"bytes_in":77,"method":"GET",' +
        '"url":"https://api.example.com/v2?","user":"joe","hierarchy":"HIER_DIRECT","peer":"192.0.2.10",' +
        '"content_type":"text/html","http_version":"1.1","referer":"https://r.test/?","user_agent":"curl/8",' +
        '"session":"s-1","tunnel":"t-1","exchange":"x-1","action":"allow","step":"request","rule":"api",' +
        '"reason":"matched the rule","would_deny":true,"refuse_by":"page","tls":"bump","error":"client-aborted",' +
        '"error_detail":"after 3 bytes","alert":"unknown_ca","confidence":"certain","sni":"api.example.com",' +
        '"client_tls":{"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256"},' +
        '"upstream_tls":{"version":"TLSv1.2","cipher":"ECDHE-RSA-AES128-GCM-SHA256"},' +
        '"timings":{"dns_ms":1,"connect_ms":2,"tls_ms":3,"first_byte_ms":4}}',
    );
  });

  test('no secret of the full entry is in it', () => {
    expect(jsonLine(FULL)).not.toContain('secret');
  });

  test.each(LOGGED_OUTCOMES)('$name parses, and a fact that does not exist has no key', ({ entry }) => {
    const read = parse(jsonLine(entry));
    expect(read['outcome']).toBe(entry.outcome);
    expect('method' in read).toBe(entry.method !== undefined);
    expect('user' in read).toBe(entry.user !== undefined);
    expect('peer' in read).toBe(entry.hierarchy === 'HIER_DIRECT');
    expect('cut' in read).toBe(false);
  });

  test.each([
    ['zo\u00c3\u00ab', 'zo\u00eb'],
    ['zo\u00eb', 'zo\u00eb'],
    ['zo\u{1f600}', 'zo\u{1f600}'],
  ])('a user is the text that its bytes are, where they are text: %j', (user, text) => {
    expect(JSON.parse(jsonLine(makeEntry({ user })))).toMatchObject({ user: text });
  });

  test('a text that is too long is cut and named', () => {
    const read = parse(
      jsonLine(makeEntry({ url: `https://h.test/${'a'.repeat(9000)}`, userAgent: '\x1b'.repeat(600) })),
    );
    expect(read['cut']).toEqual(['url', 'user_agent']);
    expect(read['url']).toBe(`https://h.test/${'a'.repeat(3584 - 15)}`);
    expect(read['user_agent']).toBe('\x1b'.repeat(85));
  });

  test('a long text that fits is not touched', () => {
    const url = `https://h.test/${'a'.repeat(3000)}`;
    expect(parse(jsonLine(makeEntry({ url })))['url']).toBe(url);
  });

  test('whatever the texts, it is one line of ASCII below 8 KB that reads back', () => {
    const text = fc
      .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 600 }))
      .map(([unit, times]) => unit.repeat(times));
    const texts = ['client', 'method', 'url', 'user', 'peer', 'contentType', 'httpVersion', 'referer', 'userAgent'];
    const more = ['session', 'tunnel', 'exchange', 'rule', 'reason', 'errorDetail', 'alert', 'sni'];
    fc.assert(
      fc.property(text, (value) => {
        const hostile = Object.fromEntries([...texts, ...more].map((key) => [key, value]));
        const tls = { version: value, cipher: value };
        const line = jsonLine({ ...FULL, ...hostile, clientTls: tls, upstreamTls: tls });
        expect(line).toMatch(/^[\x20-\x7e]*$/);
        expect(line.length).toBeLessThan(8192);
        expect(value.startsWith(String(parse(line)['rule']))).toBe(true);
      }),
    );
  });
});
