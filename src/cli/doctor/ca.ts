// Is the CA there, does its key belong to it, how long does it last, and would strict clients take what it signs? Called
// by doctor.ts. Makes nothing.

import type { Authority } from '../../core/authority.ts';
import { presentFiles } from '../../pki/ca-files.ts';
import {
  type CaOptions,
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../pki/certificate-authority.ts';
import { LeafStore } from '../../pki/leaf-store.ts';
import { shownPath } from '../shown-path.ts';
import { type Finding, type Findings, failed, plain } from './finding.ts';
import { strictFlaw } from './strict-client.ts';

const CHECK = 'CA';
const DAY = 86_400_000;

export interface FoundCa {
  /** Undefined where there is none that could be used, or none yet. */
  readonly ca: CertificateAuthority | undefined;
  readonly findings: readonly Finding[];
}

/** Throws ProxyError `ca-unusable`. */
export async function checkCa(paths: CaOptions): Promise<FoundCa> {
  const present = await presentFiles(paths);
  if (!present.cert && !present.key) {
    const reason = `there is none yet: the first start makes ${shownPath(paths.cert)} and its key`;
    return { ca: undefined, findings: [{ check: CHECK, state: 'ok', reason }] };
  }
  // The one of two files that is missing is found missing, and nothing is made.
  const { ca, warnings } = await openCertificateAuthority(paths);
  const days = Math.floor((ca.notAfter.getTime() - Date.now()) / DAY);
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails = {} } = ca.key;
  const { namedCurve, modulusLength } = asymmetricKeyDetails;
  const kind = `${asymmetricKeyType.toUpperCase()} ${namedCurve ?? modulusLength ?? ''}`.trim();
  const until = ca.notAfter.toISOString().slice(0, 10);
  const reason = `${shownPath(paths.cert)} is valid until ${until}, ${days} days; its key (${kind}) matches and is nobody else's to read`;
  const fine: Finding = { check: CHECK, state: 'ok', reason };
  const loud = warnings.map((warning): Finding => ({ check: CHECK, state: 'warning', reason: plain(warning) }));
  return { ca, findings: [fine, ...loud] };
}

/** A leaf for the host, minted as for a client, and looked at as the strictest of them look at it. */
export async function checkLeaf(ca: CertificateAuthority, { kind, host }: Authority): Promise<Findings> {
  const check = 'leaf';
  if (!ca.anchor.checkIssued(ca.anchor)) {
    const reason = `the root above ${shortName(ca.anchor.subject)} is not at hand, and clients judge by that`;
    return { check, state: 'skipped', reason };
  }
  const store = new LeafStore(ca, { maxEntries: 2 });
  const findings: Finding[] = [];
  for (const keyType of ['ec', 'rsa'] as const) {
    const leaf = { hosts: [{ kind, text: host }], keyType };
    const flaw = await store.lend(leaf, (context) => strictFlaw(context, ca, { kind, host }));
    if (flaw !== undefined) {
      const mend = 'have the CA issued again as the README says, or leave both its files out and a new one is made';
      findings.push({
        check,
        state: 'failed',
        reason: `a strict client refuses what is minted for ${host}: ${flaw}`,
        mend,
      });
    }
  }
  if (findings.length > 0) return findings;
  return {
    check,
    state: 'ok',
    reason: `what is minted for ${host} is taken by a strict client that trusts ${shortName(ca.anchor.subject)} (SHA-256 ${ca.anchor.fingerprint256.slice(0, 11)}…)`,
  };
}

/** What there is to say where no leaf can be minted. */
export function noLeaf(error?: Parameters<typeof failed>[1]): Finding {
  if (error) return failed('leaf', error);
  return { check: 'leaf', state: 'skipped', reason: 'there is no CA to mint one' };
}

/** The common name of a subject as Node prints it, else all of it. */
export function shortName(subject: string): string {
  const common = /^CN=(.*)$/m.exec(subject)?.[1];
  return (common ?? subject.replace(/\n/g, ', ')).replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
}
