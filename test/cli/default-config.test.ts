// Which config is meant when none is named.

import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultConfig, LOCAL_CONFIG, SHIPPED } from '../../src/cli/default-config.ts';

test('the one that lies here, else the shipped one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'default-'));
  expect(defaultConfig(folder)).toBe(join(SHIPPED, 'default.yaml'));
  writeFileSync(join(folder, LOCAL_CONFIG), 'version: 1\n');
  expect(defaultConfig(folder)).toBe(LOCAL_CONFIG);
});

test('the one that lies here, else that of the installation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'default-'));
  expect(defaultConfig(folder, '/etc/sallyport/sallyport.yaml')).toBe('/etc/sallyport/sallyport.yaml');
  expect(defaultConfig(folder, '')).toBe(join(SHIPPED, 'default.yaml'));
  writeFileSync(join(folder, LOCAL_CONFIG), 'version: 1\n');
  expect(defaultConfig(folder, '/etc/sallyport/sallyport.yaml')).toBe(LOCAL_CONFIG);
});

test('the shipped one is there, and named in short where it is near', () => {
  expect(existsSync(join(SHIPPED, 'default.yaml'))).toBe(true);
  expect(defaultConfig(join(SHIPPED, '..'))).toBe(join('config', 'default.yaml'));
});
