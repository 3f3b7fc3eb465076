// The certificates of the bench, made by openssl: an origin's chain as the web has it (root, intermediate, leaf), and a
// CA for those peers that do not make one themselves. All keys are P-256, which every peer can use: the cheapest case.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PeerCa {
  readonly cert: string;
  readonly key: string;
  /** Certificate and key in one file. */
  readonly both: string;
}

export interface Certificates {
  /** PEM file of the root that proxies and spliced clients trust origins by. */
  readonly root: string;
  /** PEM files of the origin: leaf with intermediate, and key. */
  readonly chain: string;
  readonly chainKey: string;
  /** Both in one file. */
  readonly chainAndKey: string;
  readonly peerCa: PeerCa;
}

const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n';
const LEAF = `basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
`;

/** `domain`: the leaf is for all names directly below it. */
export function makeCertificates(folder: string, domain: string): Certificates {
  const root = issue(folder, 'root', 'Bench Root', CA);
  const between = issue(folder, 'between', 'Bench Intermediate', `${CA}authorityKeyIdentifier=keyid\n`, 'root');
  const leaf = issue(folder, 'leaf', 'Bench Origin', `${LEAF}subjectAltName=DNS:*.${domain}\n`, 'between');
  const chain = join(folder, 'chain.pem');
  writeFileSync(chain, readFileSync(leaf, 'utf8') + readFileSync(between, 'utf8'));
  const chainKey = join(folder, 'leaf.key');
  const chainAndKey = join(folder, 'chain-both.pem');
  writeFileSync(chainAndKey, readFileSync(chain, 'utf8') + readFileSync(chainKey, 'utf8'));
  const cert = issue(folder, 'peer-ca', 'Bench Peer CA', CA);
  const key = join(folder, 'peer-ca.key');
  const both = join(folder, 'peer-ca-both.pem');
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  return { root, chain, chainKey, chainAndKey, peerCa: { cert, key, both } };
}

/** Without an issuer it signs itself. Returns the certificate's file. */
function issue(folder: string, name: string, cn: string, extensions: string, issuer?: string): string {
  const path = (ending: string): string => join(folder, `${name}.${ending}`);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe', cwd: folder });
  writeFileSync(path('ext'), extensions);
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path('key'));
  openssl('req', '-new', '-key', path('key'), '-subj', `/O=Bench/CN=${cn}`, '-out', path('csr'));
  const signer = issuer
    ? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial']
    : ['-signkey', path('key')];
  openssl('x509', '-req', '-in', path('csr'), ...signer, '-days', '30', '-extfile', path('ext'), '-out', path('pem'));
  return path('pem');
}
