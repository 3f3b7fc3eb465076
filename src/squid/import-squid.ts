// A squid.conf as the text of a config of ours, with the list of what is not in it as it was. The commands call it, and
// load.ts for a proxy that runs from a squid.conf as it stands.

import { basename, dirname, resolve } from 'node:path';
import { nearest } from '../core/nearest.ts';
import { compilePolicy, type RuleOptions } from '../policy/policy.ts';
import { type Access, type AccessLines, type AccessRule, accessRules, TooMany } from './access.ts';
import type { AclContext, World } from './acl-bounds.ts';
import { AclSet } from './acl-set.ts';
import { tellCertErrors, toleratedHosts } from './cert-error.ts';
import { DenyInfo } from './deny-info.ts';
import { Draft } from './draft.ts';
import { placeInService } from './for-service.ts';
import { readHosts } from './hosts-lines.ts';
import { readIdentity } from './identity.ts';
import { indirectFrom } from './indirect.ts';
import { KNOWN_DIRECTIVES, TRANSLATED } from './known-directives.ts';
import { readListeners } from './listeners.ts';
import { readLogs } from './logs.ts';
import { readManager } from './manager.ts';
import { remarkOn } from './not-needed.ts';
import { type Note, Notes } from './note.ts';
import { readPages } from './pages.ts';
import { type Cut, readParents } from './parents.ts';
import type { Ranges } from './ranges.ts';
import { type ConfProblem, type Directive, readConf } from './read-conf.ts';
import { ruleOptions, ruleValue } from './rule-text.ts';
import { SETTINGS } from './settings.ts';
import { socketBeside } from './socket-place.ts';
import type { Desk } from './translator.ts';
import { readUpstreamTls, UPSTREAM_TLS } from './upstream-tls.ts';
import { yamlText } from './yaml-text.ts';

export interface Imported {
  /** A whole config; its paths are absolute. */
  readonly yaml: string;
  readonly notes: readonly Note[];
  /** With any, Squid itself would not start, and nor do we. */
  readonly problems: readonly ConfProblem[];
  /** What the unit of the service has to allow for this config; only where it was made for that. */
  readonly dropIn?: string;
}

export interface ImportSquidOptions {
  /** For the service of our package, rather than for whoever ran Squid. */
  readonly forService?: boolean;
}

export async function importSquid(path: string, { forService = false }: ImportSquidOptions = {}): Promise<Imported> {
  const { directives, problems: unread } = await readConf(path);
  const problems = [...unread];
  const folder = dirname(resolve(path));
  const notes = new Notes();
  const acls = new AclSet();
  const desk: Desk = { draft: new Draft(), notes, acls, problems, absolute: (text) => resolve(folder, text) };
  const named = (...names: readonly string[]) => directives.filter(({ name }) => names.includes(name));
  for (const line of named('acl')) acls.define(line, notes);
  const { ports, names, bumps } = readListeners(named('http_port', 'https_port'), named('proxy_protocol_access'), desk);
  const hasUsers = readIdentity(named('auth_param'), desk);
  const bare = (world: World): AclContext => ({ acls, notes, world, listenPorts: ports, listenNames: names, hasUsers });
  const indirect = indirectFrom(named('follow_x_forwarded_for'), named('acl_uses_indirect_client'), bare('http'));
  const contextOf = (world: World): AclContext => ({ ...bare(world), indirect });
  for (const [name, family] of Object.entries(SETTINGS)) family(named(name), desk);
  readUpstreamTls(named(...UPSTREAM_TLS), desk);
  await readHosts(named('hosts_file'), desk);
  const cut = readParents(
    {
      peers: named('cache_peer'),
      access: named('cache_peer_access'),
      always: named('always_direct'),
      never: named('never_direct'),
    },
    contextOf('https'),
    desk,
  );
  readLogs(
    {
      logs: named('access_log', 'cache_access_log'),
      formats: named('logformat'),
      rotations: named('logfile_rotate'),
      emulate: named('emulate_httpd_log'),
    },
    desk,
  );
  const pages = named('error_directory').at(-1);
  await readPages(pages, desk);
  const denyInfo = await DenyInfo.read(named('deny_info'), pages && desk.absolute(pages.rest), desk);
  limitConnections(named('acl'), desk);
  const pid = named('pid_filename').at(-1);
  if (pid && pid.rest !== 'none') desk.draft.set('admin', 'socket', socketBeside(desk.absolute(pid.rest)), [pid]);
  const httpAccess = named('http_access');
  readManager(httpAccess, named('cachemgr_passwd'), contextOf('http'), desk);
  const sslBump = named('ssl_bump');
  const certErrors = named('sslproxy_cert_error');
  const tolerated = toleratedHosts(certErrors, contextOf('https'));
  const further = [named('adapted_http_access'), named('miss_access')];
  if (!bumps)
    for (const line of sslBump) notes.tell(line, 'not-needed', 'no listener decrypts: none has "ssl-bump"', '');
  const wordsFor = (lines: readonly Directive[]) => denyInfo.wordsFor(lines);
  const isAlike = writePolicy({ cut, httpAccess, further, sslBump, tolerated, bumps, wordsFor }, contextOf, desk);
  tellCertErrors(certErrors, tolerated, bumps ? (isAlike ? 'passed' : 'refused') : 'unread anyway', desk);
  denyInfo.tellUnused(notes);
  remark(directives, notes);
  const dropIn = forService ? await placeInService(desk.draft) : undefined;
  const head = [
    `Made from ${basename(path)} by "sallyport import". Each line of it that counts stands above what has become of it.`,
  ];
  return { yaml: yamlText(desk.draft, head), notes: notes.all, problems, ...(dropIn === undefined ? {} : { dropIn }) };
}

/** Whether it decides on tunnels by their CONNECT alone. */
function writePolicy(
  lines: AccessLines & { readonly cut: readonly Cut[] },
  contextOf: (world: World) => AclContext,
  desk: Desk,
): boolean {
  const { draft, notes, acls } = desk;
  if (lines.httpAccess.length === 0) {
    const nowhere = { file: 'squid.conf', line: 0, name: 'http_access' };
    notes.tell(
      nowhere,
      'stricter',
      'there is no http_access line: everything is denied, as by Squid',
      'write what is allowed, such as: http_access allow localhost',
    );
  }
  const tls = lines.bumps ? 'bump' : 'splice';
  draft.set('tls', 'default', tls, []);
  draft.set('policy', 'default', 'deny', []);
  const [first] = lines.httpAccess;
  let access: Access;
  try {
    access = accessRules(lines, contextOf);
  } catch (thrown) {
    if (!(thrown instanceof TooMany) || !first) throw thrown;
    notes.tell(
      first,
      'stricter',
      'the lines take out so much of each other that the rules would be thousands: everything is denied',
      'write the rules by hand',
    );
    return false;
  }
  const { connectPorts, httpPorts, portLines, isAlike } = access;
  const portsOf = (ranges: Ranges) =>
    ranges.map(({ first, last }) => (first === last ? Number(first) : `${first}-${last}`));
  draft.set('policy', 'connectPorts', portsOf(connectPorts), withAcls(portLines, acls));
  draft.set('policy', 'httpPorts', portsOf(httpPorts), withAcls(portLines, acls));
  if (lines.bumps) draft.set('policy', 'refuse', 'page', []);
  else if (first)
    notes.tell(
      first,
      'differs',
      'a tunnel passes unread only as TLS whose server name is the host of its CONNECT',
      'write "tls: tunnel" on a rule for hosts that speak something else',
    );
  const cut = lines.cut.map((one) => ({ ...one, action: 'deny' as const }));
  const rules = withNames([...cut, ...access.rules], tls);
  const sound = withoutDead(rules, { connectPorts: portsOf(connectPorts), httpPorts: portsOf(httpPorts), tls });
  for (const { options, rule } of sound) {
    const from = rule.words ? [...rule.lines, rule.words.line] : rule.lines;
    draft.add('policy', 'rules', ruleValue(options, rule.words), withAcls(from, acls));
  }
  if (sound.length === 0) draft.set('policy', 'rules', [], lines.httpAccess);
  return isAlike;
}

const ACCESS: readonly string[] = ['http_access', 'adapted_http_access', 'miss_access'];

interface Named {
  readonly rule: AccessRule;
  readonly options: RuleOptions;
}

function withNames(rules: readonly AccessRule[], tls: 'bump' | 'splice'): readonly Named[] {
  const seen = new Map<string, number>();
  return rules.map((rule) => {
    const names = rule.action === 'deny' ? ACCESS : ['http_access'];
    const line = rule.lines.findLast(({ name }) => names.includes(name)) ?? rule.lines.at(-1);
    const text = line
      ? `${line.file}:${line.line} ${line.rest.replace(/\s+/g, ' ')}`
      : `end of the list: ${rule.action}`;
    const plain = text
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 56)
      .trim();
    const count = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, count);
    return { rule, options: ruleOptions(rule, count > 1 ? `${plain} #${count}` : plain, tls) };
  });
}

/** The policy refuses rules that can never match; what is left after those above is no loss. */
function withoutDead(
  rules: readonly Named[],
  {
    connectPorts,
    httpPorts,
    tls,
  }: { connectPorts: (number | string)[]; httpPorts: (number | string)[]; tls: 'bump' | 'splice' },
): readonly Named[] {
  let left = rules;
  for (;;) {
    const options = { mode: 'enforce', default: 'deny', connectPorts, httpPorts, tls, refuse: 'connect' } as const;
    const compiled = compilePolicy({ ...options, rules: left.map((one) => one.options) });
    if (compiled.ok) return left;
    const dead = new Set(
      compiled.problems.flatMap(({ path, message }) => {
        return path[0] === 'rules' && / can never match|neither in connectPorts/.test(message) ? [path[1]] : [];
      }),
    );
    // Anything else is said when the config is read.
    if (dead.size === 0) return left;
    left = left.filter((_, at) => !dead.has(at));
  }
}

/** The lines with those of the ACLs that they name in front. */
function withAcls(lines: readonly Directive[], acls: AclSet): readonly Directive[] {
  const out = new Set<Directive>();
  const add = (name: string, depth: number): void => {
    const acl = acls.get(name);
    for (const line of acl?.from ?? []) out.add(line);
    if (depth < 4 && /^(?:any|all)-of$/.test(acl?.type ?? '')) {
      for (const inner of acl?.values ?? []) add(inner.replace(/^!/, ''), depth + 1);
    }
  };
  for (const line of lines) for (const { text } of line.words) add(text.replace(/^!/, ''), 0);
  return [...out, ...lines];
}

function limitConnections(lines: readonly Directive[], { draft, notes }: Desk): void {
  const counting = lines.filter(({ words }) => words[1]?.text === 'maxconn');
  const most = counting.map(({ words }) => Number(words[2]?.text)).filter((one) => one >= 1);
  if (most.length === 0) return;
  draft.set('limits', 'connectionsPerClient', Math.min(...most), counting);
  for (const line of counting)
    notes.tell(
      line,
      'differs',
      'connections of one client are counted for all of them alike, and what is too many is told by 429',
      'set limits.connectionsPerClient',
    );
}

function remark(directives: readonly Directive[], notes: Notes): void {
  for (const line of directives) {
    const { name } = line;
    if (TRANSLATED.has(name)) continue;
    const said = remarkOn(name);
    if (said) {
      notes.tell(line, said.kind, said.why, said.todo);
      continue;
    }
    const meant = nearest(name, [...KNOWN_DIRECTIVES]);
    const todo = meant === undefined ? 'take the line out, if it does nothing' : `did you mean "${meant}"?`;
    notes.tell(line, 'unknown', `"${name}" is no directive of Squid that is known here`, todo);
  }
}
