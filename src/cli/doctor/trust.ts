// Which roots origins are held against, and what else the config names that is read at a start. Called by doctor.ts.

import { getCACertificates } from 'node:tls';
import type { Config } from '../../config/config.ts';
import { asProxyError } from '../../core/errors.ts';
import { UpstreamIdentities } from '../../net/upstream-identities.ts';
import { createUpstreamContext } from '../../pki/upstream-trust.ts';
import { clientTrustOf, openAuth } from '../../proxy.ts';
import { shownPath } from '../shown-path.ts';
import { type Finding, failed } from './finding.ts';

/** Throws ProxyError `trust-unusable`. */
export function checkTrust({ upstream }: Pick<Config, 'upstream'>, now = new Date()): readonly Finding[] {
  const check = 'trust';
  const { trust, crl } = upstream;
  const { roots } = createUpstreamContext(trust, crl);
  const expired = roots.filter(({ validToDate }) => validToDate < now).length;
  const named = trust.map((source) => (source === 'system' ? source : shownPath(source))).join(', ');
  const lists = crl.length > 0 ? `, ${crl.length} revocation ${crl.length === 1 ? 'list' : 'lists'}` : '';
  const reason = `${roots.length} trusted ${roots.length === 1 ? 'root' : 'roots'} (${named})${lists}`;
  if (expired === roots.length) {
    const mend = 'renew the list, or set the clock if that is wrong';
    return [{ check, state: 'failed', reason: `${reason}, all of which have expired`, mend }];
  }
  if (trust.includes('system') && getCACertificates('system').length === 0) {
    return [
      {
        check,
        state: 'warning',
        reason: 'this system has no list of roots, so the one that comes with Node.js stands in',
        mend: 'install ca-certificates, or name a PEM file under upstream.trust',
      },
    ];
  }
  return [{ check, state: 'ok', reason: expired > 0 ? `${reason}, ${expired} of them expired` : reason }];
}

/** The files of client certificates and of users, where the config names any. */
export async function checkIdentities(config: Config): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const { clientCertificates = [] } = config.upstream;
  if (clientCertificates.length > 0) {
    const hosts = clientCertificates.flatMap((one) => one.hosts).join(', ');
    const reason = `of ours for origins: ${clientCertificates.length}, for ${hosts}`;
    findings.push(
      await tried('certificates', reason, async () => void (await UpstreamIdentities.open(config.upstream))),
    );
  }
  if (config.auth) {
    const reason = 'users, tokens and groups can be read';
    findings.push(
      await tried('users', reason, async () => {
        clientTrustOf(config);
        await (await openAuth(config))?.close();
      }),
    );
  }
  return findings;
}

async function tried(check: string, reason: string, work: () => Promise<void>): Promise<Finding> {
  try {
    await work();
    return { check, state: 'ok', reason };
  } catch (thrown) {
    return failed(check, asProxyError(thrown));
  }
}
