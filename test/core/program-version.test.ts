import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { programVersion } from '../../src/core/program-version.ts';

test('the version is that of package.json', () => {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  expect(programVersion()).toBe(manifest.version);
});
