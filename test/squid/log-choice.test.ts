import { describe, expect, test } from 'vitest';
import { AclSet } from '../../src/squid/acl-set.ts';
import { choiceOf, choiceValue, without } from '../../src/squid/log-choice.ts';
import { Notes } from '../../src/squid/note.ts';

const acls = new AclSet();
const DEFINED = [
  'net src 10.0.0.0/8',
  'ten src 10.1.2.3',
  'named src host.test',
  'site dstdomain .a.test',
  'other dstdomain b.test',
  'odd dstdomain a*b*c/d',
  'ok http_status 200',
  'wrong http_status often',
  'alice proxy_auth alice',
  'anybody proxy_auth REQUIRED',
];
for (const text of DEFINED) {
  const words = text.split(' ').map((word) => ({ text: word, quoted: false }));
  acls.define({ file: 'f', line: 1, name: 'acl', words, rest: text, lists: new Map() }, new Notes());
}

const value = (...terms: string[]) => {
  const choice = choiceOf(terms, acls);
  return choice && choiceValue(choice);
};

describe('the ACLs of a log', () => {
  test.each([
    [[], {}],
    [['all'], {}],
    [['net', 'site'], { when: { clients: ['10.0.0.0/8'], hosts: ['.a.test'] } }],
    [['!site', '!other'], { unless: { hosts: ['.a.test', 'b.test'] } }],
    [['ok', '!alice'], { when: { statuses: ['200'] }, unless: { users: ['alice'] } }],
  ])('%j can be said', (terms, expected) => {
    expect(value(...terms)).toEqual(expected);
  });

  test.each([
    [['net', 'ten']],
    [['!net', '!site']],
    [['!all', 'site', 'odd']],
    [['named']],
    [['odd']],
    [['wrong']],
    [['anybody']],
    [['manager']],
    [['nowhere']],
  ])('%j cannot', (terms) => {
    expect(value(...terms)).toBeUndefined();
  });
});

test('what is taken out above is left out below, where that can be said', () => {
  const [all, net, site, both, not] = [[], ['net'], ['!site'], ['net', 'site'], ['!net']].map((terms) =>
    choiceOf(terms, acls),
  );
  if (!all || !net || !site || !both || !not) throw new Error('it cannot be said');
  expect(without(all, net)).toEqual({ when: {}, unless: { clients: ['10.0.0.0/8'] } });
  expect(without(all, both)).toEqual({ when: {}, unless: { clients: ['10.0.0.0/8'], hosts: ['.a.test'] } });
  expect(without(site, net)).toBeUndefined();
  expect(without(all, not)).toBeUndefined();
});
