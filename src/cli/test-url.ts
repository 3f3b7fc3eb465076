// `sallyport test URL`: every step of a dry decision, the rule behind each, and the log lines it would leave. Only names
// are resolved; nothing is dialled or sent.

import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { formatAuthority } from '../core/authority.ts';
import type { Decision, Permit } from '../core/decision.ts';
import { asProxyError, ProxyError } from '../core/errors.ts';
import { formatTarget, parseAbsoluteTarget, type RequestTarget } from '../core/target.ts';
import type { AccessLogEntry } from '../log/access-log-entry.ts';
import { logFormat } from '../log/log-format.ts';
import { Resolver } from '../net/resolver.ts';
import { AddressGuard } from '../policy/address-guard.ts';
import { compilePolicy, type Policy } from '../policy/policy.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { columns, type Terminal } from './terminal.ts';

export interface TestOptions {
  readonly config: string;
  readonly client: string;
  readonly method: string;
  readonly json?: boolean;
}

/** One step: what was asked, what came out. */
interface Row {
  readonly step: string;
  readonly verdict: string;
  readonly rule: string;
  readonly reason: string;
}

export async function testUrl(terminal: Terminal, url: string, options: TestOptions): Promise<ExitCode> {
  const target = parseAbsoluteTarget(url);
  if (!target.ok) {
    terminal.err(`${url}: ${target.reason}\n`);
    return EXIT.usage;
  }
  const config = await loadConfig(options.config);
  const compiled = compilePolicy(config.policy);
  if (!compiled.ok)
    throw new ProxyError('config-invalid', compiled.problems.map((problem) => problem.message).join('; '));
  const asked = { target: target.value, client: options.client, method: options.method };
  const { rows, lines, allowed } = await walk(compiled.policy, config, asked);
  if (options.json) {
    terminal.out(`${JSON.stringify({ url: formatTarget(target.value), allowed, steps: rows, log: lines })}\n`);
  } else {
    const { style } = terminal;
    terminal.out(`${formatTarget(target.value)}  ${options.method} from ${options.client}\n\n`);
    terminal.out(columns(rows.map(({ step, verdict, rule, reason }) => [`  ${step}`, verdict, rule, reason])));
    terminal.out(`\n  ${allowed ? style('green', 'allowed') : style('red', 'denied')}, and logged as\n`);
    terminal.out(lines.map((line) => `    ${line}\n`).join(''));
  }
  return allowed ? EXIT.ok : EXIT.denied;
}

interface Asked {
  readonly target: RequestTarget;
  readonly client: string;
  readonly method: string;
}

async function walk(
  policy: Policy,
  config: Config,
  asked: Asked,
): Promise<{ rows: Row[]; lines: string[]; allowed: boolean }> {
  const { target, client, method } = asked;
  const rows: Row[] = [];
  const tell = teller(asked);
  const connect = target.scheme === 'https' ? policy.decideConnect({ client, authority: target.authority }) : undefined;
  if (connect) rows.push(rowOf(connect));
  if (connect?.action === 'deny') return { rows, lines: tell.refusedConnect(connect), allowed: false };
  const permit = connect ?? policy.decideRequest({ client, method, target });
  if (!connect) rows.push(rowOf(permit));
  if (permit.action === 'deny') return { rows, lines: [tell.request(403, permit)], allowed: false };
  if (permit.tls === 'terminate' && connect) return { rows, lines: [tell.connect('NONE_NONE', 0)], allowed: false };

  const address = await addressRow(config, permit);
  rows.push(address.row);
  if (!address.ok)
    return { rows, lines: connect ? tell.refusedConnect(undefined) : [tell.request(403)], allowed: false };
  if (!connect) return { rows, lines: [tell.request(200)], allowed: true };
  if (permit.tls !== 'bump') return { rows, lines: [tell.connect('TCP_TUNNEL', 200)], allowed: true };

  const request = policy.decideRequest({ client, method, target });
  rows.push(rowOf(request));
  const allowed = request.action === 'allow';
  return { rows, lines: [tell.connect('NONE_NONE', 200), tell.request(allowed ? 200 : 403, request)], allowed };
}

function rowOf(decision: Decision): Row {
  const tls = decision.action === 'allow' && decision.step !== 'request' ? `, ${decision.tls}` : '';
  const would = decision.action === 'allow' && decision.wouldDeny ? ' (enforced: deny)' : '';
  const { step, rule, reason } = decision;
  return { step, verdict: `${decision.action}${tls}${would}`, rule, reason };
}

async function addressRow(config: Config, { authority }: Permit): Promise<{ row: Row; ok: boolean }> {
  const guard = new AddressGuard({ allowAddresses: config.upstream.allowAddresses });
  const row = (verdict: string, reason: string): Row => ({ step: 'address', verdict, rule: '-', reason });
  try {
    const resolver = new Resolver(config.resolver, config.limits.connectTimeout);
    const all = authority.kind === 'name' ? await resolver.resolve(authority.host) : [authority.host];
    const checks = all.map((address) => ({ address, check: guard.check(address, authority.port) }));
    const good = checks.filter(({ check }) => check.ok).map(({ address }) => address);
    if (good.length > 0) return { row: row('allow', good.join(', ')), ok: true };
    return { row: row('deny', checks.flatMap(({ check }) => (check.ok ? [] : [check.reason])).join('; ')), ok: false };
  } catch (thrown) {
    // The decision does not hang on it: the name may resolve where the proxy runs.
    return { row: row('unknown', asProxyError(thrown).message), ok: true };
  }
}

/** The lines that such an exchange leaves, times and sizes apart. */
function teller({ target, client, method }: Asked) {
  const squid = logFormat('squid');
  const base = {
    time: Date.now(),
    elapsed: 0,
    client,
    bytes: 0,
    hierarchy: 'HIER_NONE',
    session: '-',
    outcome: 'answered',
  } as const;
  const line = (entry: Pick<AccessLogEntry, 'tag' | 'status' | 'method' | 'url' | 'contentType'>): string =>
    squid({ ...base, ...entry });
  const connect = (tag: AccessLogEntry['tag'], status: number): string =>
    line({ tag, status, method: 'CONNECT', url: formatAuthority(target.authority) });
  const request = (status: number, decision?: Decision): string => {
    const denied = status === 403;
    const tag = decision?.step === 'connect' ? 'NONE_NONE' : denied ? 'TCP_DENIED' : 'TCP_MISS';
    return line({ tag, status, method, url: formatTarget(target), contentType: denied ? 'text/html' : undefined });
  };
  return {
    connect,
    request,
    refusedConnect: (denial: Decision | undefined): string[] => {
      const by = denial?.action === 'deny' ? denial.refuseBy : 'connect';
      if (by === 'page') return [connect('TCP_DENIED', 200), request(403, denial)];
      return [by === 'close' ? connect('NONE_NONE', 0) : connect('TCP_DENIED', 403)];
    },
  };
}
