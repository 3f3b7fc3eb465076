// The system's hosts file: what is read from it, and that a change is seen.

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { HostsFile, parseHosts } from '../../src/net/hosts-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'hosts-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the text of a hosts file', () => {
  test.each([
    ['an address and a name', '127.0.0.1 ok.test', { 'ok.test': ['127.0.0.1'] }],
    ['several names', '127.0.0.1\ta.test  b.test', { 'a.test': ['127.0.0.1'], 'b.test': ['127.0.0.1'] }],
    ['upper case and a trailing dot', '127.0.0.1 OK.Test.', { 'ok.test': ['127.0.0.1'] }],
    ['IPv6 in any spelling', '2001:DB8:0::A ok.test', { 'ok.test': ['2001:db8::a'] }],
    ['several lines for one name', '::1 a.test\n127.0.0.1 a.test', { 'a.test': ['::1', '127.0.0.1'] }],
    ['comments', '# x\n127.0.0.1 a.test # b.test\n#127.0.0.1 c.test', { 'a.test': ['127.0.0.1'] }],
    [
      'Windows line ends',
      '127.0.0.1 a.test\r\n127.0.0.2 b.test\r\n',
      { 'a.test': ['127.0.0.1'], 'b.test': ['127.0.0.2'] },
    ],
    ['an address in another spelling', '127.1 a.test\n0x7f.1 b.test', {}],
    ['an address with a zone', 'fe80::1%lo a.test', {}],
    ['no address at all', 'ok.test 127.0.0.1', {}],
    ['an address without a name', '127.0.0.1', {}],
    ['names that are none', '127.0.0.1 a..b %61 good.test', { 'good.test': ['127.0.0.1'] }],
    ['names that every object has', '127.0.0.1 constructor', { constructor: ['127.0.0.1'] }],
    ['nothing', '', {}],
  ])('with %s is read', (_name, text, names) => {
    expect([...parseHosts(text)]).toEqual(Object.entries(names));
  });

  test('has no names that it does not name', () => {
    for (const name of ['constructor', '__proto__', 'toString']) expect(parseHosts('').get(name)).toBeUndefined();
  });
});

describe('a hosts file', () => {
  test('is read again when it has changed, and looked at every five seconds at most', () => {
    const path = join(folder, 'changing');
    const file = new HostsFile(path);
    writeFileSync(path, '127.0.0.1 a.test');
    expect(file.lookup('a.test', 0)).toEqual(['127.0.0.1']);
    writeFileSync(path, '127.0.0.2 a.test');
    utimesSync(path, 1, 1);
    expect(file.lookup('a.test', 4_999)).toEqual(['127.0.0.1']);
    expect(file.lookup('a.test', 5_000)).toEqual(['127.0.0.2']);
  });

  test('that is missing or goes away has no names, and is found when it comes', () => {
    const path = join(folder, 'coming');
    const file = new HostsFile(path);
    expect(file.lookup('a.test', 0)).toBeUndefined();
    writeFileSync(path, '127.0.0.1 a.test');
    expect(file.lookup('a.test', 5_000)).toEqual(['127.0.0.1']);
    rmSync(path);
    expect(file.lookup('a.test', 10_000)).toBeUndefined();
  });

  test('is the one of the system unless another is named', () => {
    expect(new HostsFile().lookup('localhost')).toContain('127.0.0.1');
  });
});
