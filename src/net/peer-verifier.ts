// Our own pass over the certificates of an origin, after OpenSSL's: reads them with wire/, judges them with pki/, and
// remembers which chains have stood. One per Upstream, so that nothing is remembered across trust. Called by upstream.

import { hash, X509Certificate } from 'node:crypto';
import { type Authority, formatAuthority } from '../core/authority.ts';
import { ProxyError } from '../core/errors.ts';
import { checkStaple } from '../pki/check-staple.ts';
import { findPath } from '../pki/find-path.ts';
import { describeFlaw, type FlawCode } from '../pki/flaw.ts';
import type { OwnCa } from '../pki/own-ca.ts';
import { type ReadCertificate, TrustedCertificates } from '../pki/trusted-certificates.ts';
import { checkNames, describeChainError } from '../pki/verify-upstream.ts';
import { readCertificateFacts } from '../wire/certificate.ts';
import { readOcspResponse } from '../wire/ocsp-response.ts';

/** What an origin showed in its handshake. */
export interface Shown {
  readonly leaf: X509Certificate | undefined;
  /** The OCSP response stapled to it. */
  readonly staple: Uint8Array | undefined;
  readonly resumed: boolean;
}

/** A chain that has stood: valid between the latest begin and the earliest end of its path. */
interface Standing {
  readonly path: readonly ReadCertificate[];
  readonly from: number;
  readonly until: number;
}

/** Chains kept; at the size below, some 16 MB at the very most and mostly a tenth of it. */
const MAX_KEPT = 512;
/** Bytes of DER in a chain worth keeping. */
const MAX_KEPT_SIZE = 16_384;

export class PeerVerifier {
  readonly #trust: TrustedCertificates;
  readonly #ownCa: OwnCa | undefined;
  readonly #standing = new Map<string, Standing>();

  /** `roots`: all of the trust list. What of it we cannot read ends no path. */
  constructor(roots: readonly X509Certificate[], ownCa: OwnCa | undefined) {
    this.#trust = new TrustedCertificates(roots.flatMap((root) => read(root) ?? []));
    this.#ownCa = ownCa;
  }

  /**
   * Why a peer that OpenSSL has accepted is not the authority, if so. `now` in milliseconds since the epoch. The names
   * are compared every time; the path is judged once for the same bytes, as long as all of it is valid.
   */
  refusal({ leaf, staple, resumed }: Shown, authority: Authority, now = Date.now()): ProxyError | undefined {
    const refuse = (flaw: FlawCode, detail = ''): ProxyError =>
      new ProxyError('upstream-certificate', `${authority.host}: ${describeFlaw(flaw, detail)}`);
    // We offer none, and a resumed session proves nothing about this name: Node does not even call the name check.
    if (resumed) return refuse('resumed');
    if (!leaf) return new ProxyError('upstream-certificate', `${authority.host}: The origin sent no certificate.`);
    const sent = sentWith(leaf);
    const key = keyOf(sent);
    const kept = this.#recall(key, now);
    const path = kept?.path ?? this.#judge(sent, now);
    if ('flaw' in path) return refuse(path.flaw, path.detail);
    const [own, issuer = own] = path;
    if (!own || !issuer) return refuse('no-path');
    if (!kept) this.#keep(key, path, sent);
    const names = checkNames(own.facts, authority);
    if (!names.ok) return new ProxyError('upstream-name', `${formatAuthority(authority)}: ${names.reason}`);
    const status = this.#stapled(staple, own, issuer, now);
    if (status === 'revoked') return refuse('revoked');
    return own.facts.mustStaple && status !== 'good' ? refuse('no-staple') : undefined;
  }

  /** The refusal for a verdict of OpenSSL; that our own CA has a part in it outweighs what OpenSSL noticed. */
  explain(cause: Error & { code?: string }, leaf: X509Certificate | undefined, authority: Authority): ProxyError {
    const facts = leaf ? sentWith(leaf).flatMap((one) => read(one)?.facts ?? []) : [];
    const ours = this.#ownCa?.isIn(facts) ?? false;
    const { squid, sentence } = describeChainError(cause.code ?? '', cause.message);
    const told = ours ? describeFlaw('own-CA') : `${sentence} (${squid})`;
    return new ProxyError('upstream-certificate', `${authority.host}: ${told}`, { cause });
  }

  #judge(
    sent: readonly X509Certificate[],
    now: number,
  ): readonly ReadCertificate[] | { flaw: FlawCode; detail: string } {
    const [first, ...rest] = sent;
    const facts = readCertificateFacts(first?.raw ?? new Uint8Array());
    if (!first || !facts.ok) return { flaw: 'malformed', detail: facts.ok ? '' : `${facts.reason}.` };
    // What was sent along and cannot be read is no part of a path; if one needs it, there is none.
    const chain = [{ certificate: first, facts: facts.value }, ...rest.flatMap((one) => read(one) ?? [])];
    if (this.#ownCa?.isIn(chain.map((one) => one.facts))) return { flaw: 'own-CA', detail: '' };
    const found = findPath(chain, this.#trust, now);
    if (!found.ok) {
      const broken = found.flaw === 'no-path' && chain.length < sent.length ? firstReason(rest) : '';
      return broken ? { flaw: 'malformed', detail: `${broken}.` } : { flaw: found.flaw, detail: '' };
    }
    const path = found.path;
    return this.#ownCa?.isIn(path.map((one) => one.facts)) ? { flaw: 'own-CA', detail: '' } : path;
  }

  #recall(key: string, now: number): Standing | undefined {
    const standing = this.#standing.get(key);
    return standing && now >= standing.from && now <= standing.until ? standing : undefined;
  }

  #keep(key: string, path: readonly ReadCertificate[], sent: readonly X509Certificate[]): void {
    if (sent.reduce((sum, { raw }) => sum + raw.length, 0) > MAX_KEPT_SIZE) return;
    // The oldest goes: a chain that is in use comes back with its next connection.
    const [oldest] = this.#standing.keys();
    if (this.#standing.size >= MAX_KEPT && oldest !== undefined) this.#standing.delete(oldest);
    this.#standing.set(key, {
      path,
      from: Math.max(...path.map(({ facts }) => facts.notBefore)),
      until: Math.min(...path.map(({ facts }) => facts.notAfter)),
    });
  }

  #stapled(
    staple: Uint8Array | undefined,
    leaf: ReadCertificate,
    issuer: ReadCertificate,
    now: number,
  ): 'good' | 'revoked' | 'nothing' {
    if (!staple) return 'nothing';
    const response = readOcspResponse(staple);
    if (!response.ok) return 'nothing';
    const delegates = response.value.certificates.flatMap((der) => readDelegate(der) ?? []);
    return checkStaple({ response: response.value, delegates }, leaf, issuer, now);
  }
}

/** The leaf and what came after it, as Node links them: in the order of the handshake, whatever signed what. */
function sentWith(leaf: X509Certificate): X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (let one: X509Certificate | undefined = leaf; one; one = one.issuerCertificate) sent.push(one);
  return sent;
}

/** The same bytes in the same order. */
function keyOf(sent: readonly X509Certificate[]): string {
  return hash('sha256', Buffer.concat(sent.map(({ raw }) => raw)), 'base64');
}

function read(certificate: X509Certificate): ReadCertificate | undefined {
  const facts = readCertificateFacts(certificate.raw);
  return facts.ok ? { certificate, facts: facts.value } : undefined;
}

function firstReason(certificates: readonly X509Certificate[]): string {
  for (const { raw } of certificates) {
    const facts = readCertificateFacts(raw);
    if (!facts.ok) return facts.reason;
  }
  return '';
}

/** Bytes are given to OpenSSL only after our reader has taken them. */
function readDelegate(der: Uint8Array): ReadCertificate | undefined {
  const facts = readCertificateFacts(der);
  if (!facts.ok) return undefined;
  try {
    return { certificate: new X509Certificate(der), facts: facts.value };
  } catch {
    return undefined;
  }
}
