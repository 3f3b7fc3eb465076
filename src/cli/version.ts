// `sallyport version`: what to write into a bug report.

import { programVersion } from '../core/program-version.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

export { programVersion };

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
