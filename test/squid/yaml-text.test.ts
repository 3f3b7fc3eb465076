import { expect, test } from 'vitest';
import { readDocument } from '../../src/config/document.ts';
import { Draft } from '../../src/squid/draft.ts';
import type { Directive } from '../../src/squid/read-conf.ts';
import { yamlText } from '../../src/squid/yaml-text.ts';

const line = (name: string, rest: string): Directive => ({
  file: 'squid.conf',
  line: 4,
  name,
  words: [],
  rest,
  lists: new Map(),
});

test('prints what reads back, with each line once above it, and no password', () => {
  const draft = new Draft();
  const value = {
    name: 'x: y',
    hosts: Array.from({ length: 20 }, (_, at) => `.host-${at}.test`),
    ports: [443, '1-9'],
    on: 'off',
    'a b': { c: '' },
    yes: 'no',
    n: '1e3',
    tree: '*.x',
  };
  draft.add('policy', 'rules', value, [line('http_access', 'allow x')]);
  draft.add('policy', 'rules', { name: 'second' }, [line('cache_peer', 'h parent 1 0 login=u:secret')]);
  draft.set('via', '', 'off', []);
  const text = yamlText(draft, ['made', '']);
  expect(readDocument(text).data).toEqual({ version: 1, via: 'off', policy: { rules: [value, { name: 'second' }] } });
  expect(text).toContain('    # squid.conf:4  http_access allow x\n    - name: "x: y"');
  expect(text).not.toContain('secret');
});

test('a line with control characters makes one comment', () => {
  const draft = new Draft();
  draft.set('via', '', 'off', [line('via', 'off\u2028\u0007x')]);
  expect(yamlText(draft, [])).toContain('# squid.conf:4  via off ?x\nvia: off\n');
});
