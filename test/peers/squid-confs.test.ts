// The squid.conf files that the import is tested with are ones that Squid itself takes: each is given to its own parser.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../support/run.ts';
import { CERTGEN, hasSquid, SQUID } from '../support/squid.ts';
import { TestCa } from '../support/test-ca.ts';

const CONFS = join(import.meta.dirname, '../squid/confs');
const names = readdirSync(CONFS).filter((name) => name.endsWith('.conf'));

const ca = new TestCa('Confs Authority');
const folder = mkdtempSync(join(tmpdir(), 'confs-'));
const pem = join(folder, 'ca.pem');
writeFileSync(pem, `${ca.root}${readFileSync(join(ca.folder, 'root.key'), 'utf8')}`);
// What they include and name, beside them.
mkdirSync(join(folder, 'conf.d'));
writeFileSync(join(folder, 'conf.d/none.conf'), '# Nothing of its own.\n');
for (const name of readdirSync(CONFS)) {
  // Their authority and its helper are where their machines have them.
  const text = readFileSync(join(CONFS, name), 'utf8')
    .replace(/\bcert=\S+/g, `cert=${pem}`)
    .replace(/\bkey=\S+/g, '')
    .replace(/^sslcrtd_program \S+/gm, `sslcrtd_program ${CERTGEN}`);
  writeFileSync(join(folder, name), text);
}
afterAll(() => {
  for (const one of [folder, ca.folder]) rmSync(one, { recursive: true });
});

describe.skipIf(!hasSquid)('a squid.conf of the import (skipped where Squid is not installed)', () => {
  test('is one of ten', () => expect(names).toHaveLength(10));

  test.each(names)('%s is one for Squid', async (name) => {
    const { code, err } = await run(SQUID, ['-k', 'parse', '-f', join(folder, name)], { folder });
    expect([code, /^.*(?:FATAL|Bungled|ERROR).*$/m.exec(err)?.[0]]).toEqual([0, undefined]);
  });
});
