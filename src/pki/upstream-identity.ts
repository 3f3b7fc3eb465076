// Reads a client certificate for origins from its files, as strictly as the key of the CA, and says what is wrong with it.
// Called by net/upstream-identities.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf, ProxyError } from '../core/errors.ts';
import { readCertificateFile, readSecretFile } from './ca-files.ts';
import type { UpstreamIdentity } from './upstream-trust.ts';

export interface IdentityFiles {
  /** Absolute paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  /** Absolute path of a file whose one line is the passphrase. */
  readonly passphraseFile?: string;
}

/** Throws ProxyError `identity-unusable` with a sentence that names the file and the mend. */
export async function readUpstreamIdentity(files: IdentityFiles, now = new Date()): Promise<UpstreamIdentity> {
  const cert = await reading(readCertificateFile(files.cert));
  const key = await reading(readSecretFile(files.key));
  const phrase = files.passphraseFile === undefined ? undefined : await reading(readSecretFile(files.passphraseFile));
  const passphrase = phrase?.replace(/\r?\n$/, '');
  const leaf = leafOf(cert, files.cert);
  const secret = keyOf(key, passphrase, files);
  if (!leaf.checkPrivateKey(secret)) {
    throw unusable(
      `${files.key} is not the key of the first certificate in ${files.cert}; put the two that belong together.`,
    );
  }
  if (leaf.validToDate < now) {
    throw unusable(
      `${files.cert} is out of date since ${leaf.validToDate.toISOString().slice(0, 10)}; have it renewed.`,
    );
  }
  return { cert, key, ...(passphrase === undefined ? {} : { passphrase }) };
}

/** The files are read as those of the CA are; what is wrong with them has a name of its own here. */
async function reading(text: Promise<string>): Promise<string> {
  try {
    return await text;
  } catch (error) {
    throw error instanceof ProxyError ? unusable(error.detail, error) : error;
  }
}

function leafOf(text: string, file: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw unusable(`${file} holds no certificate (${messageOf(error)}); name a file in PEM, the leaf first.`, error);
  }
}

function keyOf(pem: string, passphrase: string | undefined, { key, passphraseFile }: IdentityFiles) {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (error) {
    const mend =
      passphraseFile === undefined
        ? 'name an RSA or EC key in PEM, and with passphraseFile the file of its passphrase where it is encrypted'
        : `it does not open with the passphrase in ${passphraseFile}`;
    throw unusable(`${key} cannot be read (${messageOf(error)}); ${mend}.`, error);
  }
}

function unusable(detail: string, cause?: unknown): ProxyError {
  return new ProxyError('identity-unusable', detail, { cause });
}
