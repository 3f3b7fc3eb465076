// A config text as a frozen Config, or everything that is wrong with it: syntax, schema, and what the policy itself
// thinks of its rules. load.ts calls it; nothing here touches a file.

import { dirname, resolve } from 'node:path';
import { type AdminOptions, socketProblem } from '../core/admin-options.ts';
import type { ManagerOptions } from '../core/manager-options.ts';
import type { Place } from '../core/place.ts';
import { checkRoutes } from '../net/parents.ts';
import { checkClientCertificates } from '../net/upstream-identities.ts';
import { parseAllowAddresses } from '../policy/address-guard.ts';
import { compilePolicy, type PolicyOptions, type Problem } from '../policy/policy.ts';
import { type AdminInput, adminSchema, socketOf } from './admin-schema.ts';
import { type AuthInput, authSchema } from './auth-schema.ts';
import { checkAuth } from './check-auth.ts';
import { checkLog, formatOf } from './check-log.ts';
import type { Config } from './config.ts';
import { deepFreeze } from './deep-freeze.ts';
import { type ConfigDocument, readDocument } from './document.ts';
import { explainIssue, type Finding } from './explain-issue.ts';
import type { ManagerInput } from './manager-schema.ts';
import { type ConfigProblem, MAX_PROBLEMS } from './problem.ts';
import { type ConfigInput, configSchema, ruleSchema } from './schema.ts';
import type { Path } from './wording.ts';

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** `file` is the absolute path that relative paths in the text start from. Never throws. */
export function parseConfig(text: string, file: string): ParsedConfig {
  const document = readDocument(text);
  if (document.data === undefined) return { ok: false, problems: document.problems };
  // A file of comments alone reads as null; what it lacks is the version.
  const data = document.data ?? {};
  const parsed = configSchema.safeParse(data);
  const issues = parsed.success ? [] : parsed.error.issues.slice(0, MAX_PROBLEMS);
  const findings = [...issues.flatMap((issue) => explainIssue(issue, data)), ...judge(data, file)].slice(
    0,
    MAX_PROBLEMS,
  );
  const problems = [
    ...document.problems,
    ...findings.map(({ path, message, hint, side }) => document.problemAt(path, message, hint, side)),
  ];
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: deepFreeze(toConfig(parsed.data, file, document)) };
}

/**
 * What policy/ says of its part. Asked even when the schema found mistakes, of the rules that have none, so that one
 * run shows all there is to mend.
 */
function judge(data: unknown, file: string): readonly Finding[] {
  if (!isRecord(data)) return [];
  const { shape } = configSchema;
  const upstream = shape.upstream.safeParse(data['upstream']);
  const tls = shape.tls.safeParse(data['tls']);
  const { section, indexes } = soundPart(data['policy']);
  const policy = shape.policy.safeParse(section);
  const findings: Finding[] = [];
  if (upstream.success) {
    const ranges = parseAllowAddresses(upstream.data.allowAddresses);
    if (!ranges.ok)
      findings.push(...ranges.problems.map((problem) => toFinding(problem, ['upstream', 'allowAddresses'])));
    const certificates = checkClientCertificates(upstream.data.clientCertificates);
    findings.push(...certificates.map((problem) => toFinding(problem, ['upstream', 'clientCertificates'])));
    const { parents, routes } = upstream.data;
    findings.push(...checkRoutes(parents, routes).map((problem) => toFinding(problem, ['upstream'])));
  }
  findings.push(...judgeAdmin(data['admin'], file));
  const listen = shape.listen.safeParse(data['listen']);
  for (const [index, { proxyProtocol }] of (listen.data ?? []).entries()) {
    const ranges = parseAllowAddresses(proxyProtocol?.from ?? []);
    const above = ['listen', index, 'proxyProtocol', 'from'];
    if (!ranges.ok) findings.push(...ranges.problems.map((problem) => toFinding(problem, above)));
  }
  const log = shape.log.safeParse(data['log']);
  if (log.success) {
    const rules = policy.success ? policy.data.rules.map(({ name }) => name) : [];
    const unread = ruleCount(data['policy']) !== rules.length;
    findings.push(...checkLog(log.data, isList(data['log'], 'access'), unread ? undefined : rules));
  }
  if (policy.success && tls.success) {
    const compiled = compilePolicy({
      ...policy.data,
      tls: tls.data.default,
      onClientCert: tls.data.onClientCert,
    });
    if (!compiled.ok) findings.push(...compiled.problems.map((problem) => policyFinding(problem, indexes)));
    const auth = authSchema.optional().safeParse(data['auth']);
    if (auth.success) findings.push(...checkAuth(auth.data, policy.data.rules, indexes));
  }
  return findings;
}

/** What nobody has named may be too long: then there is no socket. */
function judgeAdmin(data: unknown, file: string): readonly Finding[] {
  const admin = adminSchema.safeParse(data);
  const socket = admin.success && admin.data.socket !== undefined ? socketOf(admin.data) : undefined;
  const message = socket === undefined ? undefined : socketProblem(resolve(dirname(file), socket));
  const ranges = parseAllowAddresses(admin.data?.manager.clients ?? []);
  const problems = ranges.ok ? [] : ranges.problems;
  return [
    ...(message === undefined ? [] : [{ path: ['admin', 'socket'], message, side: 'value' } as const]),
    ...problems.map((problem) => toFinding(problem, ['admin', 'manager', 'clients'])),
  ];
}

/**
 * The section without what the schema refuses, and where in the file the rules that are left stand. Wrong ports stay
 * in, and with them nothing is judged: against other ports, sound rules would look as if they could never match.
 */
function soundPart(section: unknown): { section: unknown; indexes: readonly number[] } {
  if (!isRecord(section)) return { section, indexes: [] };
  const { rules, connectPorts, httpPorts } = section;
  const items: readonly unknown[] = Array.isArray(rules) ? rules : [];
  const indexes = items.flatMap((rule, index) => (ruleSchema.safeParse(rule).success ? [index] : []));
  const { mode, default: otherwise, refuse, upgrades } = configSchema.shape.policy.unwrap().shape;
  const words = Object.entries({ mode, default: otherwise, refuse, upgrades }).filter(
    ([key, schema]) => schema.safeParse(section[key]).success,
  );
  return {
    section: {
      ...Object.fromEntries(words.map(([key]) => [key, section[key]])),
      connectPorts,
      httpPorts,
      rules: indexes.map((index) => items[index]),
    },
    indexes,
  };
}

/** Whether `key` of a section stands as a list. */
function isList(section: unknown, key: string): boolean {
  return isRecord(section) && Array.isArray(section[key]);
}

/** How many rules there are, whether they can be read or not. */
function ruleCount(section: unknown): number {
  const rules = isRecord(section) ? section['rules'] : undefined;
  return Array.isArray(rules) ? rules.length : 0;
}

function policyFinding(problem: Problem, indexes: readonly number[]): Finding {
  const [first, second, ...rest] = problem.path;
  if (first === 'tls') return toFinding({ ...problem, path: [] }, ['tls', 'default']);
  if (first !== 'rules' || typeof second !== 'number') return toFinding(problem, ['policy']);
  return toFinding({ ...problem, path: rest }, ['policy', 'rules', indexes[second] ?? second]);
}

function toFinding({ path, message, suggestion }: Problem, above: Path): Finding {
  const finding: Finding = { path: [...above, ...path], message, side: 'value' };
  return suggestion === undefined ? finding : { ...finding, hint: suggestion };
}

function toConfig(input: ConfigInput, file: string, document: ConfigDocument): Config {
  const { listen, workers, resolver, via, limits } = input;
  const absolute = (path: string): string => resolve(dirname(file), path);
  const { cert, key, passphraseFile, previous } = input.ca;
  const { default: tls, onClientCert, onReject, exceptions } = input.tls;
  const { onReload, ...decides } = input.policy;
  const policy: PolicyOptions = { ...decides, tls, onClientCert, ...placesOf(input, file, document) };
  return {
    file,
    listen,
    workers,
    admin: adminOf(input.admin, absolute),
    ca: {
      cert: absolute(cert),
      key: absolute(key),
      ...(passphraseFile === undefined ? {} : { passphraseFile: absolute(passphraseFile) }),
      ...(previous === undefined ? {} : { previous: absolute(previous) }),
    },
    ...(input.auth ? { auth: authOf(input.auth, absolute) } : {}),
    upstream: {
      ...input.upstream,
      trust: input.upstream.trust.map((path) => (path === 'system' ? path : absolute(path))),
      crl: input.upstream.crl.map(absolute),
      clientCertificates: input.upstream.clientCertificates.map(({ passphraseFile, ...one }) => ({
        ...one,
        cert: absolute(one.cert),
        key: absolute(one.key),
        ...(passphraseFile === undefined ? {} : { passphraseFile: absolute(passphraseFile) }),
      })),
      parents: input.upstream.parents.map(({ trust, passwordFile, ...parent }) => ({
        ...parent,
        ...(passwordFile === undefined ? {} : { passwordFile: absolute(passwordFile) }),
        ...(trust === undefined ? {} : { trust: trust.map((path) => (path === 'system' ? path : absolute(path))) }),
      })),
    },
    resolver,
    via,
    http2: input.tls.http2,
    policy,
    onReload,
    rejections: { onReject, state: absolute(exceptions), audit: absolute(input.log.audit.path) },
    log: {
      service: input.log.service,
      access: input.log.access.map(({ path, format, ...log }) => ({
        ...log,
        path: path === 'stdout' ? path : absolute(path),
        format: formatOf(format, input.log.formats),
      })),
      ...(input.log.tunnelEvents ? { tunnelEvents: input.log.tunnelEvents } : {}),
    },
    limits,
    refusals: { contact: input.contact, ...(input.pages === undefined ? {} : { pages: absolute(input.pages) }) },
  };
}

/** The rules with the lines they begin in, and where the settings stand that decide under a name of their own. */
function placesOf(
  { policy }: ConfigInput,
  file: string,
  document: ConfigDocument,
): Pick<PolicyOptions, 'rules' | 'places'> {
  const at = (...path: Path): Place => ({ file, line: document.lineOf(['policy', ...path]) });
  const own = (['default', 'connectPorts', 'httpPorts', 'upgrades'] as const).map((key) => [key, at(key)] as const);
  return {
    rules: policy.rules.map((rule, index) => ({ ...rule, at: at('rules', index) })),
    places: Object.fromEntries(own),
  };
}

function adminOf(input: AdminInput, absolute: (path: string) => string): AdminOptions {
  const socket = socketOf(input);
  return {
    socket: socket === undefined ? undefined : absolute(socket),
    named: input.socket !== undefined,
    listen: input.listen,
    names: input.names,
    tokenFile: input.tokenFile === undefined ? undefined : absolute(input.tokenFile),
    manager: managerOf(input.manager, absolute),
  };
}

function managerOf({ passwordFile, ...rest }: ManagerInput, absolute: (path: string) => string): ManagerOptions {
  return passwordFile === undefined ? rest : { ...rest, passwordFile: absolute(passwordFile) };
}

function authOf(input: AuthInput, absolute: (path: string) => string): NonNullable<Config['auth']> {
  const { basic, tokens, groups, groupFile, clientCertificates: certificates } = input;
  return {
    groups,
    ...(basic ? { basic: { ...basic, htpasswd: absolute(basic.htpasswd) } } : {}),
    ...(tokens === undefined ? {} : { tokens: absolute(tokens) }),
    ...(groupFile === undefined ? {} : { groupFile: absolute(groupFile) }),
    ...(certificates
      ? {
          clientCertificates: {
            ...certificates,
            trust: certificates.trust.map(absolute),
            crl: certificates.crl.map(absolute),
          },
        }
      : {}),
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
