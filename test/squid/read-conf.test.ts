import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AclSet } from '../../src/squid/acl-set.ts';
import { Notes } from '../../src/squid/note.ts';
import { readConf } from '../../src/squid/read-conf.ts';

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'conf-'));
  mkdirSync(join(folder, 'conf.d'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return join(folder, 'squid.conf');
}

const read = (files: Readonly<Record<string, string>>) => readConf(folderWith(files));
const lines = async (files: Readonly<Record<string, string>>) =>
  (await read(files)).directives.map(({ file, line, name, rest }) => `${file}:${line} ${name} ${rest}`.trim());

describe('a squid.conf', () => {
  test('has comments, blank lines and continued ones', async () => {
    const text = '# a\n\nacl a src 10.0.0.1 \\\n  # in between\n  10.0.0.2\nhttp_access allow a\r\n';
    expect(await lines({ 'squid.conf': text })).toEqual([
      'squid.conf:3 acl a src 10.0.0.1 10.0.0.2',
      'squid.conf:6 http_access allow a',
    ]);
  });

  test('includes files by pattern, in the order of their names', async () => {
    const files = {
      'squid.conf': 'include conf.d/*.conf\nvia on',
      'conf.d/b.conf': 'via off',
      'conf.d/a.conf': 'cache deny all',
      'conf.d/c.txt': 'x',
    };
    expect(await lines(files)).toEqual(['a.conf:1 cache deny all', 'b.conf:1 via off', 'squid.conf:2 via on']);
  });

  test('takes the lines of the process that there is', async () => {
    const text = 'if $\x7bprocess_number} = 0\nvia on\nelse\nvia off\nendif\nvisible_hostname $\x7bservice_name}';
    expect(await lines({ 'squid.conf': text })).toEqual(['squid.conf:2 via on', 'squid.conf:6 visible_hostname squid']);
    expect(await lines({ 'squid.conf': `workers 4\n${text}` })).toContain('squid.conf:5 via off');
  });

  test('has lists in files of their own, and says which cannot be read', async () => {
    const text = 'acl a dstdomain "list.txt"\nacl b dstdomain "missing.txt"';
    const { directives } = await read({ 'squid.conf': text, 'list.txt': '# x\na.example\n\n b.example\n' });
    expect(directives.map(({ lists }) => lists.get(2))).toEqual([['a.example', 'b.example'], undefined]);
  });

  test('has the words of a file in place of its name, and words in quotes that name none', async () => {
    const text = [
      'acl a dstdomain x.example parameters("list.txt")',
      "acl b dstdomain parameters('missing.txt')",
      'configuration_includes_quoted_values on',
      'acl c dstdomain "list.txt" parameters("list.txt")',
      'configuration_includes_quoted_values off',
      'acl d dstdomain "list.txt"',
    ].join('\n');
    const { directives } = await read({ 'squid.conf': text, 'list.txt': 'a.example b.example\nc.example\n' });
    const acls = new AclSet();
    for (const one of directives.filter(({ name }) => name === 'acl')) acls.define(one, new Notes());
    const listed = ['a.example', 'b.example', 'c.example'];
    expect(['a', 'b', 'c', 'd'].map((name) => [acls.get(name)?.incomplete, acls.get(name)?.values])).toEqual([
      [false, ['x.example', ...listed]],
      [true, []],
      [false, ['list.txt', ...listed]],
      [false, ['a.example b.example', 'c.example']],
    ]);
  });

  test.each([
    ['a file that is not there', 'include /nowhere/x.conf', /squid\.conf:1 \/nowhere\/x\.conf cannot be read/],
    ['a file that includes itself', 'include squid.conf', /more than 16 deep/],
    ['an if without endif', 'if true\nvia on', /squid\.conf:1 "if" has no "endif"/],
    ['a quote that is not closed', 'acl a dstdomain "x', /a quote is not closed/],
  ])('with %s is told', async (_, text, message) => {
    const { problems } = await read({ 'squid.conf': text });
    expect(problems.map(({ file, line, message: said }) => `${file}:${line} ${said}`).join('\n')).toMatch(message);
  });
});
