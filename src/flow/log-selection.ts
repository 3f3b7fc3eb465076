// Which transactions a log wants to have: what `when` and `unless` of an access log mean. Called by proxy.ts for the logs that
// say it; config/ asks it for mistakes.

import { type Authority, parseAuthority, parseHost } from '../core/authority.ts';
import { ProxyError } from '../core/errors.ts';
import type { Selector } from '../log/access-log.ts';
import type { AccessLogEntry } from '../log/access-log-entry.ts';
import type { LogSelection } from '../log/log-options.ts';
import { AddressSet, parseAddress, parseAddressRange } from '../policy/address-set.ts';
import { HostMatcher } from '../policy/host-matcher.ts';
import { parseHostPattern } from '../policy/host-pattern.ts';
import { type Checked, compileEach, type Problem, sound, unsound } from '../policy/problem.ts';

/** What is wrong in it; paths begin at the selection. */
export function checkSelection(selection: LogSelection): readonly Problem[] {
  const problems: Problem[] = [];
  compile(selection, problems);
  return problems;
}

/** Throws ProxyError `config-invalid`; one that was read from a file has been checked. */
export function compileSelection(selection: LogSelection): Selector {
  const problems: Problem[] = [];
  const tests = compile(selection, problems);
  if (problems.length > 0) throw new ProxyError('config-invalid', problems.map(({ message }) => message).join('; '));
  return (entry) => {
    for (const test of tests) if (!test(entry)) return false;
    return true;
  };
}

function compile(selection: LogSelection, problems: Problem[]): Selector[] {
  const { outcomes, action, rules, users, methods } = selection;
  const tests: Selector[] = [];
  const among = <T>(list: readonly T[] | undefined, read: (entry: AccessLogEntry) => T | undefined): void => {
    if (!list) return;
    const wanted = new Set<T | undefined>(list);
    tests.push((entry) => wanted.has(read(entry)));
  };
  among(outcomes, ({ outcome }) => outcome);
  among(action === undefined ? undefined : [action], (entry) => entry.action);
  among(rules, ({ rule }) => rule);
  among(users, ({ user }) => user);
  among(methods, ({ method }) => method);
  if (selection.clients) tests.push(byClient(selection.clients, problems));
  if (selection.hosts) tests.push(byHost(selection.hosts, problems));
  if (selection.statuses) tests.push(byStatus(selection.statuses, problems));
  return tests;
}

function byClient(clients: readonly string[], problems: Problem[]): Selector {
  const set = new AddressSet(compileEach(clients, parseAddressRange, ['clients'], problems));
  return ({ client }) => {
    const address = parseAddress(client);
    return address !== undefined && set.has(address);
  };
}

function byHost(hosts: readonly string[], problems: Problem[]): Selector {
  const matcher = new HostMatcher<true>();
  for (const pattern of compileEach(hosts, parseHostPattern, ['hosts'], problems)) matcher.add(pattern, true);
  return (entry) => {
    const host = hostOf(entry);
    return host !== undefined && matcher.find(host).length > 0;
  };
}

/** The host of the URL, as it is logged in canonical form; undefined where there was no request. */
function hostOf({ url, method }: AccessLogEntry): Pick<Authority, 'kind' | 'host'> | undefined {
  const authority = method === 'CONNECT' ? url : /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1];
  const parsed = authority === undefined ? undefined : parseAuthority(authority, 1);
  if (parsed?.ok) return parsed.value;
  const host = parseHost(url.replace(/:\d+$/, ''));
  return host.ok ? { kind: host.value.kind, host: host.value.text } : undefined;
}

const STATUS = /^([1-9]\d\d|0)(?:-([1-9]\d\d))?$/;

function byStatus(statuses: readonly (number | string)[], problems: Problem[]): Selector {
  const parse = (text: number | string): Checked<readonly [number, number]> => {
    const [, from, to = from] = STATUS.exec(String(text)) ?? [];
    return from === undefined || Number(to) < Number(from)
      ? unsound(`"${text}" is no status, nor a range such as 500-599`)
      : sound([Number(from), Number(to)]);
  };
  const ranges = compileEach(statuses, parse, ['statuses'], problems);
  return ({ status }) => ranges.some(([from, to]) => status >= from && status <= to);
}
