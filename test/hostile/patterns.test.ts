// Patterns, names and fields that mean to cost time: the bad ones are refused where they stand in the config, and what is
// let in takes time that grows neither with the number of rules nor with the cunning of whoever asks.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import { parseAuthority } from '../../src/core/authority.ts';
import { parseAbsoluteTarget } from '../../src/core/target.ts';
import { compilePolicy, type Policy, type PolicyOptions } from '../../src/policy/policy.ts';
import { leastCpuTime } from '../policy/cpu-time.ts';
import { openRig, type Rig, say } from '../support/rig.ts';

const LONG = 65_536;

function policyWith(rules: PolicyOptions['rules']): Policy {
  const compiled = compilePolicy({
    mode: 'enforce',
    default: 'deny',
    connectPorts: [443],
    httpPorts: [80, 443],
    tls: 'bump',
    refuse: 'connect',
    rules,
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

function authorityOf(text: string) {
  const parsed = parseAuthority(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

describe('DOS-09: a pattern that would cost too much is refused in its line', () => {
  const configOf = (key: 'hosts' | 'urls', pattern: string): string =>
    [
      'version: 1',
      'policy:',
      '  rules:',
      '    - name: hostile',
      '      action: allow',
      `      ${key}:`,
      `        - ${JSON.stringify(pattern)}`,
    ].join('\n');

  test.each<[string, string, string | RegExp]>([
    ['nested extended globs', '*(*(*(a|b)))', /extended globs/],
    ['double stars in one segment', '**a'.repeat(3), /more than a segment/],
    ['thirteen double stars', '**/'.repeat(13), /more than 16 stars/],
    ['braces that multiply', '{a,b}'.repeat(20), /braces mean nothing/],
    ['more stars than a segment may have', '*a'.repeat(10), /stars/],
    ['64 KB of letters', 'a'.repeat(LONG), /longer than 1024/],
    ['64 KB of segments', 'a/'.repeat(LONG / 2), /longer than 1024/],
  ])('as a path: %s', (_name, glob, message) => {
    const parsed = parseConfig(configOf('urls', `https://ok.test/${glob}`), 'proxy.yaml');
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ line: 7, path: 'policy.rules[0].urls[0]', message: expect.stringMatching(message) }],
    });
  });

  test.each<[string, string, RegExp]>([
    ['nested extended globs', '*(*(*(a|b))).test', /character/],
    ['double stars', '**.**.**.test', /more than a segment/],
    ['braces that multiply', `${'{a,b}'.repeat(20)}.test`, /character/],
    ['a regular expression that backtracks', '(a+)+$', /character/],
    ['64 KB in one label', `${'a'.repeat(LONG)}.test`, /longer/],
    ['64 KB of labels', `${'a.'.repeat(LONG / 2)}test`, /longer/],
    ['64 KB of stars', `${'*'.repeat(LONG)}.test`, /longer/],
  ])('as a host: %s', (_name, host, message) => {
    const parsed = parseConfig(configOf('hosts', host), 'proxy.yaml');
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ line: 7, path: 'policy.rules[0].hosts[0]', message: expect.stringMatching(message) }],
    });
  });
});

test('DOS-09: a regular expression in a path is nothing but letters', () => {
  const policy = policyWith([{ name: 'r', urls: ['https://ok.test/(a+)+$'], action: 'allow' }]);
  const decide = (path: string) => {
    const target = parseAbsoluteTarget(`https://ok.test${path}`);
    if (!target.ok) throw new Error(target.reason);
    return policy.decideRequest({ client: '192.0.2.1', method: 'GET', target: target.value }).action;
  };
  expect(decide('/(a+)+$')).toBe('allow');
  expect(decide(`/${'a'.repeat(LONG)}`)).toBe('deny');
  expect(leastCpuTime(() => void decide(`/${'a'.repeat(LONG)}!`))).toBeLessThan(50);
});

describe('DOS-09: of 64 KB', () => {
  const GLOBS = ['**/a/'.repeat(8), '**/*a*/'.repeat(4), '*/'.repeat(15), `**${'/a*'.repeat(13)}/`].map(
    (glob) => `https://ok.test/${glob}c`,
  );

  test.each([
    ['segments', '/a'.repeat(LONG / 2)],
    ['empty segments', '/'.repeat(LONG)],
    ['letters', `/${'a'.repeat(LONG)}`],
    ['encoded letters', `/${'%61'.repeat(LONG / 3)}`],
    ['dot segments', '/a/..'.repeat(LONG / 5)],
    ['query', `/?${'a=b&'.repeat(LONG / 4)}`],
  ])('%s, a URL is decided on by every pattern there is for its host in little time', (_name, path) => {
    const policy = policyWith(GLOBS.map((url, at) => ({ name: `r${at}`, urls: [url], action: 'allow' as const })));
    const decide = () => {
      const target = parseAbsoluteTarget(`https://ok.test${path}`);
      if (!target.ok) throw new Error(target.reason);
      return policy.decideRequest({ client: '192.0.2.1', method: 'GET', target: target.value });
    };
    expect(decide()).toMatchObject({ action: 'deny', rule: 'default' });
    expect(leastCpuTime(decide)).toBeLessThan(50 * GLOBS.length);
  });

  test.each([
    ['one label', 'a'.repeat(LONG)],
    ['labels', 'a.'.repeat(LONG / 2)],
    ['digits', '1'.repeat(LONG)],
    ['colons in brackets', `[${':'.repeat(LONG)}]`],
    ['encoded letters', '%61'.repeat(LONG / 3)],
    ['digits as port', `ok.test:${'1'.repeat(LONG)}`],
  ])('%s, a host is refused in little time', (_name, text) => {
    const parse = () => parseAuthority(text, 443);
    expect(parse().ok).toBe(false);
    expect(leastCpuTime(parse)).toBeLessThan(50);
  });
});

describe('DOS-10: what a lookup costs', () => {
  const LOOKUPS = 10_000;

  /** Rules of which each names hosts of its own, all below one suffix. */
  function lookupsOver(names: number): () => void {
    const policy = policyWith(
      Array.from({ length: names }, (_, at) => ({
        name: `r${at}`,
        hosts: [`h${at}.example.com`],
        action: 'allow' as const,
      })),
    );
    const asked = Array.from({ length: LOOKUPS }, (_, at) =>
      authorityOf(`${at % 2 ? 'h' : 'x'}${Math.floor((at * names) / LOOKUPS)}.example.com:443`),
    );
    const decide = (): number =>
      asked.filter((authority) => policy.decideConnect({ client: '192.0.2.1', authority }).action === 'allow').length;
    expect(decide()).toBe(LOOKUPS / 2);
    return () => void decide();
  }

  test('does not grow with the number of rules for names', { timeout: 60_000 }, () => {
    const few = leastCpuTime(lookupsOver(100));
    const many = leastCpuTime(lookupsOver(100_000));
    // A look at each rule would make it a thousand times as much; what is left is the memory that is not in the cache.
    if (process.env['MEMORY_FIGURES'])
      process.stderr.write(`lookups: ${few} ms over 100 rules, ${many} ms over 100,000\n`);
    expect(many).toBeLessThan(20 * few);
  });
});

describe('DOS-10: a header of 64 KB', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.proxy.close(0));

  const FIELDS = 5_000;
  const header = (name: (at: number) => string): string =>
    Array.from({ length: FIELDS }, (_, at) => `${name(at)}:x\r\n`).join('');

  /** Milliseconds of CPU for the whole exchange, ours and the client's; the least of three. */
  async function costOf(fields: string): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const begin = process.cpuUsage();
      const reply = await say(rig.port, `GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n${fields}\r\n`);
      const { user, system } = process.cpuUsage(begin);
      times.push((user + system) / 1_000);
      expect(reply).toMatch(/^HTTP\/1\.1 (?:400|431) /);
    }
    return Math.min(...times);
  }

  test.each([
    ['integer-like names', (at: number) => String(at)],
    ['large integer-like names', (at: number) => String(4_294_967_294 - at)],
    ['one name again and again', () => 'abcd'],
    ['names that every object has', () => '__proto__'],
    ['names that differ in case only', (at: number) => caseOf('abcdefghijklm', at)],
    ['names that old hashes hold for one', (at: number) => pairsOf(['Aa', 'BB'], 13, at)],
  ])('with %s costs no more than one with any names', async (_name, name) => {
    const plain = await costOf(header((at) => `x${at}`));
    expect(await costOf(header(name))).toBeLessThan(10 * plain + 20);
  });

  const caseOf = (text: string, bits: number): string =>
    [...text].map((letter, at) => ((bits >> at) & 1 ? letter.toUpperCase() : letter)).join('');

  const pairsOf = ([zero, one]: readonly [string, string], length: number, bits: number): string =>
    Array.from({ length }, (_, at) => ((bits >> at) & 1 ? one : zero)).join('');
});
