import { describe, expect, test } from 'vitest';
import { type AclContext, boundsOf, termOf } from '../../src/squid/acl-bounds.ts';
import { AclSet } from '../../src/squid/acl-set.ts';
import { cutLine } from '../../src/squid/conf-line.ts';
import { ALWAYS, clausesOf, NEVER } from '../../src/squid/formula.ts';
import { Notes } from '../../src/squid/note.ts';

function context(line: string, more: Partial<AclContext> = {}): AclContext {
  const [acls, notes] = [new AclSet(), new Notes()];
  const cut = cutLine(line);
  acls.define({ file: 'f', line: 1, name: 'acl', words: cut.ok ? cut.words : [], rest: line, lists: new Map() }, notes);
  return { acls, notes, world: 'http', listenPorts: [3128], hasUsers: true, ...more };
}

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

describe('what an ACL means', () => {
  test.each<[string, string, Partial<AclContext>]>([
    ['x method CONNECT', 'never', {}],
    ['x method CONNECT', 'always', { world: 'connect' }],
    ['x method GET', 'never', { world: 'connect' }],
    ['x proto HTTP', 'always', {}],
    ['x proto FTP', 'never', {}],
    ['x dst 127.0.0.0/8 10.0.0.0/8', 'never', {}],
    ['x localport 3128', 'always', {}],
    ['x localport 8080', 'never', {}],
    ['x myportname own', 'always', { listenNames: ['own'] }],
    ['x myportname 3129 own', 'always', { listenNames: ['own', '3129'] }],
    ['x myportname other', 'never', { listenNames: ['own'] }],
    ['x myportname own', 'unsayable', { listenNames: ['own', '3129'] }],
    ['x maxconn 5', 'never', {}],
    ['x urlpath_regex a', 'never', { world: 'connect' }],
    ['x at_step SslBump2', 'always', { step: 2 }],
    ['x at_step SslBump2', 'never', { step: 1 }],
    ['x dstdomain *.a.test', 'never', {}],
    ['x dstdomain none', 'unsayable', {}],
    ['x ssl::server_name none', 'unsayable', {}],
    ['x time 10:00-11:00', 'unsayable', {}],
    ['x browser curl', 'unsayable', {}],
    ['x external helper', 'unsayable', {}],
    ['x dst 203.0.113.0/24', 'unsayable', {}],
    ['x proxy_auth REQUIRED', 'unsayable', { hasUsers: false }],
    ['x proxy_auth_regex a', 'unsayable', {}],
    ['x req_header User-Agent curl', 'unsayable', {}],
    ['x port http', 'unsayable', {}],
    ['x localport 3128', 'unsayable', { listenPorts: [3128, 3129] }],
  ])('%s: %s', (line, meaning, more) => {
    const own = context(line, more);
    const { lower, upper } = boundsOf('x', own);
    const found =
      lower === ALWAYS
        ? 'always'
        : upper === NEVER
          ? 'never'
          : lower === NEVER && upper === ALWAYS
            ? 'unsayable'
            : 'something';
    expect(found).toBe(meaning);
    expect(own.notes.all.some(({ kind }) => kind === 'stricter')).toBe(meaning === 'unsayable');
  });

  test.each([
    ['x dstdom_regex \\.a\\.test$', 'exact'],
    ['x dstdom_regex ^a\\.test$ \\.b\\.test$', 'exact'],
    ['x dstdom_regex casino', 'rough'],
    ['x dstdom_regex ^a\\.test$ ^x[0-9]', 'rough'],
    ['x ssl::server_name_regex \\.a\\.test$', 'exact'],
    ['x ssl::server_name_regex a\\.test', 'rough'],
    ['x url_regex ^http://a\\.test/', 'exact'],
    ['x url_regex ^http://a\\.test/x$', 'rough'],
  ])('%s is %s, and what is rough is told', (line, meaning) => {
    const own = context(line);
    const { lower, upper } = boundsOf('x', own);
    const patterns = (side: 'lower' | 'upper') => JSON.stringify(clausesOf({ lower, upper }[side], side), plain);
    expect(patterns('lower') === patterns('upper') ? 'exact' : 'rough').toBe(meaning);
    const said = own.notes.all.map(
      ({ kind, about, todo }) => `${kind} ${about} ${todo === '' ? 'nothing' : 'something'}`,
    );
    expect(said).toEqual(meaning === 'rough' ? ['stricter acl something'] : []);
  });

  test.each([
    ['x src 10.0.0.0/8 host.example', 'clients'],
    ['x dst 203.0.113.9', 'hosts'],
    ['x dstdomain .a.test none', 'hosts'],
  ])('%s is at least what can be said, and at most everything', (line, key) => {
    const { lower, upper } = boundsOf('x', context(line));
    expect(clausesOf(lower, 'lower').map(({ box }) => Object.keys(box))).toEqual([[key]]);
    expect(upper).toBe(ALWAYS);
  });

  test('the contrary of what is unknown is unknown', () => {
    const own = context('x time 10:00-11:00');
    expect(clausesOf(termOf('!x', own).lower, 'lower')).toEqual([]);
    expect(clausesOf(termOf('!x', own).upper, 'upper')).toHaveLength(1);
    expect(clausesOf(boundsOf('nobody', own).lower, 'lower')).toEqual([]);
  });

  test('an ACL that names itself ends', () => {
    expect(clausesOf(boundsOf('x', context('x any-of x')).lower, 'lower')).toEqual([]);
  });
});
