import { describe, expect, test } from 'vitest';
import { decide, type Step, TooMany } from '../../src/squid/decide.ts';
import { hostPattern } from '../../src/squid/hosts.ts';
import type { Directive } from '../../src/squid/read-conf.ts';

const line: Directive = { file: 'f', line: 1, name: 'http_access', words: [], rest: '', lists: new Map() };
const hosts = (...texts: readonly string[]) => ({ hosts: texts.flatMap((text) => hostPattern(text) ?? []) });
const step = (
  outcome: 'allow' | 'deny',
  box: Step<string>['box'],
  without: Step<string>['without'] = [],
): Step<string> => ({
  outcome,
  box,
  without,
  side: outcome === 'allow' ? 'lower' : 'upper',
  line,
});

describe('a list of steps', () => {
  test('is a list of verdicts, with the rest at the end', () => {
    expect(
      decide([step('allow', hosts('a.test'))], 'deny').map(({ box, outcome }) => [Object.keys(box), outcome]),
    ).toEqual([
      [['hosts'], 'allow'],
      [[], 'deny'],
    ]);
  });
  test('has what is left out of a step in front of it, decided by the steps below', () => {
    const list = decide([step('deny', {}, [hosts('.a.test')]), step('allow', { methods: ['GET'] })], 'deny');
    expect(list.map(({ box, outcome }) => [Object.keys(box), outcome])).toEqual([
      [['methods', 'hosts'], 'allow'],
      [['hosts'], 'deny'],
      [[], 'deny'],
    ]);
  });
  test('ends with the step that takes all', () => {
    expect(decide([step('allow', {}), step('deny', {})], 'deny')).toHaveLength(1);
  });
  test('that would be endless is none', () => {
    const steps = Array.from({ length: 40 }, (_, at) =>
      step(at % 2 ? 'allow' : 'deny', { methods: ['GET'] }, [{ users: [`u${at}`] }, hosts(`h${at}.test`)]),
    );
    const wide = steps.map((one, at) => ({
      ...one,
      box: {},
      without: [hosts(`.t${at % 3}`), { methods: [`M${at}`, 'GET'] }],
    }));
    expect(() => decide(wide, 'deny')).toThrow(TooMany);
  });
});
