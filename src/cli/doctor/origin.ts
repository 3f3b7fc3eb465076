// One origin as the proxy would meet it: its name, its addresses and what the guard says of them, the dial, the handshake,
// its chain, and whether it wants a client certificate. Dials through the proxy's own upstream. Called by doctor.ts.

import type { X509Certificate } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import type { Permit } from '../../core/decision.ts';
import { asProxyError, type ErrorCode, type ProxyError } from '../../core/errors.ts';
import type { Scheme } from '../../core/target.ts';
import { leadsTo } from '../../net/listener.ts';
import type { Resolver } from '../../net/resolver.ts';
import type { Route, Upstream, UpstreamConnection } from '../../net/upstream.ts';
import { AddressGuard } from '../../policy/address-guard.ts';
import { shortName } from './ca.ts';
import { type Finding, failed, plain } from './finding.ts';
import { mendFor } from './mends.ts';
import { chainOf } from './strict-client.ts';

/** Milliseconds for the no of an origin that wanted a certificate: a round trip. */
const SECOND_WORD = 500;
const DAY = 86_400_000;
/** Days before the end of a certificate of theirs at which to say so. */
const SOON = 14;
const MOST_ADDRESSES = 8;

/** The origin showed this in its handshake, whatever came of it. */
export interface Seen {
  leaf?: X509Certificate | undefined;
}

export interface OriginParts {
  readonly config: Config;
  /** That of the upstream. */
  readonly resolver: Resolver;
  readonly upstream: Upstream;
  readonly seen: Seen;
}

/** What its name leads to, and whether that may be dialled. The route is there when it may. */
export async function checkName(
  { config, resolver, upstream }: Omit<OriginParts, 'seen'>,
  permit: Permit,
): Promise<{ readonly route?: Route; readonly findings: readonly Finding[] }> {
  const check = 'DNS';
  const { authority } = permit;
  const { host, port } = authority;
  try {
    if (upstream.viaTo(authority)) {
      const route = await upstream.locate(permit);
      return { route, findings: [{ check, state: 'ok', reason: `${host} is resolved by the parent proxy` }] };
    }
    const begin = performance.now();
    const addresses = authority.kind === 'name' ? await resolver.resolve(host) : [host];
    const took = Math.round(performance.now() - begin);
    const isOwn = (address: string, at: number): boolean => leadsTo(config.listen, address, at);
    const guard = new AddressGuard({ allowAddresses: config.upstream.allowAddresses, isOwn });
    const verdicts = addresses.map((address) => ({ address, verdict: guard.check(address, port) }));
    const good = verdicts.filter(({ verdict }) => verdict.ok).map(({ address }) => address);
    const refused = verdicts.flatMap(({ verdict }) => (verdict.ok ? [] : [verdict.reason]));
    const from = authority.kind !== 'name' ? 'an address' : resolver.known(host) ? 'by a hosts entry' : `in ${took} ms`;
    const leads = authority.kind === 'name' ? `${listed(addresses)} (${from})` : host;
    if (good.length === 0) {
      const reason = `${leads}, and none of it may be dialled: ${listed(refused, '; ')}`;
      return { findings: [{ check, state: 'failed', reason, ...mendFor('address-forbidden') }] };
    }
    const rest = refused.length > 0 ? `; not dialled: ${listed(refused, '; ')}` : ', which may be dialled';
    const route = await upstream.locate(permit);
    return { route, findings: [{ check, state: 'ok', reason: `${leads}${rest}` }] };
  } catch (thrown) {
    const error = asProxyError(thrown);
    return { findings: [{ ...failed(check, error), reason: plain(error.message), ...mendFor(error.code) }] };
  }
}

/** The connection that the proxy would open; closed again, and nothing is asked on it. */
export async function checkConnection(
  { upstream, seen }: Pick<OriginParts, 'upstream' | 'seen'>,
  route: Route,
  scheme: Scheme,
): Promise<readonly Finding[]> {
  let connection: UpstreamConnection;
  try {
    connection =
      scheme === 'https'
        ? await upstream.connectSecurely(route, undefined, ['h2', 'http/1.1'])
        : await upstream.connectPlainly(route);
  } catch (thrown) {
    return explain(asProxyError(thrown), seen);
  }
  try {
    const dialled = dialOf(connection);
    if (scheme === 'http') return [dialled];
    const wish = await wishOf(connection, route.permit);
    return [dialled, handshakeOf(connection), certificateOf(seen.leaf), ...wish];
  } finally {
    connection.socket.destroy();
  }
}

/** What failed says what went well before it. */
function explain(error: ProxyError, { leaf }: Seen): readonly Finding[] {
  const reached: Finding = { check: 'dial', state: 'ok', reason: 'it takes connections' };
  const mended = (check: string): Finding => ({ ...failed(check, error), ...mendFor(error.code, error.detail) });
  const shook: Finding = { check: 'handshake', state: 'ok', reason: 'it speaks TLS' };
  if (error.code === 'client-cert-required') return [reached, shook, mended('client certificate')];
  if (OF_CERTIFICATE.has(error.code)) {
    const shown = leaf ? ` (${describe(leaf)})` : '';
    const refused = mended('certificate');
    return [reached, shook, { ...refused, reason: `${refused.reason}${shown}` }];
  }
  if (error.code === 'upstream-tls') return [reached, mended('handshake')];
  return [{ ...mended('dial'), reason: plain(error.message) }];
}

const OF_CERTIFICATE: ReadonlySet<ErrorCode> = new Set(['upstream-certificate', 'upstream-name']);

function dialOf({ address, timings, parent }: UpstreamConnection): Finding {
  const took = `${Math.round(timings.connect)} ms`;
  const reason = parent
    ? `the parent proxy ${parent.name} at ${address} leads there`
    : `${address} answers within ${took}`;
  return { check: 'dial', state: 'ok', reason };
}

function handshakeOf({ tls, protocol, timings }: UpstreamConnection): Finding {
  const spoken = protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1';
  const { version = 'TLS', cipher = '' } = tls ?? {};
  const took = timings.tls === undefined ? '' : ` in ${Math.round(timings.tls)} ms`;
  return { check: 'handshake', state: 'ok', reason: `${version.replace('v', ' ')}, ${cipher}, ${spoken}${took}` };
}

function certificateOf(leaf: X509Certificate | undefined): Finding {
  const check = 'certificate';
  if (!leaf) return { check, state: 'ok', reason: 'its chain and its name stand' };
  const days = Math.floor((leaf.validToDate.getTime() - Date.now()) / DAY);
  const reason = `its chain and its name stand: ${describe(leaf)}`;
  if (days < SOON) return { check, state: 'warning', reason, mend: `it ends in ${days} days: tell whoever runs it` };
  return { check, state: 'ok', reason };
}

/** Names, issuer, dates and length of a chain, from bytes that nobody vouches for. */
function describe(leaf: X509Certificate): string {
  const names = (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(?:DNS|IP Address):/, ''));
  const shown = names.filter((name) => name !== '').map((name) => printable(name));
  const from = leaf.validFromDate.toISOString().slice(0, 10);
  const to = leaf.validToDate.toISOString().slice(0, 10);
  const sent = chainOf(leaf).length;
  return `for ${listed(shown, ', ', 3) || 'no name'}, issued by ${shortName(leaf.issuer)}, valid ${from} to ${to}, ${sent} sent`;
}

/** Whether it asked for a certificate of ours, and goes on without, or with what we have. */
async function wishOf({ socket, wish }: UpstreamConnection, { identity }: Permit): Promise<readonly Finding[]> {
  const check = 'client certificate';
  if (!wish) return [{ check, state: 'ok', reason: 'it does not ask for one' }];
  const gone = new Promise<boolean>((resolve) => void socket.once('close', () => resolve(true)));
  // Its no comes as bytes, which nobody would read.
  socket.resume();
  const closed = await Promise.race([gone, wait(SECOND_WORD, false)]);
  const refusal = closed ? wish.refusal(false) : undefined;
  if (refusal) return [{ ...failed(check, refusal), ...mendFor('client-cert-required') }];
  if (identity !== undefined) return [{ check, state: 'ok', reason: `it asks for one, and takes ${identity} of ours` }];
  const mend =
    'if it refuses requests: tls: splice in a rule for it, or a certificate under upstream.clientCertificates';
  return [{ check, state: 'warning', reason: 'it asks for one, and has not turned us away without', mend }];
}

function listed(texts: readonly string[], between = ', ', most = MOST_ADDRESSES): string {
  const more = texts.length > most ? `${between}and ${texts.length - most} more` : '';
  return `${texts.slice(0, most).join(between)}${more}`;
}

const printable = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 80);
