// `sallyport check`: reads what a start would read, says what is wrong with it, and what is legal but seldom meant. Writes
// nothing: a CA that is not there yet is no mistake.

import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { parseConfig } from '../config/parse-config.ts';
import { asProxyError } from '../core/errors.ts';
import { UpstreamIdentities } from '../net/upstream-identities.ts';
import { presentFiles } from '../pki/ca-files.ts';
import { openCertificateAuthority } from '../pki/certificate-authority.ts';
import type { PolicyOptions } from '../policy/policy.ts';
import { clientTrustOf, openAuth, openPageStyle, upstreamOf } from '../proxy.ts';
import { loadNoted, readConfigText, type Translated } from '../squid/load.ts';
import { type Note, noteLine, warningsIn } from '../squid/note.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { shownPath } from './shown-path.ts';
import type { Terminal } from './terminal.ts';

export interface CheckOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function check(terminal: Terminal, { config: file, json = false }: CheckOptions): Promise<ExitCode> {
  if (json) return checkAsJson(terminal, file);
  const { config, notes } = await loadNoted(file);
  const files = await checkFiles(config);
  const warnings = warningsOf(files, notes, config.policy);
  terminal.err(files.errors.map((error) => `${terminal.style('red', 'error')}: ${error}\n`).join(''));
  terminal.err(warnings.map((warning) => `${terminal.style('yellow', 'warning')}: ${warning}\n`).join(''));
  if (files.errors.length > 0) return EXIT.failed;
  const { rules, mode, default: fallback } = config.policy;
  const count = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`;
  terminal.out(`${file} is valid: ${count}, default ${fallback}, ${mode} mode; ${files.ca}.\n`);
  return EXIT.ok;
}

/** One object whatever is wrong, for a script to look into. */
async function checkAsJson(terminal: Terminal, file: string): Promise<ExitCode> {
  const tell = (facts: object): void => terminal.out(`${JSON.stringify({ file, ...facts })}\n`);
  let read: Translated;
  try {
    read = await readConfigText(file);
  } catch (thrown) {
    tell({ valid: false, problems: [{ message: asProxyError(thrown).detail }] });
    return EXIT.configInvalid;
  }
  const parsed = parseConfig(read.yaml, resolve(file));
  if (!parsed.ok) {
    tell({ valid: false, problems: parsed.problems });
    return EXIT.configInvalid;
  }
  const { policy } = parsed.config;
  const files = await checkFiles(parsed.config);
  const { mode, default: fallback, rules } = policy;
  const facts = { mode, default: fallback, rules: rules.length, warnings: warningsOf(files, read.notes, policy) };
  const { errors } = files;
  tell({ valid: errors.length === 0, problems: errors.map((message) => ({ message })), ...facts });
  return errors.length > 0 ? EXIT.failed : EXIT.ok;
}

interface FilesReport {
  /** What to say of the CA in half a sentence. */
  readonly ca: string;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** The files that the config names and a start reads: the CA, the roots of origins and clients, users and groups. */
async function checkFiles(config: Config): Promise<FilesReport> {
  const { ca: paths } = config;
  const errors: string[] = [];
  const warnings: string[] = [];
  let ca = `no CA yet, the first start makes ${shownPath(paths.cert)}`;
  const failed = (thrown: unknown): void => void errors.push(asProxyError(thrown).detail);
  try {
    const present = await presentFiles(paths);
    if (present.cert || present.key) {
      const opened = await openCertificateAuthority(paths);
      ca = `CA valid until ${opened.ca.notAfter.toISOString().slice(0, 10)}`;
      warnings.push(...opened.warnings);
    }
  } catch (thrown) {
    failed(thrown);
  }
  try {
    upstreamOf(config, () => false);
    await UpstreamIdentities.open(config.upstream);
  } catch (thrown) {
    failed(thrown);
  }
  try {
    await openPageStyle(config);
  } catch (thrown) {
    failed(thrown);
  }
  try {
    clientTrustOf(config);
    await (await openAuth(config))?.close();
  } catch (thrown) {
    failed(thrown);
  }
  return { ca, errors, warnings };
}

/** Of the files, of the lines of a squid.conf as a start warns of them, and of the policy. */
function warningsOf(files: FilesReport, notes: readonly Note[], policy: PolicyOptions): string[] {
  return [...files.warnings, ...warningsIn(notes).map(noteLine), ...policyWarnings(policy)];
}

/** What is legal, and seldom meant. */
export function policyWarnings({ mode, default: fallback, rules }: PolicyOptions): string[] {
  const warnings: string[] = [];
  if (mode === 'report') warnings.push('policy.mode is report: what the policy denies is logged and let through.');
  if (fallback === 'allow') warnings.push('policy.default is allow: what no rule matches is let through.');
  if (rules.length === 0 && fallback === 'deny') {
    warnings.push(`policy.rules is empty: everything ${mode === 'report' ? 'would be' : 'is'} denied.`);
  }
  return warnings;
}
