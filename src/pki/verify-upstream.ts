// Judges an origin after the handshake: is its certificate for the host that we dialled, and what does OpenSSL's verdict
// on its chain mean. Called by net/ on every connection, resumed or not.

import type { Authority } from '../core/authority.ts';
import type { AlternativeNames } from '../core/certificate-facts.ts';
import { ipBytes } from './ip-bytes.ts';

export type NameCheck = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Names shown in a reason; a certificate may hold thousands. */
const SHOWN_NAMES = 3;
const LABELS = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i;

/**
 * The subjectAltName alone counts, never the common name (RFC 9525 section 2). A wildcard is the whole left-most
 * label, stands for one label and has two or more behind it; an address is compared by its bytes.
 */
export function checkNames(facts: AlternativeNames, authority: Authority): NameCheck {
  const matches =
    authority.kind === 'name'
      ? facts.dnsNames.some((name) => matchesName(name, authority.host))
      : matchesAddress(facts.ipAddresses, authority.host);
  return matches ? { ok: true } : { ok: false, reason: mismatch(facts, authority) };
}

function matchesName(pattern: string, host: string): boolean {
  const wildcard = pattern.startsWith('*.');
  const rest = wildcard ? pattern.slice(2) : pattern;
  // Whatever is not letters, digits, hyphens and underscores (a NUL, a second star, raw UTF-8) never matches.
  if (!LABELS.test(rest)) return false;
  const lower = rest.toLowerCase();
  if (!wildcard) return lower === host;
  const dot = host.indexOf('.');
  return dot > 0 && rest.includes('.') && host.slice(dot + 1) === lower;
}

function matchesAddress(addresses: readonly Uint8Array[], host: string): boolean {
  const wanted = ipBytes(host);
  return wanted !== undefined && addresses.some((address) => wanted.equals(address));
}

function mismatch(facts: AlternativeNames, authority: Authority): string {
  const names = [...facts.dnsNames.map(printable), ...facts.ipAddresses.map(printableAddress)];
  if (names.length === 0) {
    return `The certificate has no subjectAltName, so it is not for ${authority.host}: issue it again with one.`;
  }
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `The certificate is for ${names.slice(0, SHOWN_NAMES).join(', ')}${more}, not for ${authority.host}.`;
}

/** What an origin wrote goes to logs and pages: nothing but plain characters, and not many. */
function printable(name: string): string {
  const plain = name.replace(/[^\x21-\x7e]/g, '?');
  return plain.length > 80 ? `${plain.slice(0, 80)}...` : plain;
}

function printableAddress(address: Uint8Array): string {
  if (address.length === 4) return [...address].join('.');
  const hex = Buffer.from(address.subarray(0, 16)).toString('hex');
  return address.length === 16 ? (hex.match(/.{4}/g) ?? []).join(':') : `address of ${address.length} bytes`;
}

export interface ChainError {
  /** OpenSSL's name in full, as Squid's `%err_detail` shows it. */
  readonly squid: string;
  /** What is wrong and who can mend it. */
  readonly sentence: string;
}

const MISSING_ISSUER =
  'The issuer of its certificate is not known here: either the origin does not send its intermediate certificate, or its root has to be added to upstream.trust.';

/** By the code in Node's `error.code`, which is OpenSSL's name without `X509_V_ERR_`. */
const CHAIN_ERRORS: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT:
    'The chain of its certificate does not end in a trusted root: add that root to upstream.trust, an intermediate is not enough.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: MISSING_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: MISSING_ISSUER,
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'Its certificate is self-signed: add that certificate to upstream.trust if it is meant to be.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The root of its chain is not trusted here: add it to upstream.trust if it is a CA of your own.',
  CERT_HAS_EXPIRED: 'A certificate in its chain has expired: the origin has to renew it, or the clock here is wrong.',
  CERT_NOT_YET_VALID: 'A certificate in its chain is not valid yet: the clock here or at the origin is wrong.',
  CERT_SIGNATURE_FAILURE: 'A signature in its certificate chain is wrong: the chain is damaged or forged.',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    'A signature in its certificate chain cannot be read: the chain is damaged or forged.',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'The public key of an issuer in its chain cannot be read.',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 'The start date of a certificate in its chain is malformed.',
  ERROR_IN_CERT_NOT_AFTER_FIELD: 'The end date of a certificate in its chain is malformed.',
  CERT_REVOKED: 'A certificate in its chain has been revoked: the origin needs a new one.',
  CERT_CHAIN_TOO_LONG: 'Its certificate chain is too long.',
  CERT_UNTRUSTED: 'The root of its chain is not trusted for servers.',
  CERT_REJECTED: 'The root of its chain is marked as rejected.',
  INVALID_CA: 'A certificate in its chain has signed another without being a CA.',
  INVALID_PURPOSE:
    'A certificate in its chain is not meant for this use: its own is not for servers (extended key usage), or one that is no CA has signed another.',
  PATH_LENGTH_EXCEEDED: 'Its chain holds more CAs than one of them allows.',
  UNABLE_TO_GET_CRL: 'No revocation list is at hand for a certificate in its chain.',
  CRL_HAS_EXPIRED: 'The revocation list for a certificate in its chain has expired.',
  CRL_NOT_YET_VALID: 'The revocation list for a certificate in its chain is not valid yet.',
  CRL_SIGNATURE_FAILURE: 'The signature of the revocation list for a certificate in its chain is wrong.',
  HOSTNAME_MISMATCH: 'Its certificate is for other names.',
  PERMITTED_VIOLATION: 'A CA in its chain may not sign for this name (name constraints).',
  EXCLUDED_VIOLATION: 'A CA in its chain is forbidden to sign for this name (name constraints).',
  EE_KEY_TOO_SMALL: 'The key of its certificate is too weak: the origin needs RSA-2048, P-256 or stronger.',
  CA_KEY_TOO_SMALL: 'The key of a CA in its chain is too weak.',
  CA_MD_TOO_WEAK: 'A signature in its chain uses MD5 or SHA-1, which no longer protect anything.',
  KEYUSAGE_NO_CERTSIGN: 'A CA in its chain has a keyUsage without keyCertSign, so it may not sign certificates.',
  EC_KEY_EXPLICIT_PARAMS: 'A key in its chain spells its curve out in numbers instead of naming it.',
  UNHANDLED_CRITICAL_EXTENSION: 'A certificate in its chain has a critical extension that is not understood here.',
};

/** Verdicts that Node calls UNSPECIFIED: OpenSSL's own words, which are the message of the error, tell them apart. */
const UNSPECIFIED: Readonly<Record<string, string>> = {
  'EE certificate key too weak': 'EE_KEY_TOO_SMALL',
  'CA certificate key too weak': 'CA_KEY_TOO_SMALL',
  'CA signature digest algorithm too weak': 'CA_MD_TOO_WEAK',
  'permitted subtree violation': 'PERMITTED_VIOLATION',
  'excluded subtree violation': 'EXCLUDED_VIOLATION',
  'key usage does not include certificate signing': 'KEYUSAGE_NO_CERTSIGN',
  'Certificate public key has explicit ECC parameters': 'EC_KEY_EXPLICIT_PARAMS',
  'unhandled critical extension': 'UNHANDLED_CRITICAL_EXTENSION',
};

/**
 * `code` and `message` of the error that the handshake failed with. Any code gets an answer: one that is not in the
 * table is told as unspecified, with the code shown if it is plain.
 */
export function describeChainError(code: string, message = ''): ChainError {
  const name = code === 'UNSPECIFIED' && Object.hasOwn(UNSPECIFIED, message) ? (UNSPECIFIED[message] ?? code) : code;
  const sentence = Object.hasOwn(CHAIN_ERRORS, name) ? CHAIN_ERRORS[name] : undefined;
  if (sentence !== undefined) return { squid: `X509_V_ERR_${name}`, sentence };
  const shown = /^[A-Z0-9_]{1,64}$/.test(code) ? ` (${code})` : '';
  return { squid: 'X509_V_ERR_UNSPECIFIED', sentence: `Its certificate chain could not be verified${shown}.` };
}
