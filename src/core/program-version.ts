// The version of this program, for whoever tells it: the command line, metrics, status.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** From package.json, which lies two folders up both in the source tree and in the package. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
