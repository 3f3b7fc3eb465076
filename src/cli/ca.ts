// `sallyport ca show` and `sallyport ca export`: what clients must trust. The key never leaves its file.

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { messageOf } from '../core/errors.ts';
import { type CertificateAuthority, openCertificateAuthority } from '../pki/certificate-authority.ts';
import { type CaFormat, exportCa, P12_PASSWORD } from '../pki/export-ca.ts';
import { loadConfig } from '../squid/load.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { shownPath } from './shown-path.ts';
import { columns, type Terminal } from './terminal.ts';

export interface CaOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function caShow(terminal: Terminal, options: CaOptions): Promise<ExitCode> {
  const { config, ca } = await open(terminal, options.config);
  const facts = {
    file: config.ca.cert,
    subject: ca.anchor.subject.split('\n').join(', '),
    expires: ca.notAfter.toISOString(),
    daysLeft: Math.floor((ca.notAfter.getTime() - Date.now()) / 86_400_000),
    key: keyOf(ca),
    sha256: ca.anchor.fingerprint256,
  };
  const rows = [
    ['file', shownPath(facts.file)],
    ['subject', facts.subject],
    ['expires', `${facts.expires.slice(0, 10)}, in ${facts.daysLeft} days`],
    ['key', facts.key],
    ['SHA-256', facts.sha256],
  ];
  terminal.out(options.json ? `${JSON.stringify(facts)}\n` : columns(rows));
  return EXIT.ok;
}

export const FORMATS = ['pem', 'der', 'p12'] as const satisfies readonly CaFormat[];

export interface CaExportOptions {
  readonly config: string;
  readonly format: CaFormat;
  readonly out?: string;
}

export async function caExport(terminal: Terminal, { config: file, format, out }: CaExportOptions): Promise<ExitCode> {
  if (out === undefined && format !== 'pem' && terminal.watched.out) {
    terminal.err(`${format} is binary: name a file with --out, or send the output to one.\n`);
    return EXIT.usage;
  }
  const { config, ca } = await open(terminal, file);
  const bytes = exportCa(ca, format);
  if (out === undefined) {
    terminal.out(bytes);
    return EXIT.ok;
  }
  if ([config.ca.key, config.ca.cert].includes(resolve(out))) {
    terminal.err(`${out} is the CA itself and is not overwritten: name another file.\n`);
    return EXIT.failed;
  }
  try {
    await writeFile(out, bytes);
  } catch (error) {
    terminal.err(`${out} cannot be written (${messageOf(error)}).\n`);
    return EXIT.failed;
  }
  terminal.out(`${out} written${format === 'p12' ? `, password ${P12_PASSWORD}` : ''}.\n`);
  return EXIT.ok;
}

/** Makes the CA where there is none, as a start would, and says so. */
async function open(terminal: Terminal, file: string): Promise<{ config: Config; ca: CertificateAuthority }> {
  const config = await loadConfig(file);
  const { ca, created, warnings } = await openCertificateAuthority(config.ca);
  if (created) terminal.err(`CA created: ${shownPath(config.ca.cert)} and its key ${shownPath(config.ca.key)}\n`);
  for (const warning of warnings) terminal.err(`warning: ${warning}\n`);
  return { config, ca };
}

function keyOf({ key }: CertificateAuthority): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  return [key.asymmetricKeyType?.toUpperCase(), namedCurve ?? modulusLength].filter(Boolean).join(' ');
}
