// What a decision costs, and that it costs the same with ten host names as with a hundred thousand.
// Run: node bench/policy/decide.bench.ts

import { bench, do_not_optimize, run, summary } from 'mitata';
import type { Authority } from '../../src/core/authority.ts';
import type { RequestTarget } from '../../src/core/target.ts';
import { compilePolicy, type Policy, type RuleOptions } from '../../src/policy/policy.ts';

const CLIENT = '10.20.3.4';
const MANY = 100_000;

const hostName = (index: number): string => `host-${index}.zone-${index % 97}.example.com`;
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => hostName(index));
const authority = (host: string): Authority => ({ kind: 'name', host, port: 443 });

function compile(rules: readonly RuleOptions[]): Policy {
  const compiled = compilePolicy({
    mode: 'enforce',
    default: 'deny',
    connectPorts: [443],
    httpPorts: [80, 443, '1025-65535'],
    tls: 'bump',
    refuse: 'connect',
    rules,
  });
  if (!compiled.ok) throw new Error(compiled.problems[0]?.message ?? 'the policy has problems');
  return compiled.policy;
}

const oneRule = (count: number): Policy => compile([{ name: 'sites', hosts: names(count), action: 'allow' }]);
const ruleEach = (count: number): Policy =>
  compile(names(count).map((host, index) => ({ name: `site-${index}`, hosts: [host], action: 'allow' })));
const forClients = (count: number): Policy =>
  compile([{ name: 'sites', hosts: names(count), clients: ['10.20.0.0/16', '192.168.0.0/16'], action: 'allow' }]);

/** Once is enough: it happens at start and at reload. */
function timed(name: string, compileOnce: () => Policy): Policy {
  const begin = performance.now();
  const policy = compileOnce();
  process.stdout.write(`${name}: ${(performance.now() - begin).toFixed(0)} ms\n`);
  return policy;
}

/** Several hosts in turn, so that no run is about one cached string. */
function connectBench(name: string, policy: Policy, hosts: readonly string[]): void {
  const authorities = hosts.map(authority);
  let turn = 0;
  bench(name, () => {
    turn = (turn + 1) % authorities.length;
    const next = authorities[turn];
    if (next) do_not_optimize(policy.decideConnect({ client: CLIENT, authority: next }));
  });
}

const spread = (count: number): string[] => Array.from({ length: 64 }, (_, index) => hostName((index * 7919) % count));
const misses = Array.from({ length: 64 }, (_, index) => `nowhere-${index}.zone-${index}.example.org`);

const ten = oneRule(10);
const many = timed('compilePolicy, 100,000 names in 1 rule', () => oneRule(MANY));
const manyRules = timed('compilePolicy, 100,000 rules of 1 name', () => ruleEach(MANY));

summary(() => {
  connectBench('decideConnect, 10 names in 1 rule, hit', ten, spread(10));
  connectBench('decideConnect, 100,000 names in 1 rule, hit', many, spread(MANY));
  connectBench('decideConnect, 100,000 rules of 1 name, hit', manyRules, spread(MANY));
});

summary(() => {
  connectBench('decideConnect, 10 names in 1 rule, miss', ten, misses);
  connectBench('decideConnect, 100,000 names in 1 rule, miss', many, misses);
  connectBench('decideConnect, 100,000 rules of 1 name, miss', manyRules, misses);
});

connectBench('decideConnect, 100,000 names for two client ranges, hit', forClients(MANY), spread(MANY));

const urls = compile([
  { name: 'no-admin', urls: ['https://api.example.com/*/admin/**'], action: 'deny' },
  { name: 'api', urls: ['https://api.example.com/v2/**'], methods: ['GET', 'POST'], action: 'allow' },
  { name: 'files', urls: ['https://*.example.com/**/files/*.tar.gz'], action: 'allow' },
]);

function requestBench(name: string, host: string, path: string): void {
  const target: RequestTarget = { scheme: 'https', authority: authority(host), path, query: '' };
  bench(name, () => do_not_optimize(urls.decideRequest({ client: CLIENT, method: 'GET', target })));
}

requestBench('decideRequest, 3 URL rules, second hits', 'api.example.com', '/v2/users/42/orders');
requestBench('decideRequest, 3 URL rules, third hits', 'cdn.example.com', '/a/b/c/files/release-1.2.3.tar.gz');
requestBench('decideRequest, 3 URL rules, none hits', 'api.example.com', '/v1/users/42/orders');

await run();
