// `sallyport version`: what to write into a bug report.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

export function version(terminal: Terminal, { json }: { json?: boolean }): ExitCode {
  terminal.out(`${json ? JSON.stringify(versions()) : versionLine()}\n`);
  return EXIT.ok;
}

export function versionLine(): string {
  const { sallyport, node, openssl } = versions();
  return `sallyport ${sallyport} (Node.js ${node}, OpenSSL ${openssl})`;
}

function versions(): { readonly sallyport: string; readonly node: string; readonly openssl: string } {
  return { sallyport: programVersion(), node: process.versions.node, openssl: process.versions.openssl };
}

/** From package.json, which lies two folders up both in the source tree and in the package. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
