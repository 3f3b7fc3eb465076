// What a rule means, without an index and without a thought for speed: policy.test.ts holds the policy against it.

import type { RuleOptions } from '../../src/policy/policy.ts';

export interface Facts {
  readonly client: string;
  readonly method: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
}

export function naiveMatch(one: RuleOptions, facts: Facts): boolean {
  const { clients, hosts, urls, methods, ports } = one;
  return (
    (!clients || clients.some((range) => naiveClient(range, facts.client))) &&
    (!hosts || hosts.some((text) => naiveHost(text, facts.host))) &&
    (!urls || urls.some((text) => naiveUrl(text, facts))) &&
    (!methods || methods.includes(facts.method)) &&
    (!ports || ports.includes(facts.scheme === 'https' ? 443 : 80))
  );
}

const naiveClient = (range: string, client: string): boolean =>
  range === '10.20.0.0/16' ? client.replace('::ffff:', '').startsWith('10.20.') : client === range;

function naiveHost(text: string, name: string): boolean {
  if (text === '*' || text === name) return true;
  if (/^[\d.]+$/.test(name)) return false;
  const inLabel = (part: string): string => part.replaceAll('.', '\\.').replaceAll('*', '[^.]*');
  if (text.startsWith('*.')) return new RegExp(`^.+\\.${inLabel(text.slice(2))}$`).test(name);
  if (text.startsWith('.')) return new RegExp(`^(?:.+\\.)?${inLabel(text.slice(1))}$`).test(name);
  return new RegExp(`^${inLabel(text)}$`).test(name);
}

function naiveUrl(text: string, facts: Facts): boolean {
  const [, scheme = '', name = '', glob = ''] = /^(.*):\/\/([^/]*)(.*)$/.exec(text) ?? [];
  if (scheme !== '*' && scheme !== facts.scheme) return false;
  const globs: Record<string, RegExp> = {
    '': /^/,
    '/': /^\/$/,
    '/x': /^\/x$/,
    '/x/**': /^\/x(?:\/.*)?$/,
    '/*': /^\/[^/]+$/,
    '/**/y': /^(?:\/.*)?\/y$/,
  };
  return naiveHost(name, facts.host) && globs[glob]?.test(facts.path) === true;
}
