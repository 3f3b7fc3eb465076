// Which hosts lead through which parent proxies: the parents and routes of the config, made ready. One per Upstream.

import type { Authority } from '../core/authority.ts';
import { nearest } from '../core/nearest.ts';
import { HostMatcher } from '../policy/host-matcher.ts';
import { parseHostPattern } from '../policy/host-pattern.ts';
import type { Problem } from '../policy/problem.ts';
import type { ParentOptions, RouteOptions } from './options.ts';
import type { Parent } from './parent.ts';
import { ParentRoute } from './parent-route.ts';

/** The word for no parent, where a parent could be named. */
const DIRECT = 'direct';

export class Parents {
  /** What stands for `via: [direct]`. */
  readonly #routes: readonly (ParentRoute | undefined)[];
  readonly #matcher = new HostMatcher<number>();
  readonly #otherwise: ParentRoute | undefined;

  /** The routes are sound: `checkRoutes` has said so. */
  constructor(parents: readonly Parent[], routes: readonly RouteOptions[]) {
    const byName = new Map(parents.map((parent) => [parent.name, parent]));
    const route = (names: readonly string[], choose: RouteOptions['choose']): ParentRoute | undefined => {
      const found = names.flatMap((name) => byName.get(name) ?? []);
      return found.length > 0
        ? new ParentRoute({ parents: found, choose, lastDirect: names.includes(DIRECT) })
        : undefined;
    };
    this.#otherwise = route([...byName.keys()], 'inOrder');
    this.#routes = routes.map(({ via, choose }) => route(via, choose));
    routes.forEach(({ hosts = ['*'] }, index) => {
      for (const host of hosts) {
        const pattern = parseHostPattern(host);
        if (pattern.ok) this.#matcher.add(pattern.value, index);
      }
    });
  }

  /** Undefined: the origin is dialled. */
  routeTo(authority: Authority): ParentRoute | undefined {
    let first = this.#routes.length;
    for (const [index = first] of this.#matcher.find(authority)) first = Math.min(first, index);
    return first < this.#routes.length ? this.#routes[first] : this.#otherwise;
  }
}

/** What is wrong with the two lists; the paths begin at `parents` or `routes`. */
export function checkRoutes(parents: readonly ParentOptions[], routes: readonly RouteOptions[]): readonly Problem[] {
  const problems: Problem[] = [];
  const names = new Set<string>();
  parents.forEach(({ name }, index) => {
    const path = ['parents', index, 'name'];
    if (name === DIRECT)
      problems.push({ path, message: `"${DIRECT}" is the word for no parent`, suggestion: 'give it another name' });
    else if (names.has(name))
      problems.push({
        path,
        message: `another parent is called "${name}" already`,
        suggestion: 'give each parent its own name',
      });
    names.add(name);
  });
  let all: number | undefined;
  routes.forEach((route, index) => {
    const path = ['routes', index];
    if (all !== undefined) {
      const message = `route ${all + 1} takes every host, so this one is never asked`;
      problems.push({ path, message, suggestion: 'put it before that one' });
    }
    if (!route.hosts || route.hosts.includes('*')) all ??= index;
    route.hosts?.forEach((host, at) => {
      const pattern = parseHostPattern(host);
      if (pattern.ok) return;
      const problem = { path: [...path, 'hosts', at], message: pattern.message };
      problems.push(pattern.suggestion === undefined ? problem : { ...problem, suggestion: pattern.suggestion });
    });
    problems.push(...checkVia(route.via, [...path, 'via'], names));
  });
  return problems;
}

function checkVia(via: readonly string[], path: readonly (string | number)[], names: ReadonlySet<string>): Problem[] {
  return via.flatMap((name, at): Problem[] => {
    const here = [...path, at];
    if (via.indexOf(name) < at) return [{ path: here, message: `"${name}" stands here twice` }];
    if (name === DIRECT) {
      if (at === via.length - 1) return [];
      return [{ path: here, message: `what stands behind "${DIRECT}" is never asked`, suggestion: 'put it last' }];
    }
    if (names.has(name)) return [];
    const meant = nearest(name, [...names, DIRECT]);
    const message = `no parent is called "${name}"`;
    return [{ path: here, message, ...(meant === undefined ? {} : { suggestion: `did you mean "${meant}"?` }) }];
  });
}
