// What policy says of a host, and what clients have made of our certificate for it.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkPolicy, checkRejections } from '../../../src/cli/doctor/verdict.ts';
import { parseAbsoluteTarget, type RequestTarget } from '../../../src/core/target.ts';
import { LedgerFile } from '../../../src/exceptions/ledger-file.ts';
import { rigConfig } from '../../support/rig.ts';

function target(url: string): RequestTarget {
  const parsed = parseAbsoluteTarget(url);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'verdict-'));
const rules = [
  { name: 'open', hosts: ['ok.test'], action: 'allow' },
  { name: 'unread', hosts: ['pinned.test'], action: 'allow', tls: 'splice' },
] as const;
const hosts = { 'ok.test': '127.0.0.1', 'pinned.test': '127.0.0.1', 'no.test': '127.0.0.1' };

describe('policy', () => {
  test.each([
    ['enforce', 'https://ok.test/', 'ok', /^allowed: GET from 10\.0\.0\.7: .*"open".*, bump$/],
    ['enforce', 'https://pinned.test/', 'ok', /"unread".*, splice$/],
    ['enforce', 'https://no.test/', 'warning', /^denied: .*no rule matches no\.test:443$/],
    ['report', 'https://no.test/', 'warning', /^allowed in report mode only/],
  ] as const)('in %s mode on %s', async (mode, url, state, reason) => {
    const config = rigConfig(folder(), { hosts, policy: { mode, rules } });
    const found = await checkPolicy(config, { target: target(url), client: '10.0.0.7', user: undefined });
    expect(found).toMatchObject({ check: 'policy', state, reason: expect.stringMatching(reason) });
  });
});

describe('rejections of our certificate', () => {
  const seen = {
    host: 'ok.test',
    port: 443,
    alert: 'unknown_ca',
    confidence: 'certain',
    rule: 'open',
    byName: true,
  } as const;

  test('are none at first', async () => {
    expect(await checkRejections(rigConfig(folder()), target('https://ok.test/'))).toMatchObject([{ state: 'ok' }]);
  });

  test('are told of this host alone, with the rule that would help', async () => {
    const config = rigConfig(folder());
    const time = Date.now();
    await new LedgerFile(config.rejections).update((ledger) => {
      ledger.reject({ ...seen, client: '10.0.0.7', time, begin: time - 1 }, false);
      ledger.reject({ ...seen, host: 'other.test', client: '10.0.0.8', time, begin: time - 1 }, false);
      return [];
    });
    const found = await checkRejections(config, target('https://ok.test/'));
    expect(found).toEqual([
      {
        check: 'pinned',
        state: 'warning',
        reason: expect.stringMatching(
          /^10\.0\.0\.7 has rejected our certificate for ok\.test:443 1 time: alert unknown_ca/,
        ),
        mend: expect.stringContaining('tls: splice }'),
      },
    ]);
  });

  test('that led to an exception, or were taken back, are well', async () => {
    const config = rigConfig(folder(), { onReject: 'splice' });
    const time = Date.now();
    await new LedgerFile(config.rejections).update((ledger) => {
      const changes = [1, 2, 3].flatMap((n) => {
        const { made } = ledger.reject(
          { ...seen, client: '10.0.0.7', time: time + n * 10, begin: time + n * 10 - 1 },
          true,
        );
        return made ?? [];
      });
      ledger.reject({ ...seen, client: '10.0.0.8', time, begin: time - 1 }, false);
      return [...changes, ...ledger.accept({ client: '10.0.0.8', host: 'ok.test', port: 443 }, time)];
    });
    const found = await checkRejections(config, target('https://ok.test/'));
    expect(found.map(({ state }) => state)).toEqual(['ok', 'ok']);
    expect(found.map(({ reason }) => reason).join('\n')).toMatch(
      /passed unread until[\s\S]*took it at|took it at[\s\S]*passed unread until/,
    );
  });

  test('are not remembered where that is off', async () => {
    const config = rigConfig(folder(), { onReject: 'off' });
    expect(await checkRejections(config, target('https://ok.test/'))).toMatchObject([{ state: 'skipped' }]);
  });
});
