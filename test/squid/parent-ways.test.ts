import { expect, test } from 'vitest';
import { AclSet } from '../../src/squid/acl-set.ts';
import { cutLine } from '../../src/squid/conf-line.ts';
import { Notes } from '../../src/squid/note.ts';
import { waysOf } from '../../src/squid/parent-ways.ts';
import type { Directive } from '../../src/squid/read-conf.ts';

const directive = (text: string): Directive => {
  const cut = cutLine(text);
  const [name, ...words] = cut.ok ? cut.words : [];
  return { file: 'f', line: 1, name: name?.text ?? '', words, rest: text, lists: new Map() };
};

test('each list is read in its order, and the contrary of its last line stands at its end', () => {
  const [acls, notes] = [new AclSet(), new Notes()];
  acls.define(directive('acl near dstdomain .near.test'), notes);
  for (const line of ['a dstdomain a.near.test', 'far dstdomain .far.test'])
    acls.define({ ...directive(`acl ${line}`), rest: line }, notes);
  const ways = waysOf(
    {
      always: [directive('always_direct deny a'), directive('always_direct allow near')],
      never: [directive('never_direct deny far')],
      parents: [
        { parent: 'p', access: [directive('cache_peer_access p deny near')] },
        { parent: 'q', access: [] },
      ],
    },
    { acls, notes, world: 'https', listenPorts: [], hasUsers: false },
  );
  const spelled = ways.map(
    ({ box, direct, parents }) => `${box.hosts?.map(({ text }) => text).join() ?? 'all'} ${direct} ${parents.join()}`,
  );
  expect(spelled).toEqual(['a.near.test never q', '.near.test always ', '.far.test last p,q', 'all never p,q']);
});
