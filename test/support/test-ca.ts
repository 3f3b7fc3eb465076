// A root of the tests' own and leaves below it, made by openssl so that nothing of ours vouches for ours.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface LeafWish {
  /** subjectAltName as openssl spells it; empty leaves the extension out. */
  readonly san?: string;
  readonly cn?: string;
  /** Openssl dates, `20200101000000Z`. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly extensions?: readonly string[];
}

export class TestCa {
  readonly folder = mkdtempSync(join(tmpdir(), 'test-ca-'));
  /** Path of the root's PEM file, for `trust`. */
  readonly rootFile = join(this.folder, 'root.pem');
  readonly root: string;
  #serial = 1000;

  constructor(name = 'Test Root') {
    openssl([
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      this.#file('root.key'),
      '-out',
      this.rootFile,
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ]);
    this.root = readFileSync(this.rootFile, 'utf8');
  }

  /** A leaf below the root, good unless the wish says otherwise. */
  leaf(wish: LeafWish): Pair {
    const name = `leaf${this.#serial}`;
    this.#serial += 1;
    openssl([
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${wish.cn ?? 'leaf'}`,
      '-keyout',
      this.#file(`${name}.key`),
      '-out',
      this.#file(`${name}.csr`),
    ]);
    const extensions = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth', ...(wish.extensions ?? [])];
    if (wish.san) extensions.push(`subjectAltName=${wish.san}`);
    writeFileSync(this.#file(`${name}.ext`), extensions.join('\n'));
    const days = wish.notAfter
      ? ['-not_before', wish.notBefore ?? '20200101000000Z', '-not_after', wish.notAfter]
      : ['-days', '30'];
    // `openssl x509` learnt -not_before only in 3.4; `ca` has had it for ever.
    if (wish.notAfter) this.#signByCa(name, days);
    else
      openssl([
        'x509',
        '-req',
        '-in',
        this.#file(`${name}.csr`),
        '-CA',
        this.rootFile,
        '-CAkey',
        this.#file('root.key'),
        '-set_serial',
        String(this.#serial),
        ...days,
        '-sha256',
        '-extfile',
        this.#file(`${name}.ext`),
        '-out',
        this.#file(`${name}.pem`),
      ]);
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) };
  }

  /** A certificate that vouches for itself. */
  selfSigned(san: string): Pair {
    openssl([
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=self',
      '-addext',
      `subjectAltName=${san}`,
      '-keyout',
      this.#file('self.key'),
      '-out',
      this.#file('self.pem'),
    ]);
    return { cert: this.#read('self.pem'), key: this.#read('self.key') };
  }

  #signByCa(name: string, [, from = '', , to = '']: readonly string[]): void {
    writeFileSync(this.#file('index.txt'), '');
    writeFileSync(this.#file('serial'), `${this.#serial}\n`);
    writeFileSync(
      this.#file('ca.cnf'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${this.#file('index.txt')}\nserial=${this.#file('serial')}\nnew_certs_dir=${this.folder}\n` +
        'default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n',
    );
    openssl([
      'ca',
      '-batch',
      '-notext',
      '-config',
      this.#file('ca.cnf'),
      '-cert',
      this.rootFile,
      '-keyfile',
      this.#file('root.key'),
      '-startdate',
      from,
      '-enddate',
      to,
      '-extfile',
      this.#file(`${name}.ext`),
      '-in',
      this.#file(`${name}.csr`),
      '-out',
      this.#file(`${name}.pem`),
    ]);
  }

  #file(name: string): string {
    return join(this.folder, name);
  }

  #read(name: string): string {
    return readFileSync(this.#file(name), 'utf8');
  }
}

function openssl(words: readonly string[]): void {
  execFileSync('openssl', [...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}
