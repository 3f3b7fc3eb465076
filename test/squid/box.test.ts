import { describe, expect, test } from 'vitest';
import { parseAddresses } from '../../src/squid/addresses.ts';
import { allBut, type Box, covers, cut, EVERYTHING, tidy } from '../../src/squid/box.ts';
import { hostPattern } from '../../src/squid/hosts.ts';

const hosts = (...texts: readonly string[]) => texts.flatMap((text) => hostPattern(text) ?? []);
const clients = (text: string) => parseAddresses(text) ?? { 4: [], 6: [] };
const url = (host: string, path: string) => ({ scheme: 'https', hosts: hosts(host), port: 443, path }) as const;
const ports = (first: number, last = first) => [{ first: BigInt(first), last: BigInt(last) }];

describe('boxes', () => {
  test.each<[string, Box, Box, unknown]>([
    ['clients that do not meet', { clients: clients('10.0.0.0/8') }, { clients: clients('11.0.0.0/8') }, 'empty'],
    ['methods', { methods: ['GET', 'PUT'] }, { methods: ['PUT'] }, { methods: ['PUT'] }],
    ['users, one of them anybody', { users: 'known' }, { users: ['ann'] }, { users: ['ann'] }],
    ['other users', { users: ['ann'] }, { users: ['bert'] }, 'empty'],
    [
      'a URL and its host',
      { urls: [url('.a.test', '/x')] },
      { hosts: hosts('w.a.test') },
      { urls: [url('w.a.test', '/x')] },
    ],
    ['a URL and another port', { urls: [url('.a.test', '/x')] }, { ports: ports(80) }, 'empty'],
    ['two paths', { urls: [url('a.test', '/x*/**')] }, { urls: [url('a.test', '/y*/**')] }, 'unsayable'],
    [
      'a path and none',
      { urls: [url('a.test', '')] },
      { urls: [url('.a.test', '/y')] },
      { urls: [url('a.test', '/y')] },
    ],
  ])('cut with each other: %s', (_, a, b, both) => {
    expect(cut(a, b)).toEqual(both);
  });

  test('cover each other or not', () => {
    expect(covers(EVERYTHING, { hosts: hosts('a.test') })).toBe(true);
    expect(covers({ hosts: hosts('.a.test') }, { urls: [url('w.a.test', '/x')] })).toBe(true);
    expect(covers({ urls: [url('w.a.test', '/x')] }, { hosts: hosts('w.a.test') })).toBe(false);
    expect(covers({ users: 'known' }, { users: ['ann'] })).toBe(true);
    expect(covers({ ports: ports(1, 100) }, { ports: ports(80) })).toBe(true);
    expect(covers({ methods: ['GET'] }, {})).toBe(false);
  });

  test('have others where a rule can say them', () => {
    expect(allBut({ ports: ports(1, 79) })).toEqual([{ ports: ports(80, 65_535) }]);
    expect(allBut({ clients: clients('all') })).toEqual([]);
    expect(allBut({ hosts: hosts('a.test') })).toBeUndefined();
  });

  test('are tidied of what says nothing', () => {
    expect(tidy({ ports: ports(1, 65_535), clients: clients('all'), hosts: hosts('*'), methods: ['GET'] })).toEqual({
      methods: ['GET'],
    });
  });
});
