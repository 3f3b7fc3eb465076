// The rules as written turned into rules that can be asked, with everything that is wrong with them; policy.ts calls it.

import type { RefuseBy, TlsAction } from '../core/decision.ts';
import type { Place } from '../core/place.ts';
import type { Redirect } from '../core/redirect.ts';
import type { Scheme } from '../core/target.ts';
import { AddressSet, parseAddressRange } from './address-set.ts';
import { namesHost, parseHostPattern } from './host-pattern.ts';
import { parseMethod } from './method.ts';
import { PortRanges, parsePortRange } from './port-ranges.ts';
import { type Checked, compileEach, type Path, type Problem } from './problem.ts';
import { looksAtRequests, type Rule, type RuleScheme } from './rule.ts';
import { parseUpgrade } from './upgrade-list.ts';
import { parseUrlPattern, portUnder, type UrlPattern } from './url-pattern.ts';
import { compileWho, type WhoOptions } from './who.ts';

/** A rule as written. All keys that are given must match; of the values of a key, one; an absent key matches all. */
export interface RuleOptions extends WhoOptions {
  readonly name: string;
  /** Plain requests, tunnels with what is in them, or tunnels alone. Not together with `urls`, which say it. */
  readonly scheme?: RuleScheme;
  /** Addresses and CIDR ranges. */
  readonly clients?: readonly string[];
  /** Host patterns, see host-pattern.ts. Not together with `urls`. */
  readonly hosts?: readonly string[];
  /** URL patterns, see url-pattern.ts. */
  readonly urls?: readonly string[];
  /** Methods of requests, never CONNECT. */
  readonly methods?: readonly string[];
  /** Ports of the destination. */
  readonly ports?: readonly (number | string)[];
  /** Protocols that a request may leave HTTP for, in place of those of the policy. */
  readonly upgrades?: readonly string[];
  readonly action: 'allow' | 'deny';
  readonly tls?: TlsAction;
  readonly refuse?: RefuseBy;
  /** What becomes of a host that goes on only with a client certificate. */
  readonly onClientCert?: 'refuse' | 'splice';
  /** For whoever it denies: a sentence of its own, and a URL to go to in place of a page. */
  readonly message?: string;
  readonly redirect?: Redirect;
  /** Where it stands in the config. */
  readonly at?: Place;
}

/** What holds where a rule does not say. */
export interface RuleContext {
  readonly tls: TlsAction;
  readonly refuse: RefuseBy;
  readonly onClientCert?: 'refuse' | 'splice' | undefined;
  readonly upgrades?: readonly string[];
  /** Ports that can be reached at all, by the scheme of the request. */
  readonly ports: Readonly<Record<Scheme, PortRanges>>;
}

/** Names under which the policy itself decides. */
export const OWN_NAMES = ['default', 'connectPorts', 'httpPorts', 'serverName', 'upgrades'];

/** Rules with problems are in the answer too, without what could not be read. */
export function compileRules(rules: readonly RuleOptions[], context: RuleContext, problems: Problem[]): Rule[] {
  const names = new Map<string, number>();
  return rules.map((options, index) => {
    const path = ['rules', index];
    checkName(options.name, names, index, problems);
    const before = problems.length;
    const lists = compileLists(options, path, problems);
    const isRead = problems.length === before;
    // A splice would keep the requests from the rule that wants to see them, so bump is the default here.
    const tls = options.tls ?? (looksAtRequests(lists) ? 'bump' : context.tls);
    const upgrades = options.upgrades
      ? compileEach(options.upgrades, parseUpgrade, [...path, 'upgrades'], problems)
      : (context.upgrades ?? []);
    const isClosed = options.action === 'deny' && options.tls === 'terminate';
    const refuseBy = isClosed ? 'close' : (options.refuse ?? context.refuse);
    const byName = lists.hosts?.every(namesHost) ?? false;
    const onClientCert = options.onClientCert ?? context.onClientCert ?? 'refuse';
    const said = { name: options.name, action: options.action, tls, refuseBy, byName, onClientCert, upgrades };
    const { at, message, redirect, scheme } = options;
    const rule: Rule = { index, ...said, scheme, ...lists, at, message, redirect };
    checkScheme(options, path, problems);
    checkOnClientCert(options, rule, path, problems);
    checkWords(options, rule, path, problems);
    checkTls(options, rule, path, problems);
    // What could not be read may be the very port that is missing.
    if (isRead) checkPorts(rule, context, path, problems);
    return rule;
  });
}

function compileLists(
  options: RuleOptions,
  path: Path,
  problems: Problem[],
): Pick<Rule, 'clients' | 'hosts' | 'urls' | 'methods' | 'ports' | 'who'> {
  const compile = <I, O>(key: keyof RuleOptions, items: readonly I[] | undefined, one: (item: I) => Checked<O>) => {
    if (items?.length === 0) {
      const message = `the list "${key}" is empty, so the rule can never match`;
      problems.push({ path: [...path, key], message, suggestion: `leave "${key}" out to match all` });
    }
    return items && compileEach(items, one, [...path, key], problems);
  };
  if (options.hosts && options.urls) {
    const message = 'a rule has either "hosts" or "urls", since it would be unclear whether both must match';
    problems.push({ path: [...path, 'urls'], message, suggestion: 'split it into two rules' });
  }
  const clients = compile('clients', options.clients, parseAddressRange);
  const hosts = compile('hosts', options.hosts, parseHostPattern);
  const urls = compile('urls', options.urls, parseUrlPattern);
  const methods = compile('methods', options.methods, parseMethod);
  const ports = compile('ports', options.ports, parsePortRange);
  return {
    clients: clients && new AddressSet(clients),
    hosts,
    urls,
    methods: methods && new Set(methods),
    ports: ports && new PortRanges(ports),
    who: compileWho(options, path, problems),
  };
}

/** A name stands in log lines and header fields, and says which rule it was. */
function checkName(name: string, names: Map<string, number>, index: number, problems: Problem[]): void {
  const path = ['rules', index, 'name'];
  const before = names.get(name);
  if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/.test(name)) {
    problems.push({ path, message: 'a rule name is 1 to 64 printable ASCII characters, not a space at either end' });
  } else if (OWN_NAMES.includes(name)) {
    problems.push({
      path,
      message: `"${name}" is a name that the policy itself uses`,
      suggestion: 'give it another name',
    });
  } else if (before !== undefined) {
    const message = `rule ${before + 1} is called "${name}" already`;
    problems.push({ path, message, suggestion: 'give each rule its own name' });
  } else names.set(name, index);
}

function checkTls(options: RuleOptions, rule: Rule, path: Path, problems: Problem[]): void {
  const seesHttps = rule.urls ? rule.urls.some(({ schemes }) => schemes.includes('https')) : rule.methods !== undefined;
  if (seesHttps && rule.tls !== 'bump') {
    const key = rule.urls ? 'urls' : 'methods';
    problems.push({
      path: [...path, 'tls'],
      message: `a rule with "${key}" must see the requests inside TLS, and "tls: ${rule.tls}" does not show them`,
      suggestion: `write "tls: bump", or replace "${key}" by "hosts"`,
    });
  }
  if (rule.refuseBy === 'close' && options.refuse !== undefined && options.refuse !== 'close') {
    problems.push({
      path: [...path, 'refuse'],
      message: `"refuse: ${options.refuse}" has no effect beside "tls: terminate", which closes the connection without a word`,
      suggestion: 'leave one of the two out',
    });
  }
}

function checkScheme({ scheme, urls, methods }: RuleOptions, path: Path, problems: Problem[]): void {
  if (scheme === undefined) return;
  const wrong = (message: string, suggestion: string): void =>
    void problems.push({ path: [...path, 'scheme'], message, suggestion });
  if (urls) wrong('"scheme" has no effect beside "urls", which name theirs', 'leave it out');
  else if (methods && scheme === 'connect') {
    wrong(
      'a rule with "methods" is for requests, and "scheme: connect" for what comes before them',
      'write "scheme: https"',
    );
  }
}

/** Words for whoever is denied, on a rule that denies nobody or closes without a word. */
function checkWords(options: RuleOptions, rule: Rule, path: Path, problems: Problem[]): void {
  for (const key of ['message', 'redirect'] as const) {
    if (options[key] === undefined) continue;
    const message = `"${key}" has no effect`;
    const wrong = (why: string): void =>
      void problems.push({ path: [...path, key], message: `${message} ${why}`, suggestion: 'leave it out' });
    if (rule.action === 'allow') wrong('on a rule that allows');
    else if (rule.refuseBy === 'close') wrong('beside "tls: terminate", which closes the connection without a word');
  }
}

function checkOnClientCert(options: RuleOptions, rule: Rule, path: Path, problems: Problem[]): void {
  if (options.onClientCert === undefined) return;
  const without = `"onClientCert: ${options.onClientCert}" has no effect`;
  const wrong = (message: string, suggestion: string): void =>
    void problems.push({ path: [...path, 'onClientCert'], message, suggestion });
  if (looksAtRequests(rule) && options.onClientCert === 'splice') {
    const key = rule.urls ? 'urls' : 'methods';
    wrong(
      `a rule with "${key}" must see the requests, so what it allows is never spliced`,
      `replace "${key}" by "hosts"`,
    );
  } else if (rule.action === 'deny') wrong(`${without} on a rule that denies`, 'leave it out');
  else if (rule.tls !== 'bump') wrong(`${without} beside "tls: ${rule.tls}", which does not decrypt`, 'leave it out');
}

function checkPorts(rule: Rule, { ports }: RuleContext, path: Path, problems: Problem[]): void {
  if (rule.ports && !rule.ports.overlaps(ports.https) && !rule.ports.overlaps(ports.http)) {
    const message = `the ports ${rule.ports} are neither in connectPorts (${ports.https}) nor in httpPorts (${ports.http})`;
    problems.push({ path: [...path, 'ports'], message, suggestion: 'add them there' });
    return;
  }
  rule.urls?.forEach((url, index) => {
    const reachable = url.schemes.filter((scheme) => ports[scheme].has(portUnder(url, scheme)));
    if (reachable.length === 0) {
      problems.push({ path: [...path, 'urls', index], message: unreachable(url, ports), suggestion: 'add it there' });
    } else if (rule.ports && !reachable.some((scheme) => rule.ports?.has(portUnder(url, scheme)))) {
      problems.push({
        path: [...path, 'urls', index],
        message: `URL pattern "${url.text}" can never match: its port is not among the ports of the rule (${rule.ports})`,
      });
    }
  });
}

function unreachable(url: UrlPattern, ports: RuleContext['ports']): string {
  const where = url.schemes.map((scheme) => {
    const list = scheme === 'https' ? 'connectPorts' : 'httpPorts';
    return `port ${portUnder(url, scheme)} is not in ${list} (${ports[scheme]})`;
  });
  return `URL pattern "${url.text}" can never match: ${where.join(' and ')}`;
}
