// Judges the certificate that a client has shown to the proxy itself: OpenSSL's verdict on its chain, our own strict pass
// over it, and the one name in it that is the user. Called by flow/know-certificate after each handshake that asked for one.

import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Parsed } from '../core/authority.ts';
import type { CertificateFacts } from '../core/certificate-facts.ts';
import { nameProblem } from '../core/identity.ts';
import type { ClientTrust } from '../pki/client-trust.ts';
import { findPath } from '../pki/find-path.ts';
import { describeFlaw } from '../pki/flaw.ts';
import { type ReadCertificate, TrustedCertificates } from '../pki/trusted-certificates.ts';
import { describeChainError } from '../pki/verify-upstream.ts';
import { readCertificateFacts } from '../wire/certificate.ts';
import { readCommonNames } from '../wire/common-names.ts';
import type { ClientVerifierOptions } from './options.ts';

/** Certificates that a client may send along: more than any path has. */
const MAX_SENT = 16;

export class ClientVerifier {
  readonly mode: ClientVerifierOptions['mode'];
  readonly #user: ClientVerifierOptions['user'];
  readonly #trust: TrustedCertificates;

  constructor({ roots }: ClientTrust, { mode, user }: Pick<ClientVerifierOptions, 'mode' | 'user'>) {
    this.mode = mode;
    this.#user = user;
    this.#trust = new TrustedCertificates(roots.flatMap((root) => read(root) ?? []));
  }

  /** The user that the certificate names; undefined: there is none. The reason says who can mend what is wrong. */
  userOf(socket: TLSSocket, now = Date.now()): Parsed<string> | undefined {
    const leaf = socket.getPeerX509Certificate();
    if (!leaf) return undefined;
    // None is offered for it; it would prove nothing about today.
    if (socket.isSessionReused()) return bad('It resumed a session, which shows no certificate.');
    const refusal = openSslRefusal(socket);
    if (refusal !== undefined) return bad(refusal);
    const facts = readCertificateFacts(leaf.raw);
    if (!facts.ok) return bad(describeFlaw('malformed', `${facts.reason}.`, 'client'));
    const sent = sentWith(leaf).flatMap((one) => read(one) ?? []);
    const found = findPath([{ certificate: leaf, facts: facts.value }, ...sent], this.#trust, now, 'client');
    if (!found.ok) return bad(describeFlaw(found.flaw, '', 'client'));
    return this.#user === 'cn' ? commonNameOf(facts.value) : alternativeNameOf(facts.value);
  }
}

const bad = (reason: string): Parsed<never> => ({ ok: false, reason });

/**
 * Why OpenSSL does not take the chain; undefined when it does. Node asks its handle the same where a server of its own has
 * listened, and keeps the answer from sockets made by hand. No answer is a refusal.
 */
function openSslRefusal(socket: TLSSocket): string | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const ask: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : undefined;
  if (typeof ask !== 'function') return 'Its verdict on the certificate could not be had from OpenSSL.';
  const verdict: unknown = Reflect.apply(ask, handle, []);
  if (verdict === null || verdict === undefined) return undefined;
  const code = verdict instanceof Error && 'code' in verdict ? String(verdict.code) : 'UNSPECIFIED';
  const { squid, sentence } = describeChainError(code, verdict instanceof Error ? verdict.message : '');
  const told = sentence.replaceAll('origin', 'client').replaceAll('upstream.trust', 'auth.clientCertificates.trust');
  return `${told} (${squid})`;
}

function commonNameOf({ subject }: CertificateFacts): Parsed<string> {
  const names = readCommonNames(subject);
  if (!names.ok) return bad(`Its ${names.reason}.`);
  const [name, ...more] = names.value;
  if (name === undefined) return bad('Its subject has no common name, which is to be the user.');
  return more.length > 0 ? bad('Its subject has several common names, and one is to be the user.') : userFrom(name);
}

function alternativeNameOf({ dnsNames, otherNames = [] }: CertificateFacts): Parsed<string> {
  const [name, ...more] = [...dnsNames, ...otherNames];
  if (name === undefined) return bad('Its subjectAltName has no DNS, mail or URI name, which is to be the user.');
  if (more.length > 0) return bad('Its subjectAltName has several DNS, mail or URI names, and one is to be the user.');
  return /^[\x21-\x7e]*$/.test(name) ? userFrom(name) : bad('Its subjectAltName holds more than plain characters.');
}

function userFrom(name: string): Parsed<string> {
  const problem = nameProblem(name);
  return problem === undefined ? { ok: true, value: name } : bad(`Its name cannot be that of a user: ${problem}.`);
}

/** What came after the leaf, as Node links them. */
function sentWith(leaf: X509Certificate): X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (let one = leaf.issuerCertificate; one && sent.length < MAX_SENT; one = one.issuerCertificate) sent.push(one);
  return sent;
}

function read(certificate: X509Certificate): ReadCertificate | undefined {
  const facts = readCertificateFacts(certificate.raw);
  return facts.ok ? { certificate, facts: facts.value } : undefined;
}
