// What a bug report begins with.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programVersion, version, versionLine } from '../../src/cli/version.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { ROOT } from '../support/program.ts';

const manifest: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

test('is that of package.json, with the runtime', () => {
  const terminal = fakeTerminal();
  expect(version(terminal, {})).toBe(0);
  expect(programVersion()).toBe(manifest.version);
  expect(terminal.outText()).toBe(`${versionLine()}\n`);
  expect(versionLine()).toBe(
    `sallyport ${manifest.version} (Node.js ${process.versions.node}, OpenSSL ${process.versions.openssl})`,
  );
});

test('is JSON for scripts', () => {
  const terminal = fakeTerminal();
  version(terminal, { json: true });
  const { node, openssl } = process.versions;
  expect(JSON.parse(terminal.outText())).toEqual({ sallyport: manifest.version, node, openssl });
});
