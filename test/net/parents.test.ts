// Which hosts lead through which parents, and what is wrong with two lists that say so.

import { describe, expect, test } from 'vitest';
import type { RouteOptions } from '../../src/net/options.ts';
import { checkRoutes, Parents } from '../../src/net/parents.ts';
import { makeParent } from '../support/parent-parts.ts';
import { parentAt } from '../support/parents.ts';

const PARENTS = ['hq', 'spare'].map((name) => makeParent(1, { name }).parent);

const at = (host: string) => ({ kind: /^[\d.]+$/.test(host) ? ('ipv4' as const) : ('name' as const), host, port: 443 });
const route = (via: readonly string[], hosts?: readonly string[]): RouteOptions => ({
  via,
  choose: 'inOrder',
  ...(hosts ? { hosts } : {}),
});

describe('the way to a host', () => {
  const parents = new Parents(PARENTS, [
    route(['direct'], ['in.corp.test', '10.0.0.1']),
    route(['spare'], ['.corp.test', 'api-*.example.test']),
    route(['direct'], ['.corp.test', '*.example.test']),
  ]);
  test.each([
    ['in.corp.test', undefined],
    ['10.0.0.1', undefined],
    ['corp.test', 'spare'],
    ['x.corp.test', 'spare'],
    ['api-1.example.test', 'spare'],
    ['www.example.test', undefined],
    ['example.test', 'hq'],
    ['10.0.0.2', 'hq'],
    ['evilcorp.test', 'hq'],
  ])('%s is the first route that takes it: %s', (host, name) => {
    expect(parents.routeTo(at(host))?.turn(at(host))?.name).toBe(name);
  });

  test('is that of a route without hosts, where none before takes it', () => {
    const all = new Parents(PARENTS, [route(['direct'], ['a.test']), route(['spare', 'direct'])]);
    expect(all.routeTo(at('a.test'))).toBeUndefined();
    expect(all.routeTo(at('b.test'))?.turn(at('b.test'))?.name).toBe('spare');
  });
});

describe('two lists', () => {
  const check = (parents: readonly string[], routes: readonly RouteOptions[]) =>
    checkRoutes(
      parents.map((name) => parentAt(1, { name })),
      routes,
    ).map(({ path, suggestion }) => `${path.join('.')} ${suggestion ?? ''}`.trim());

  test.each<[string, string[], RouteOptions[], string[]]>([
    ['are empty', [], [], []],
    ['name what there is', ['a', 'b'], [route(['a', 'b', 'direct'], ['x.test']), route(['direct'])], []],
    ['have a name twice', ['a', 'a'], [], ['parents.1.name give each parent its own name']],
    ['have the word for none as a name', ['direct'], [], ['parents.0.name give it another name']],
    ['name who is not there', ['hq'], [route(['hp'])], ['routes.0.via.0 did you mean "hq"?']],
    ['name nobody like that', ['hq'], [route(['elsewhere'])], ['routes.0.via.0']],
    ['go on behind the last resort', ['a'], [route(['direct', 'a'])], ['routes.0.via.0 put it last']],
    ['name one twice', ['a'], [route(['a', 'a'])], ['routes.0.via.1']],
    ['have what is never asked', ['a'], [route(['a'], ['*']), route(['a'])], ['routes.1 put it before that one']],
    [
      'have a broken pattern',
      ['a'],
      [route(['a'], ['http://x.test'])],
      ['routes.0.hosts.0 write "x.test", or move it to urls'],
    ],
  ])('that %s have these problems: %j', (_what, parents, routes, problems) => {
    expect(check(parents, routes)).toEqual(problems);
  });
});
