// Squid's native line byte for byte, for every outcome; its httpd formats; and that no input can break or forge a line.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { escapeField } from '../../src/log/escape.ts';
import { httpdTime } from '../../src/log/httpd-time.ts';
import { combinedLine, commonLine, MAX_RECORD, mediaType, resultTag, squidLine } from '../../src/log/text-line.ts';
import { LOGGED_OUTCOMES, makeEntry, TIME } from '../support/log-entries.ts';
import { readNativeLine } from '../support/native-line.ts';

const unicode = fc.string({ unit: 'binary', maxLength: 40 });
const wire = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const hostile = fc.oneof(unicode, wire, fc.constantFrom('-', '', ' - ', '\r\n', '" 200 0 "', '%...', '%2d'));
const long = fc
  .tuple(hostile, fc.integer({ min: 0, max: 20_000 }))
  .map(([text, times]) => (text || 'x').repeat(times).slice(0, 30_000));

const anyEntry: fc.Arbitrary<AccessLogEntry> = fc.record(
  {
    time: fc.integer({ min: 0, max: 4e12 }),
    elapsed: fc.integer({ min: 0, max: 1e10 }),
    client: fc.oneof(fc.ipV4(), fc.ipV6(), hostile),
    tag: fc.constantFrom('NONE_NONE', 'TCP_MISS', 'TCP_TUNNEL', 'TCP_DENIED'),
    suffix: fc.constantFrom('ABORTED', 'TIMEDOUT'),
    status: fc.constantFrom(0, 101, 200, 204, 403, 503),
    bytes: fc.nat(),
    method: fc.oneof(fc.constantFrom('GET', 'CONNECT', 'PROPFIND'), hostile),
    url: fc.oneof(fc.webUrl({ withQueryParameters: true }), hostile, long),
    user: fc.oneof(hostile, long),
    hierarchy: fc.constantFrom('HIER_NONE', 'HIER_DIRECT'),
    peer: fc.oneof(fc.ipV4(), fc.ipV6()),
    contentType: fc.oneof(fc.constant('text/html; charset=utf-8'), hostile, long),
    httpVersion: fc.constantFrom('1.0', '1.1'),
    referer: fc.oneof(fc.webUrl(), hostile, long),
    userAgent: fc.oneof(hostile, long),
    outcome: fc.constant('forwarded'),
    session: fc.constant('s-1'),
  },
  { requiredKeys: ['time', 'elapsed', 'client', 'tag', 'status', 'bytes', 'url', 'hierarchy', 'outcome', 'session'] },
);

describe("Squid's native line", () => {
  test.each(LOGGED_OUTCOMES)('$name', ({ entry, line }) => {
    expect(squidLine(entry)).toBe(line);
    // What was escaped before is remembered.
    expect(squidLine(entry)).toBe(line);
  });

  test.each([
    ['seconds are padded to nine', { time: 1_001 }, '        1.001     12 10.20.0.7 '],
    ['milliseconds are padded to three', { time: 1_795_330_020_007 }, '1795330020.007     12 10.20.0.7 '],
    ['elapsed is padded to six', { elapsed: 0 }, '1795330020.042      0 10.20.0.7 '],
    ['a fraction of a millisecond is dropped', { time: TIME + 0.9, elapsed: 12.9 }, '1795330020.042     12 10.20.0.7 '],
  ])('%s', (_name, facts, expected) => {
    expect(squidLine(makeEntry(facts)).slice(0, expected.length)).toBe(expected);
  });

  test.each([
    ['user', { user: '-' }, '%2d'],
    ['user', { user: '' }, '-'],
    ['user', { user: 'joe\nevil:x' }, 'joe%0aevil:x'],
    ['user', { user: 'joe\0' }, 'joe%00'],
    ['user', { user: 'a b' }, 'a%20b'],
    ['user', { user: 'j\xc3\xb6' }, 'j%c3%b6'],
    ['user', { user: 'u'.repeat(8192) }, `${'u'.repeat(252)}%...`],
    ['type', { contentType: 'text/html;charset=utf-8' }, 'text/html'],
    ['type', { contentType: 'text/html charset' }, 'text/html'],
    ['type', { contentType: 'text/html\tx' }, 'text/html'],
    ['type', { contentType: ';' }, '-'],
    ['type', { contentType: 'text/\r\nhtml' }, 'text/%0d%0ahtml'],
    ['method', { method: '' }, '-'],
    ['method', { method: 'GET 200' }, 'GET%20200'],
    ['peer', { peer: '' }, '-'],
    ['url', { url: '' }, '-'],
    ['url', { url: 'https://joe:secret@h.test/p?key=1' }, 'https://h.test/p?'],
    ['url', { url: 'https://h.test/a b"c\\d\ne' }, 'https://h.test/a%20b%22c%5Cd%0Ae'],
    ['url', { url: 'https://h.test/%C3%A9%zz' }, 'https://h.test/%C3%A9%25zz'],
  ] as const)('%s of %j is %s', (field, facts, expected) => {
    expect(readNativeLine(squidLine(makeEntry(facts)))[field]).toBe(expected);
  });

  test('a URL takes what the record has left, and the cut is visible', () => {
    const line = squidLine(makeEntry({ url: `https://h.test/${'a'.repeat(20_000)}` }));
    expect(line.length).toBe(MAX_RECORD - 1);
    expect(readNativeLine(line).url).toMatch(/^https:\/\/h\.test\/a{8000,}%\.\.\.$/);
  });

  test('a password is not printed when the cut would fall into it', () => {
    const line = squidLine(makeEntry({ url: `https://joe:${'s'.repeat(20_000)}@h.test/` }));
    expect(readNativeLine(line).url).toBe('https://h.test/');
  });

  test('any entry gives one line whose ten fields read back', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const line = squidLine(entry);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
        expect(line.length).toBeLessThan(MAX_RECORD);
        const read = readNativeLine(line);
        expect(read.time).toBe(
          `${String(Math.floor(entry.time / 1000)).padStart(9)}.${line.slice(line.indexOf('.') + 1).slice(0, 3)}`,
        );
        expect(Math.round(Number(read.time) * 1000)).toBe(entry.time);
        expect(Number(read.elapsed)).toBe(entry.elapsed);
        expect(read.tag).toBe(resultTag(entry));
        expect(Number(read.status)).toBe(entry.status);
        expect(Number(read.bytes)).toBe(entry.bytes);
        expect(read.hierarchy).toBe(entry.hierarchy);
        if (entry.user && entry.user !== '-' && escapeField(entry.user).length <= 256) {
          expect(read.user).toBe(escapeField(entry.user));
        }
        expect(read.user === '-').toBe((entry.user ?? '') === '');
        expect(read.type).toBe(
          readNativeLine(squidLine(makeEntry({ contentType: mediaType(entry.contentType ?? '') }))).type,
        );
      }),
    );
  });
});

describe('the common and combined lines', () => {
  const when = httpdTime(TIME);

  test('common', () => {
    expect(commonLine(makeEntry({ url: 'https://h.test/p?q' }))).toBe(
      `10.20.0.7 - - [${when}] "GET https://h.test/p? HTTP/1.1" 200 1512 TCP_MISS:HIER_DIRECT`,
    );
  });

  test('common, of a connection without a request', () => {
    const { httpVersion: _version, method: _method, ...entry } = makeEntry({ status: 0, bytes: 0, url: 'error:x' });
    expect(commonLine(entry)).toBe(`10.20.0.7 - - [${when}] "- error:x NONE/0.0" 0 0 TCP_MISS:HIER_DIRECT`);
  });

  test('combined', () => {
    const entry = makeEntry({
      user: 'joe',
      referer: 'https://joe:x@r.test/p?token=1',
      userAgent: 'curl/8 "x" \\ \n\x1b',
    });
    expect(combinedLine(entry)).toBe(
      `10.20.0.7 - joe [${when}] "GET https://api.example.com/v2/items HTTP/1.1" 200 1512 ` +
        '"https://r.test/p?" "curl/8 \\"x\\" \\\\ \\n\\x1b" TCP_MISS:HIER_DIRECT',
    );
  });

  test('any entry gives one line in which only our own quotes delimit', () => {
    const shape =
      /^[\x21-\x7e]+ - [\x21-\x7e]+ \[[^\]]+\] "([^" ]+) ([^" ]+) (?:HTTP|NONE)\/[\d.]+" \d+ \d+ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)" [A-Z_]+:[A-Z_]+$/;
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const line = combinedLine(entry);
        expect(line).toMatch(shape);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
        expect(line.length).toBeLessThan(MAX_RECORD);
      }),
    );
  });
});
