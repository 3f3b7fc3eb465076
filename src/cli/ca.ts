// `sallyport ca show` and `sallyport ca export`: what clients must trust. The key never leaves its file.

import { writeFile } from 'node:fs/promises';
import { loadConfig } from '../config/load.ts';
import { type CertificateAuthority, openCertificateAuthority } from '../pki/certificate-authority.ts';
import { exportCa } from '../pki/export-ca.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { columns, type Terminal } from './terminal.ts';

export interface CaOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function caShow(terminal: Terminal, { config: file, json }: CaOptions): Promise<ExitCode> {
  const { config, ca } = await open(file);
  const facts = {
    file: config.ca.cert,
    subject: oneLine(ca.anchor.subject),
    expires: ca.notAfter.toISOString(),
    daysLeft: Math.floor((ca.notAfter.getTime() - Date.now()) / 86_400_000),
    key: `${ca.key.asymmetricKeyType ?? 'unknown'} ${ca.key.asymmetricKeyDetails?.namedCurve ?? ca.key.asymmetricKeyDetails?.modulusLength ?? ''}`.trim(),
    sha256: ca.anchor.fingerprint256,
  };
  const rows = Object.entries(facts).map(([name, value]) => [name, String(value)]);
  terminal.out(json ? `${JSON.stringify(facts)}\n` : columns(rows));
  return EXIT.ok;
}

export interface CaExportOptions extends CaOptions {
  readonly format: 'pem' | 'der' | 'p12';
  readonly out?: string;
}

export async function caExport(terminal: Terminal, options: CaExportOptions): Promise<ExitCode> {
  const { ca } = await open(options.config);
  const bytes = exportCa(ca, options.format);
  if (options.out === undefined) {
    process.stdout.write(bytes);
  } else {
    await writeFile(options.out, bytes);
    terminal.out(`${options.out} written.\n`);
  }
  return EXIT.ok;
}

/** Makes the CA where there is none, as a start would. */
async function open(
  file: string,
): Promise<{ config: Awaited<ReturnType<typeof loadConfig>>; ca: CertificateAuthority }> {
  const config = await loadConfig(file);
  return { config, ca: (await openCertificateAuthority(config.ca)).ca };
}

function oneLine(subject: string): string {
  return subject.split('\n').join(', ');
}
