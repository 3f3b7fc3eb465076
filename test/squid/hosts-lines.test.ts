import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readHosts } from '../../src/squid/hosts-lines.ts';
import { importLines } from '../support/squid-policy.ts';

test('names of a hosts file are copied, the first of each', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'hosts-')), 'hosts');
  writeFileSync(file, '# x\n10.0.0.1 a.test b.test # y\n10.0.0.2 A.test\n::1 six.test\nnonsense\n');
  const { config, said } = await importLines('http_port 3128', 'http_access allow all', `hosts_file ${file}`);
  expect({ ...config.resolver.hosts }).toEqual({ 'a.test': '10.0.0.1', 'b.test': '10.0.0.1', 'six.test': '::1' });
  expect(said).toContain('differs hosts_file');
  const gone = await importLines('http_port 3128', 'http_access allow all', 'hosts_file /nowhere/hosts');
  expect(gone.said).toContain('lost hosts_file');
  expect(readHosts).toHaveLength(2);
});
