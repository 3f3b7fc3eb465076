// CAs as an administrator would bring them, made by openssl, and a temporary folder for each test file.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import { afterAll } from 'vitest';
import type { Host } from '../../src/core/authority.ts';
import { parseHost } from '../../src/core/authority.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { type CertificateAuthority, openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';
import type { LeafStore } from '../../src/pki/leaf-store.ts';

/** A folder that is gone after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pki-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export const KEYS = {
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  secp256k1: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'RSA-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  Ed25519: ['-algorithm', 'ED25519'],
} as const;
export type KeyName = keyof typeof KEYS;

export const BASIC_CONSTRAINTS = 'basicConstraints=critical,CA:TRUE';
export const KEY_USAGE = 'keyUsage=critical,keyCertSign,cRLSign';
export const KEY_ID = 'subjectKeyIdentifier=hash';
export const CA_EXTENSIONS = [BASIC_CONSTRAINTS, KEY_USAGE, KEY_ID];

export interface Pair {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate signed by `issuer`, or by itself, for a year. */
export function issue(
  folder: string,
  name: string,
  options: {
    key?: KeyName;
    extensions?: readonly string[];
    issuer?: Pair;
    subject?: string;
    hash?: 'sha1' | 'sha256';
  } = {},
): Pair {
  const path = (suffix: string): string => join(folder, `${name}.${suffix}`);
  const pair = { cert: path('pem'), key: path('key') };
  openssl('genpkey', ...KEYS[options.key ?? 'P-256'], '-out', pair.key);
  chmodSync(pair.key, 0o600);
  writeFileSync(path('ext'), (options.extensions ?? CA_EXTENSIONS).join('\n'));
  openssl('req', '-new', '-key', pair.key, '-subj', options.subject ?? `/O=Example/CN=${name}`, '-out', path('csr'));
  const signer = options.issuer ? ['-CA', options.issuer.cert, '-CAkey', options.issuer.key] : ['-signkey', pair.key];
  const serial = ['-set_serial', String(Math.floor(Math.random() * 2 ** 40) + 1)];
  openssl(
    'x509',
    '-req',
    '-in',
    path('csr'),
    ...signer,
    ...serial,
    `-${options.hash ?? 'sha256'}`,
    '-days',
    '365',
    '-extfile',
    path('ext'),
    '-out',
    pair.cert,
  );
  return pair;
}

/** Several certificates in one file, in this order. */
export function bundle(path: string, ...certificates: readonly string[]): string {
  writeFileSync(path, certificates.map((file) => readFileSync(file, 'utf8')).join(''));
  return path;
}

/** The four kinds of CA that leaves are signed with in the tests. */
export const CA_KINDS = ['own', 'imported EC', 'imported RSA', 'intermediate'] as const;

export async function openCa(folder: string, kind: (typeof CA_KINDS)[number]): Promise<CertificateAuthority> {
  const { ca } = await openCertificateAuthority(caFiles(folder, kind));
  return ca;
}

function caFiles(folder: string, kind: (typeof CA_KINDS)[number]): Pair {
  if (kind === 'own') return { cert: join(folder, 'own', 'ca.pem'), key: join(folder, 'own', 'ca-key.pem') };
  if (kind === 'imported EC') return issue(folder, 'imported-ec', { key: 'P-384' });
  if (kind === 'imported RSA') return issue(folder, 'imported-rsa', { key: 'RSA-2048' });
  const root = issue(folder, 'corporate-root', { key: 'RSA-2048' });
  const extensions = [...CA_EXTENSIONS, 'authorityKeyIdentifier=keyid'];
  const middle = issue(folder, 'proxy-intermediate', { issuer: root, extensions });
  return { key: middle.key, cert: bundle(join(folder, 'chain.pem'), middle.cert, root.cert) };
}

export function host(text: string): Host {
  const parsed = parseHost(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.reason}`);
  return parsed.value;
}

/** The ProxyError that a promise rejects with, or fails the test. */
export async function refusal(attempt: Promise<unknown>): Promise<ProxyError> {
  const outcome = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof ProxyError)) throw new Error(`expected a ProxyError, got ${String(outcome)}`);
  return outcome;
}

/** 253 characters, the longest name there is. */
export const LONGEST_NAME = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

/** A context for the time until something else takes its place in the store. */
export function contextFrom(store: LeafStore, identity: LeafIdentity): Promise<SecureContext> {
  return store.lend(identity, (context) => Promise.resolve(context));
}
