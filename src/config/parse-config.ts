// A config text as a frozen Config, or everything that is wrong with it: syntax, schema, and what the policy itself
// thinks of its rules. load.ts calls it; nothing here touches a file.

import { dirname, resolve } from 'node:path';
import { checkRoutes } from '../net/parents.ts';
import { checkClientCertificates } from '../net/upstream-identities.ts';
import { parseAllowAddresses } from '../policy/address-guard.ts';
import { compilePolicy, type PolicyOptions, type Problem } from '../policy/policy.ts';
import { type AuthInput, authSchema } from './auth-schema.ts';
import { checkAuth } from './check-auth.ts';
import type { Config } from './config.ts';
import { deepFreeze } from './deep-freeze.ts';
import { readDocument } from './document.ts';
import { explainIssue, type Finding } from './explain-issue.ts';
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
  const findings = [...issues.flatMap((issue) => explainIssue(issue, data)), ...judge(data)].slice(0, MAX_PROBLEMS);
  const problems = [
    ...document.problems,
    ...findings.map(({ path, message, hint, side }) => document.problemAt(path, message, hint, side)),
  ];
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: deepFreeze(toConfig(parsed.data, file)) };
}

/**
 * What policy/ says of its part. Asked even when the schema found mistakes, of the rules that have none, so that one
 * run shows all there is to mend.
 */
function judge(data: unknown): readonly Finding[] {
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
  const listen = shape.listen.safeParse(data['listen']);
  for (const [index, { proxyProtocol }] of (listen.data ?? []).entries()) {
    const ranges = parseAllowAddresses(proxyProtocol?.from ?? []);
    const above = ['listen', index, 'proxyProtocol', 'from'];
    if (!ranges.ok) findings.push(...ranges.problems.map((problem) => toFinding(problem, above)));
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

function toConfig(input: ConfigInput, file: string): Config {
  const { listen, workers, resolver, via, limits } = input;
  const absolute = (path: string): string => resolve(dirname(file), path);
  const { cert, key, passphraseFile } = input.ca;
  const { default: tls, onClientCert, onReject, exceptions } = input.tls;
  const policy: PolicyOptions = { ...input.policy, tls, onClientCert };
  return {
    file,
    listen,
    workers,
    ca: {
      cert: absolute(cert),
      key: absolute(key),
      ...(passphraseFile === undefined ? {} : { passphraseFile: absolute(passphraseFile) }),
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
    rejections: { onReject, state: absolute(exceptions), audit: absolute(input.log.audit.path) },
    log: {
      service: input.log.service,
      access: input.log.access.map((log) => (log.path === 'stdout' ? log : { ...log, path: absolute(log.path) })),
    },
    limits,
  };
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
