// The strictest client there is: a TLS handshake without a wire against a leaf of ours, verified by OpenSSL and then by our
// own pass, which asks for more. Called by ca.ts.

import type { X509Certificate } from 'node:crypto';
import { duplexPair } from 'node:stream';
import { connect, type SecureContext, TLSSocket } from 'node:tls';
import type { Authority } from '../../core/authority.ts';
import { messageOf } from '../../core/errors.ts';
import type { CertificateAuthority } from '../../pki/certificate-authority.ts';
import { findPath } from '../../pki/find-path.ts';
import { describeFlaw } from '../../pki/flaw.ts';
import { type ReadCertificate, TrustedCertificates } from '../../pki/trusted-certificates.ts';
import { checkNames } from '../../pki/verify-upstream.ts';
import { readCertificateFacts } from '../../wire/certificate.ts';

/** Milliseconds: no byte leaves the process. */
const PATIENCE = 5_000;

/** What such a client has against a leaf; undefined: nothing. Never rejects. */
export async function strictFlaw(
  context: SecureContext,
  ca: Pick<CertificateAuthority, 'anchor'>,
  asked: Pick<Authority, 'kind' | 'host'>,
): Promise<string | undefined> {
  try {
    return judge(await shown(context, ca, asked), ca, asked);
  } catch (error) {
    return messageOf(error);
  }
}

/** The certificates that it is shown, the leaf first, once OpenSSL has taken them. Rejects with what OpenSSL says. */
function shown(
  secureContext: SecureContext,
  { anchor }: Pick<CertificateAuthority, 'anchor'>,
  { kind, host }: Pick<Authority, 'kind' | 'host'>,
): Promise<X509Certificate[]> {
  const [near, far] = duplexPair();
  const server = new TLSSocket(far, { isServer: true, secureContext });
  const client = connect({
    socket: near,
    ca: anchor.toString(),
    ...(kind === 'name' ? { servername: host } : {}),
    // The name is compared below, by the rules that a strict client has.
    checkServerIdentity: () => undefined,
  });
  return new Promise<X509Certificate[]>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no end of the handshake')), PATIENCE);
    client.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(chainOf(client.getPeerX509Certificate()));
    });
    for (const socket of [client, server]) {
      socket.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
    }
  }).finally(() => {
    client.destroy();
    server.destroy();
  });
}

function judge(
  chain: readonly X509Certificate[],
  { anchor }: Pick<CertificateAuthority, 'anchor'>,
  { kind, host }: Pick<Authority, 'kind' | 'host'>,
): string | undefined {
  const sent = chain.map(read);
  const [leaf] = sent;
  if (!leaf) return 'it is shown no certificate';
  const path = findPath(sent, new TrustedCertificates([read(anchor)]), Date.now());
  if (!path.ok) return describeFlaw(path.flaw);
  const names = checkNames(leaf.facts, { kind, host, port: 443 });
  return names.ok ? undefined : names.reason;
}

function read(certificate: X509Certificate): ReadCertificate {
  const facts = readCertificateFacts(certificate.raw);
  if (!facts.ok) throw new Error(facts.reason);
  return { certificate, facts: facts.value };
}

/** As the peer has sent them, as far as one has issued the other; a root that issued itself ends it. */
export function chainOf(leaf: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at = leaf; at && chain.length < MAX_SHOWN; at = at.issuerCertificate) {
    if (chain.some(({ fingerprint512 }) => fingerprint512 === at?.fingerprint512)) break;
    chain.push(at);
  }
  return chain;
}

const MAX_SHOWN = 10;
