// Pages of one's own: a folder as Squid's, with languages or without; what is none is told at start.

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CustomPages } from '../../src/http/custom-pages.ts';

function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'pages-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('a folder of pages', () => {
  test('has them by the names of Squid’s errors, and nothing else', async () => {
    const folder = folderOf({ ERR_ACCESS_DENIED: 'no', 'README.txt': 'x', ERR_bad: 'x' });
    const pages = await CustomPages.open(folder);
    expect(pages.find('ERR_ACCESS_DENIED', ['de'])).toEqual({ text: 'no', language: undefined });
    for (const name of ['ERR_DNS_FAIL', 'README.txt', 'ERR_bad', '../ERR_ACCESS_DENIED', 'constructor'])
      expect(pages.find(name, [])).toBeUndefined();
    expect(pages.hasLanguages).toBe(false);
  });

  test('with languages answers in the one that is wanted most', async () => {
    const pages = await CustomPages.open(
      folderOf({
        'en/ERR_ACCESS_DENIED': 'no',
        'de/ERR_ACCESS_DENIED': 'nein',
        'pt-br/ERR_ACCESS_DENIED': 'não',
        'de/ERR_DNS_FAIL': 'kein Name',
        'templates/ERR_ACCESS_DENIED': 'x',
      }),
    );
    expect(pages.hasLanguages).toBe(true);
    const said = (...languages: string[]) => pages.find('ERR_ACCESS_DENIED', languages);
    expect(said('de')).toEqual({ text: 'nein', language: 'de' });
    expect(said('de-AT, en;q=0.8')).toEqual({ text: 'nein', language: 'de' });
    expect(said('en;q=0.8, de;q=0.9')).toEqual({ text: 'nein', language: 'de' });
    expect(said('PT-BR')).toEqual({ text: 'não', language: 'pt-br' });
    expect(said('fr, de;q=0')).toEqual({ text: 'no', language: 'en' });
    for (const none of [[], [''], ['*'], ['../../etc'], [',;=;q=,'], ['x'.repeat(10_000)]])
      expect(said(...none)).toEqual({ text: 'no', language: 'en' });
    expect(pages.find('ERR_DNS_FAIL', ['en'])).toBeUndefined();
  });

  test('with codes of a logformat has them told, page by page', async () => {
    const pages = await CustomPages.open(
      folderOf({ ERR_ACCESS_DENIED: 'no %c', 'de/ERR_DNS_FAIL': '@Squid{%err_code} @Squid{%>a}' }),
    );
    expect(pages.warnings).toEqual([expect.stringMatching(/\/de\/ERR_DNS_FAIL: @Squid\{\.\.\.\} is not expanded/)]);
  });

  test('in an old coding is read all the same', async () => {
    const pages = await CustomPages.open(folderOf({ ERR_DNS_FAIL: Buffer.from('caf\xe9', 'latin1') }));
    expect(pages.find('ERR_DNS_FAIL', [])?.text).toBe('café');
  });

  test.skipIf(!existsSync('/usr/share/squid/errors/en'))('may be that of a Squid', async () => {
    const pages = await CustomPages.open('/usr/share/squid/errors/en');
    expect(pages.find('ERR_ACCESS_DENIED', [])?.text).toContain('%U');
  });
});

describe('what is no folder of pages is refused', () => {
  test.each([
    ['one that is not there', () => '/nowhere/pages', /^pages: \/nowhere\/pages: it cannot be read \(.*ENOENT/],
    ['a file', () => join(folderOf({ x: 'x' }), 'x'), /it cannot be read \(.*ENOTDIR/],
    ['an empty one', () => folderOf({}), /there is no page in it: pages are files such as ERR_ACCESS_DENIED\.$/],
    [
      'one with a page too large',
      () => folderOf({ ERR_X: 'x'.repeat(300_000) }),
      /ERR_X \(it is larger than 256 KiB\)/,
    ],
    ['one with a folder as page', () => folderOf({ 'ERR_X/y': '' }), /the page ERR_X \(.*EISDIR/],
  ])('%s', async (_what, folder, message) => {
    await expect(CustomPages.open(folder())).rejects.toMatchObject({
      code: 'config-invalid',
      detail: expect.stringMatching(message),
    });
  });
});
