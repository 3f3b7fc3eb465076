// Sets of hosts as lists of our host patterns, and what two such sets have in common. Called for each pair of conditions.

import { HostMatcher } from '../policy/host-matcher.ts';
import { EVERY_HOST, type HostPattern, parseHostPattern } from '../policy/host-pattern.ts';

/** One set. Two patterns of one text are the same. */
export type Hosts = readonly HostPattern[];

/** Undefined: no host has a name, or address, like this. */
export function hostPattern(text: string): HostPattern | undefined {
  const parsed = parseHostPattern(text);
  return parsed.ok ? parsed.value : undefined;
}

export const isEveryHost = (hosts: Hosts): boolean => hosts.some(({ scope }) => scope === 'any');

/** Each pattern once, and no name that another pattern holds. */
export function tidyHosts(hosts: Hosts): Hosts {
  if (isEveryHost(hosts)) return [EVERY_HOST];
  const seen = new Set<string>();
  const distinct = hosts.filter(({ text }) => !seen.has(text) && seen.add(text));
  const wide = matcherOf(distinct.filter(({ scope }) => scope !== 'exact'));
  return distinct.filter((one) => one.scope !== 'exact' || one.labels.length > 0 || !wide.cover(one));
}

/** `undefined`: it cannot be said in patterns. */
export function bothHosts(a: Hosts, b: Hosts): Hosts | undefined {
  if (isEveryHost(a)) return b;
  if (isEveryHost(b)) return a;
  // Of two patterns without stars that overlap at all, one always covers the other.
  const [inB, inA] = [insideOf(a, b), insideOf(b, a)];
  const rest = { a: a.filter((one) => !inB.includes(one)), b: b.filter((one) => !inA.includes(one)) };
  if (rest.a.some((one) => rest.b.some((other) => mayOverlap(one, other)))) return undefined;
  const both = new Map([...inB, ...inA].map((one) => [one.text, one]));
  return [...both.values()];
}

export function hasHosts(outer: Hosts, inner: Hosts): boolean {
  return isEveryHost(outer) || insideOf(inner, outer).length === inner.length;
}

function insideOf(inner: Hosts, outer: Hosts): Hosts {
  const matcher = matcherOf(outer);
  return inner.filter((one) => matcher.cover(one));
}

const matchers = new WeakMap<Hosts, HostMatcher<true>>();

function matcherOf(hosts: Hosts): HostMatcher<true> {
  const known = matchers.get(hosts);
  if (known) return known;
  const matcher = new HostMatcher<true>();
  for (const one of hosts) matcher.add(one, true);
  matchers.set(hosts, matcher);
  return matcher;
}

/** Of two where neither covers the other: only a star in a label can make a part of one be a part of the other. */
function mayOverlap(a: HostPattern, b: HostPattern): boolean {
  if (a.labels.length === 0 && b.labels.length === 0) return false;
  const isFixed = (one: HostPattern): boolean => one.scope === 'exact' && one.labels.length === 0;
  if (isFixed(a) || isFixed(b)) return false;
  return isBelow(a.suffix, b.suffix) || isBelow(b.suffix, a.suffix);
}

const isBelow = (name: string, above: string): boolean => above === '' || name === above || name.endsWith(`.${above}`);
