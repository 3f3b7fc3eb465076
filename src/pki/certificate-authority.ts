// The CA that signs leaves: made at first start, else read from its two files and refused unless every strict client
// could trust what it signs. Opened by the assembling room, handed to leaf-store and export-ca.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { presentFiles, readCertificateFile, readSecretFile, unusable, writeCaFiles } from './ca-files.ts';
import { signingWith } from './certificate-fields.ts';
import { type CaChain, checkChain, expiryWarning } from './check-chain.ts';
import { createCa } from './create-ca.ts';

export interface CaOptions {
  /** Absolute path of a PEM file: the CA certificate, then its issuers in order, the root last or left out. */
  readonly cert: string;
  /** Absolute path of the PEM file of its private key. */
  readonly key: string;
  /** Absolute path of a file whose one line is the passphrase of the key. */
  readonly passphraseFile?: string;
  /** Absolute path of a PEM file: the CA of before, which clients may still need while they learn to trust the new one. */
  readonly previous?: string;
}

export interface CertificateAuthority extends CaChain {
  readonly key: KeyObject;
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
  /** What clients had to trust before; nothing is signed by it. */
  readonly previous?: X509Certificate;
}

export interface OpenedCa {
  readonly ca: CertificateAuthority;
  /** True when this call has made it. */
  readonly created: boolean;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** Another process that makes the CA is between its two files for less than this, in milliseconds. */
const PATIENCE = 1000;
const LOOK_AGAIN = 50;
const MIN_RSA_BITS = 2048;

/** Throws ProxyError `ca-unusable` with a sentence that names the file and the mend. */
export async function openCertificateAuthority(options: CaOptions): Promise<OpenedCa> {
  const created = await createWhereAbsent(options);
  const certificates = parseCertificates(await readCertificateFile(options.cert), options.cert);
  const chain = checkChain(certificates, options.cert, new Date());
  const previous = options.previous === undefined ? undefined : await readPrevious(options.previous);
  const { key, warnings } = await readKey(options);
  if (!chain.certificate.checkPrivateKey(key)) {
    throw unusable(
      `${options.key} is not the key of the certificate in ${options.cert}; put the two that belong together.`,
    );
  }
  const expiry = expiryWarning(chain.notAfter, options.cert, new Date());
  return {
    ca: { ...chain, key, fingerprint: chain.certificate.fingerprint256, ...(previous ? { previous } : {}) },
    created,
    warnings: [...(expiry ? [expiry] : []), ...chain.warnings, ...warnings],
  };
}

/** As openCertificateAuthority, for a proxy that has one already: a path that is spelt wrong shall not make another. */
export async function reopenCertificateAuthority(options: CaOptions): Promise<OpenedCa> {
  const present = await presentFiles(options);
  if (present.cert || present.key) return openCertificateAuthority(options);
  throw unusable(`${options.cert} is not there, and a reload makes no CA: "ca show" makes one.`);
}

/** The anchor stands last in the file, as in that of the CA. */
async function readPrevious(file: string): Promise<X509Certificate> {
  const certificates = parseCertificates(await readCertificateFile(file), file);
  const anchor = certificates.at(-1);
  if (!anchor) throw unusable(`${file} holds no certificate.`);
  return anchor;
}

async function createWhereAbsent(options: CaOptions): Promise<boolean> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const present = await presentFiles(options);
    if (present.cert && present.key) return false;
    if (!present.cert && !present.key) {
      const passphrase = await readPassphrase(options);
      const made = createCa({ passphrase });
      if (await writeCaFiles(options, { cert: made.certificate, key: made.key })) return true;
    } else if (present.cert || Date.now() > deadline) {
      throw present.key
        ? unusable(
            `${options.key} is there but its certificate ${options.cert} is missing; put it back, or delete the key to have a new CA made.`,
          )
        : unusable(
            `${options.cert} is there but its key ${options.key} is missing; put it back, or delete the certificate to have a new CA made.`,
          );
    }
    await wait(LOOK_AGAIN);
  }
}

async function readPassphrase(options: CaOptions): Promise<string | undefined> {
  const file = options.passphraseFile;
  if (file === undefined) return undefined;
  const passphrase = (await readSecretFile(file)).replace(/\r?\n$/, '');
  if (passphrase === '') throw unusable(`${file} is empty; write the passphrase of the CA key into it.`);
  return passphrase;
}

async function readKey(options: CaOptions): Promise<{ key: KeyObject; warnings: string[] }> {
  const blocks = (await readSecretFile(options.key)).match(
    /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[\s\S]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----/g,
  );
  const pem = blocks?.[0];
  if (pem === undefined) throw unusable(`${options.key} holds no private key; name the PEM file of the CA key.`);
  if (blocks?.length !== 1) throw unusable(`${options.key} holds several private keys; leave the one of the CA in it.`);
  const encrypted = /^-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(pem);
  const passphrase = await readPassphrase(options);
  if (encrypted && passphrase === undefined) {
    throw unusable(`${options.key} is encrypted; name the file of its passphrase as ca.passphraseFile.`);
  }
  const key = parseKey(pem, encrypted ? passphrase : undefined, options);
  checkKey(key, options.key);
  const idle = passphrase !== undefined && !encrypted;
  return { key, warnings: idle ? [`${options.key} is not encrypted, so ca.passphraseFile is not used.`] : [] };
}

function parseKey(pem: string, passphrase: string | undefined, options: CaOptions): KeyObject {
  try {
    return createPrivateKey(
      passphrase === undefined ? pem : { key: pem, passphrase: Buffer.from(passphrase, 'latin1') },
    );
  } catch (error) {
    throw passphrase === undefined
      ? unusable(
          `${options.key} holds a private key that cannot be read; replace it by an RSA or EC key in PEM.`,
          error,
        )
      : unusable(`${options.key} does not open with the passphrase in ${options.passphraseFile}; correct it.`, error);
  }
}

function checkKey(key: KeyObject, file: string): void {
  if (!signingWith(key)) {
    throw unusable(`${file} holds a ${key.asymmetricKeyType} key; use RSA or EC on the curve P-256, P-384 or P-521.`);
  }
  const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) {
    throw unusable(
      `${file} holds an RSA key of ${modulusLength} bits; clients want ${MIN_RSA_BITS} at least, so make a new CA.`,
    );
  }
}

function parseCertificates(text: string, file: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw unusable(`${file} holds no certificate; name the PEM file of the CA certificate.`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw unusable(
        `Certificate ${index + 1} in ${file} cannot be read (${messageOf(error)}); export it again as PEM.`,
        error,
      );
    }
  });
}
