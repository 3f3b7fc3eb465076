// A workshop for certificates of every kind, good and bad, by the openssl command line: keys are made once and lent out,
// certificates cost one call each. The tables of test/hostile order their chains here.

import { execFile } from 'node:child_process';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resign, resignOcsp, type Tbs } from './der-edit.ts';

const run = promisify(execFile);

const KEY_KINDS = {
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  'P-192': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime192v1'],
  'P-224': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp224r1'],
  secp256k1: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  explicit: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit'],
  'RSA-512': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:512'],
  'RSA-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  'RSA-1016': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1016'],
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'RSA-4096': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
  Ed25519: ['-algorithm', 'ED25519'],
} as const;
export type KeyKind = keyof typeof KEY_KINDS | 'DSA';

export interface Made {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Wish {
  /** As openssl spells it; `/CN=...`. */
  readonly subject?: string;
  /** Another key of the same kind for another `name`. */
  readonly key?: KeyKind;
  readonly keyName?: string;
  readonly hash?: string;
  /** `YYYYMMDDHHMMSSZ`. */
  readonly from?: string;
  readonly to?: string;
  /** Hexadecimal, an even number of digits. */
  readonly serial?: string;
  /** Lines of an extension section; empty makes version 1. */
  readonly extensions?: readonly string[];
  /** Further sections and options for `openssl ca`. */
  readonly sections?: string;
  readonly options?: readonly string[];
}

export const CA = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];
export const SERVER = [
  'basicConstraints=critical,CA:FALSE',
  'extendedKeyUsage=serverAuth',
  'authorityKeyIdentifier=keyid',
];
export const CLIENT = [
  'basicConstraints=critical,CA:FALSE',
  'extendedKeyUsage=clientAuth',
  'authorityKeyIdentifier=keyid',
];
export const leafFor = (san: string): string[] => [...SERVER, `subjectAltName=${san}`];

export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'workshop-'));
  /** PEM of everything that the proxy is to trust. */
  readonly trusted: string[] = [];
  readonly #keys = new Map<string, Promise<string>>();
  readonly #made = new Map<string, Promise<Made>>();
  #count = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** A good root, trusted; the same one for the same name. */
  root(name = 'root', wish: Wish = {}): Promise<Made> {
    return this.#once(`root ${name}`, async () => {
      const made = await this.issue(undefined, { subject: `/CN=${name}`, keyName: name, extensions: CA, ...wish });
      this.trusted.push(made.cert);
      return made;
    });
  }

  /** A good intermediate below the root, unless the wish says otherwise; the same one for the same name. */
  middle(name = 'middle', wish: Wish = {}, issuer?: Made): Promise<Made> {
    return this.#once(`middle ${name}`, async () =>
      this.issue(issuer ?? (await this.root()), { subject: `/CN=${name}`, keyName: name, extensions: CA, ...wish }),
    );
  }

  #once(name: string, make: () => Promise<Made>): Promise<Made> {
    const known = this.#made.get(name);
    if (known) return known;
    const made = make();
    this.#made.set(name, made);
    return made;
  }

  /** A certificate by `issuer`, or by itself. */
  async issue(issuer: Made | undefined, wish: Wish): Promise<Made> {
    this.#count += 1;
    const folder = join(this.folder, String(this.#count));
    mkdirSync(folder);
    const file = (name: string): string => join(folder, name);
    const serial = wish.serial ?? (0x1000_0000 + this.#count).toString(16);
    const keyFile = await this.keyFile(wish.key ?? 'P-256', wish.keyName ?? 'leaf');
    const subject = wish.subject ?? '/CN=leaf';
    writeFileSync(file('index'), '');
    writeFileSync(file('serial'), `${serial}\n`);
    const extensions = wish.extensions ?? leafFor('DNS:ok.test');
    writeFileSync(
      file('cnf'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index')}\nserial=${file('serial')}\nnew_certs_dir=${folder}\n` +
        'unique_subject=no\npolicy=p\nemail_in_dn=yes\n[p]\ncommonName=optional\norganizationName=optional\n',
    );
    writeFileSync(file('ext'), `[e]\n${extensions.join('\n')}\n${wish.sections ?? ''}`);
    await this.openssl('req', '-new', '-key', keyFile, '-subj', subject, '-out', file('csr'));
    await this.openssl(
      ...['ca', '-batch', '-notext', '-preserveDN', '-config', file('cnf'), '-in', file('csr'), '-out', file('pem')],
      ...['-startdate', wish.from ?? '20250101000000Z', '-enddate', wish.to ?? '20400101000000Z'],
      ...['-md', wish.hash ?? 'sha256'],
      ...(issuer ? ['-cert', issuer.certFile, '-keyfile', issuer.keyFile] : ['-selfsign', '-keyfile', keyFile]),
      ...(extensions.length > 0 ? ['-extfile', file('ext'), '-extensions', 'e'] : []),
      ...(wish.options ?? []),
    );
    return this.#filed(file('pem'), keyFile);
  }

  /** The certificate with what `edit` made of its fields, signed anew by the issuer. */
  bend(made: Made, issuer: Made, edit: (fields: Tbs) => void): Made {
    this.#count += 1;
    const file = join(this.folder, `bent-${this.#count}.pem`);
    writeFileSync(file, resign(derOf(made), keyOf(issuer), edit));
    return this.#filed(file, made.keyFile);
  }

  /** The path of a list by `issuer` that is current, unless it is to have expired. */
  async revocations(issuer: Made, revoked: readonly Made[], expired: boolean): Promise<string> {
    const { file, cnf } = this.#index(revoked.map((made) => statusLine(made, true)));
    const dates = expired ? ['20240101000000Z', '20240201000000Z'] : ['20250101000000Z', '20400101000000Z'];
    await this.openssl(
      ...['ca', '-gencrl', '-config', cnf, '-cert', issuer.certFile, '-keyfile', issuer.keyFile, '-md', 'sha256'],
      ...['-crl_lastupdate', dates[0] ?? '', '-crl_nextupdate', dates[1] ?? '', '-out', file('crl.pem')],
    );
    return file('crl.pem');
  }

  /** What an OCSP responder says of `leaf`, in DER; `old`, that it has said long ago. */
  async ocspResponse(wish: {
    leaf: Made;
    issuer: Made;
    signer: Made;
    revoked?: boolean;
    old?: boolean;
  }): Promise<Buffer> {
    const { leaf, issuer, signer, revoked = false, old = false } = wish;
    const { file } = this.#index([statusLine(leaf, revoked)]);
    await this.openssl(
      ...['ocsp', '-no_nonce', '-issuer', issuer.certFile, '-cert', leaf.certFile, '-reqout', file('request')],
    );
    await this.openssl(
      ...[
        'ocsp',
        '-index',
        file('index'),
        '-CA',
        issuer.certFile,
        '-rsigner',
        signer.certFile,
        '-rkey',
        signer.keyFile,
      ],
      ...['-rmd', 'sha256', '-reqin', file('request'), '-respout', file('response'), ...(old ? [] : ['-nmin', '60'])],
    );
    const response = readFileSync(file('response'));
    return old ? resignOcsp(response, keyOf(signer)) : response;
  }

  #index(lines: readonly string[]): { file: (name: string) => string; cnf: string } {
    this.#count += 1;
    const folder = join(this.folder, String(this.#count));
    mkdirSync(folder);
    const file = (name: string): string => join(folder, name);
    writeFileSync(file('index'), lines.join(''));
    writeFileSync(file('cnf'), `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index')}\n`);
    return { file, cnf: file('cnf') };
  }

  #filed(certFile: string, keyFile: string): Made {
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile };
  }

  keyFile(kind: KeyKind, name: string): Promise<string> {
    const known = this.#keys.get(`${kind} ${name}`);
    if (known) return known;
    const file = join(this.folder, `${kind}-${name}.key`);
    const made = this.#makeKey(kind, file).then(() => file);
    this.#keys.set(`${kind} ${name}`, made);
    return made;
  }

  async #makeKey(kind: KeyKind, file: string): Promise<void> {
    if (kind !== 'DSA') return void (await this.openssl('genpkey', ...KEY_KINDS[kind], '-out', file));
    await this.openssl(
      'genpkey',
      '-genparam',
      '-algorithm',
      'DSA',
      '-pkeyopt',
      'dsa_paramgen_bits:1024',
      '-out',
      `${file}.p`,
    );
    await this.openssl('genpkey', '-paramfile', `${file}.p`, '-out', file);
  }

  /** A few at a time: the machine has other things to do. */
  async openssl(...words: string[]): Promise<string> {
    if (this.#running >= availableParallelism()) await new Promise<void>((go) => this.#waiting.push(go));
    this.#running += 1;
    try {
      return (await run('openssl', words)).stdout;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A line of the index that `openssl ca` and `openssl ocsp` keep. */
function statusLine({ cert }: Made, revoked: boolean): string {
  const { serialNumber } = new X509Certificate(cert);
  return `${revoked ? 'R' : 'V'}\t400101000000Z\t${revoked ? '250601000000Z' : ''}\t${serialNumber}\tunknown\t/CN=x\n`;
}

export function derOf({ cert }: Pick<Made, 'cert'>): Buffer {
  return new X509Certificate(cert).raw;
}

export function keyOf({ key }: Pick<Made, 'key'>): KeyObject {
  return createPrivateKey(key);
}
