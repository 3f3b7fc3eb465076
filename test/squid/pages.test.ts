import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPages } from '../../src/squid/pages.ts';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];

test('a folder of pages is taken over where it is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pages-'));
  writeFileSync(join(folder, 'ERR_ACCESS_DENIED'), '<p>%U</p>');
  const { config, said } = await importLines(...BASE, `error_directory ${folder}`);
  expect([config.refusals?.pages, said]).toEqual([folder, expect.not.arrayContaining(['lost error_directory'])]);
  writeFileSync(join(folder, 'ERR_DNS_FAIL'), '@Squid{%err_code}');
  expect((await importLines(...BASE, `error_directory ${folder}`)).said).toContain('differs error_directory');
  const without = await importLines(...BASE, 'error_directory /not/there');
  expect([without.config.refusals?.pages, without.said]).toEqual([
    undefined,
    expect.arrayContaining(['lost error_directory']),
  ]);
  expect(readPages).toHaveLength(2);
});
