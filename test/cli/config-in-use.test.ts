// Whether two paths are one config, and what of an answer is believed.

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configToldBy, isSameFile } from '../../src/cli/config-in-use.ts';

describe('two paths', () => {
  const folder = mkdtempSync(join(tmpdir(), 'in-use-'));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('a.yaml'), '');
  writeFileSync(at('b.yaml'), '');
  symlinkSync('a.yaml', at('link.yaml'));
  mkdirSync(at('in'));
  symlinkSync('in', at('way'));
  writeFileSync(at('in/c.yaml'), '');

  test.each([
    ['a.yaml', 'a.yaml', true],
    ['a.yaml', 'b.yaml', false],
    ['a.yaml', 'link.yaml', true],
    ['b.yaml', 'link.yaml', false],
    ['in/c.yaml', 'way/c.yaml', true],
    ['gone.yaml', 'in/../gone.yaml', true],
    ['gone.yaml', 'a.yaml', false],
  ])('%s and %s: %s', async (one, other, isSame) => {
    expect(await isSameFile(at(one), at(other))).toBe(isSame);
    expect(await isSameFile(at(one), relative(process.cwd(), at(other)))).toBe(isSame);
  });
});

test.each([
  ['{"pid":1,"config":"/etc/a.yaml"}', '/etc/a.yaml'],
  ['{"config":1}', undefined],
  ['{}', undefined],
  ['null', undefined],
  ['"config"', undefined],
])('%s tells of %s', (body, config) => {
  expect(configToldBy(body)).toBe(config);
});
