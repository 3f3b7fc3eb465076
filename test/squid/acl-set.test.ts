import { describe, expect, test } from 'vitest';
import { AclSet } from '../../src/squid/acl-set.ts';
import { cutLine } from '../../src/squid/conf-line.ts';
import { Notes } from '../../src/squid/note.ts';

function setOf(...lines: readonly string[]) {
  const [acls, notes] = [new AclSet(), new Notes()];
  lines.forEach((text, at) => {
    const cut = cutLine(text);
    acls.define(
      { file: 'f', line: at + 1, name: 'acl', words: cut.ok ? cut.words : [], rest: text, lists: new Map() },
      notes,
    );
  });
  return { acls, notes };
}

describe('ACLs', () => {
  test('of one name are put together, and flags are no values', () => {
    const { acls } = setOf('a dstdomain -n .a.test', 'a dstdomain b.test', 'r url_regex -i x');
    expect(acls.get('a')).toMatchObject({ type: 'dstdomain', values: ['.a.test', 'b.test'], ignoreCase: false });
    expect(acls.get('r')).toMatchObject({ values: ['x'], ignoreCase: true });
  });
  test('that Squid brings along are there; what is said of them comes on top, or is of an older type', () => {
    const { acls, notes } = setOf('localhost src 10.0.0.1', 'all src 10.0.0.0/8', 'manager proto cache_object');
    expect(acls.get('CONNECT')?.values).toEqual(['CONNECT']);
    expect(acls.get('localhost')?.values).toEqual(['127.0.0.1/32', '::1', '10.0.0.1']);
    expect(acls.get('all')?.values).toEqual(['all', '10.0.0.0/8']);
    expect(acls.get('manager')).toMatchObject({ type: 'proto', values: ['cache_object'] });
    expect(notes.all).toEqual([]);
  });
  test('are the same in capitals and small letters', () => {
    const { acls } = setOf('Bad dstdomain a.test', 'BAD dstdomain b.test');
    expect(acls.get('bad')).toMatchObject({ name: 'Bad', values: ['a.test', 'b.test'] });
    expect(acls.get('connect')?.type).toBe('method');
  });
  test('have types in old spellings', () => {
    const { acls } = setOf('p myport 3128', 's ssl::server_name a.test');
    expect([acls.get('p')?.type, acls.get('s')?.type]).toEqual(['localport', 'server_name']);
  });
  test('of two types under one name, without values, or with a list that is not there, are told', () => {
    const { acls, notes } = setOf('a src 10.0.0.1', 'a port 80', 'b', 'c dstdomain "gone"');
    expect(notes.all.map(({ kind, line }) => `${kind} ${line}`)).toEqual(['unknown 2', 'unknown 3', 'stricter 4']);
    expect(acls.get('c')?.incomplete).toBe(true);
  });
});
