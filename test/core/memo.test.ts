// What was kept of a text is had again for that text alone, whatever else came to its place.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/core/collect-garbage.ts';
import { Memo } from '../../src/core/memo.ts';

test('of a text that never came nothing is known, not even of the empty one', () => {
  const memo = new Memo<number>(16);
  expect([memo.get('a'), memo.get('')]).toEqual([undefined, undefined]);
});

test('what was kept last of a text is had again, by another string of the same characters', () => {
  const memo = new Memo<number>(16);
  memo.set('api.example.test', 1);
  memo.set('api.example.test', 2);
  expect(memo.get(['api', 'example', 'test'].join('.'))).toBe(2);
});

test('whatever comes between, nobody is given what was kept of another text', () => {
  const text = fc.oneof(fc.string({ maxLength: 3 }), fc.domain(), fc.ipV4(), fc.string({ minLength: 200 }));
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const memo = new Memo<string>(8);
      for (const one of texts) {
        memo.set(one, one);
        expect(memo.get(one)).toBe(one);
        for (const other of texts) expect([undefined, other]).toContain(memo.get(other));
      }
    }),
  );
});

test('it is full with as many as it has places for, whatever comes', () => {
  const memo = new Memo<number>(8);
  const hosts = Array.from({ length: 1_000 }, (_, at) => `host-${at}.example.test`);
  for (const [at, host] of hosts.entries()) memo.set(host, at);
  expect(hosts.filter((host) => memo.get(host) !== undefined).length).toBeLessThanOrEqual(8);
});

test.each<[sentence: string, textOf: (at: number) => string]>([
  ['addresses of one network', (at) => `10.0.${at >> 8}.${at & 255}`],
  ['addresses of machines next to each other in IPv6', (at) => `2001:db8::${at.toString(16)}`],
  ['hosts with a number in their first label', (at) => `node-${at}.eu-west-1.example.test`],
  ['hosts with a number in their last label', (at) => `www.shop${at}.test`],
  ['targets that differ in their port', (at) => `origin.example.test:${8_000 + at}`],
  [
    'heads that differ in their host',
    (at) => `CONNECT h${at}.test:443 HTTP/1.1\r\nHost: h${at}.test:443\r\nUser-Agent: agent/1.0\r\n\r\n`,
  ],
])('half of as many as it has places for, or nearly, are still known: %s', (_sentence, textOf) => {
  const memo = new Memo<number>(256);
  const texts = Array.from({ length: 128 }, (_, at) => textOf(at));
  for (const [at, text] of texts.entries()) memo.set(text, at);
  expect(texts.filter((text) => memo.get(text) !== undefined).length).toBeGreaterThan(80);
});

test('a text that was cut from a long one does not hold on to it', () => {
  const memo = new Memo<number>(512);
  const keep = (count: number): void => {
    for (let at = 0; at < count; at += 1) {
      const head = Buffer.from(`${'x'.repeat(60_000)}host-${at}.some.ok.test`).toString('latin1');
      memo.set(head.slice(60_000), at);
    }
  };
  keep(10);
  collectGarbage({ type: 'major' });
  const before = process.memoryUsage();
  keep(1_000);
  collectGarbage({ type: 'major' });
  const after = process.memoryUsage();
  // All of them would be 30 MB.
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(8_000_000);
  expect(memo.get('host-999.some.ok.test')).toBe(999);
});

test('cleared, it knows nothing', () => {
  const memo = new Memo<number>(8);
  memo.set('a', 1);
  memo.clear();
  expect(memo.get('a')).toBeUndefined();
});
