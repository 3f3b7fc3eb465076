// What the administrator sees whose agent rejects our certificate, and the end of an exception.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exceptionsList, exceptionsRevoke } from '../../src/cli/exceptions.ts';
import type { Change, Seen } from '../../src/exceptions/ledger.ts';
import { LedgerFile } from '../../src/exceptions/ledger-file.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder } from '../support/program.ts';

const AGENT = { client: '10.0.0.5', host: 'ingest.test', port: 443 };
const TOOL = { client: '10.0.0.6', host: 'api.test', port: 8443 };

async function place(onReject = 'splice') {
  const { folder, config } = configFolder(`tls: { onReject: ${onReject} }`);
  const paths = { state: join(folder, 'state/exceptions.json'), audit: join(folder, 'log/audit.log') };
  return { folder, config, paths, file: new LedgerFile(paths) };
}

/** An agent with an exception, and a tool that has rejected once. */
async function inUse(onReject?: string) {
  const made = await place(onReject);
  const time = Date.now();
  const how = { time, begin: time, alert: 'unknown_ca', confidence: 'certain', rule: 'all', byName: true } as const;
  const seen = (pair: typeof AGENT): Seen => ({ ...pair, ...how });
  await made.file.update((ledger) => {
    ledger.reject({ ...seen(TOOL), alert: 'none', confidence: 'suspected' }, true);
    return [0, 1, 2].flatMap((): Change | readonly Change[] => ledger.reject(seen(AGENT), true).made ?? []);
  });
  return made;
}

const minute = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\dZ';

describe('exceptions list', () => {
  test('says that there is nothing, and makes nothing', async () => {
    const { config, folder } = await place();
    const terminal = fakeTerminal();
    expect(await exceptionsList(terminal, { config })).toBe(0);
    expect(terminal.outText()).toBe('No exceptions.\n');
    expect(existsSync(join(folder, 'state'))).toBe(false);
  });

  test('tells who, why, since when, until when, and which rule to write', async () => {
    const { config } = await inUse();
    const terminal = fakeTerminal();
    expect(await exceptionsList(terminal, { config })).toBe(0);
    const text = terminal.outText();
    expect(text).toMatch(
      new RegExp(
        [
          '^Passed unread by exception\n',
          '\n  10.0.0.5 to ingest.test:443',
          '\n    why     alert unknown_ca: it does not know our authority',
          `\n    seen    3 rejections, the last at ${minute}; let through by rule "all"`,
          `\n    unread  since ${minute}, until ${minute}`,
          "\n    rule    - { name: 'unread ingest.test', clients: \\['10.0.0.5'\\], hosts: \\['ingest.test'\\], ports: \\[443\\], action: allow, tls: splice }\n",
          '\nOur certificate rejected, no exception\n',
          '\n  10.0.0.6 to api.test:8443',
          '\n    why    it closed without a word once it had our certificate: .*',
          `\n    seen   1 rejection, the last at ${minute}; let through by rule "all"`,
          '\n    needs  2 more within ten minutes, .*',
          "\n    rule   - { name: 'unread api.test', .*ports: \\[8443\\].*",
          '\n\nBest is a program that trusts our authority. Where it cannot, put its rule into the config, above the one that decides.\n$',
        ].join(''),
      ),
    );
  });

  test('says that exceptions are not in force where none are made', async () => {
    const { config } = await inUse('suggest');
    const terminal = fakeTerminal();
    await exceptionsList(terminal, { config });
    expect(terminal.outText()).toContain('Passed unread by exception (tls.onReject is suggest: none is in force)\n');
  });

  test('says the same as JSON', async () => {
    const { config } = await inUse();
    const terminal = fakeTerminal();
    expect(await exceptionsList(terminal, { config, json: true })).toBe(0);
    expect(JSON.parse(terminal.outText())).toMatchObject({
      onReject: 'splice',
      exceptions: [
        { client: '10.0.0.5', host: 'ingest.test:443', rejections: 3, decidedBy: 'all', expires: expect.any(String) },
      ],
      rejected: [{ client: '10.0.0.6', host: 'api.test:8443', rejections: 1, recent: [{ alert: 'none' }] }],
    });
  });

  test('warns of a damaged file, and lists what can be read', async () => {
    const { config, paths } = await inUse();
    writeFileSync(paths.state, readFileSync(paths.state, 'utf8').slice(0, -20), { mode: 0o600 });
    const terminal = fakeTerminal();
    expect(await exceptionsList(terminal, { config })).toBe(0);
    expect(terminal.errText()).toContain('exceptions.json is damaged');
  });
});

describe('exceptions revoke', () => {
  test.each<[string, string | undefined, { client?: string; all?: boolean }]>([
    ['a host', 'ingest.test', {}],
    ['a host in other letters', 'Ingest.TEST.', {}],
    ['a host and its port', 'ingest.test:443', {}],
    ['a client', undefined, { client: '10.0.0.5' }],
    ['both', 'ingest.test', { client: '10.0.0.5' }],
    ['all', undefined, { all: true }],
  ])('ends what is named by %s, and writes it down', async (_name, host, options) => {
    const { config, file, paths } = await inUse();
    const terminal = fakeTerminal();
    expect(await exceptionsRevoke(terminal, host, { config, ...options })).toBe(0);
    expect(terminal.outText()).toMatch(
      /^Revoked: 10\.0\.0\.5 to ingest\.test:443, in the audit log .*audit\.log\.\nNew connections/,
    );
    expect((await file.read()).ledger.exemption(AGENT, Date.now())).toBeUndefined();
    const changes = readFileSync(paths.audit, 'utf8')
      .trim()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line));
    expect(changes.map(({ change }) => change)).toEqual(['made', 'revoked']);
    expect(changes[1]?.['by']).toMatch(/^command line, /);
    const after = fakeTerminal();
    await exceptionsList(after, { config });
    expect(after.outText()).toMatch(/^No exceptions\.\n/);
    expect(after.outText()).toMatch(/revoked {2}none is made before /);
  });

  test.each<[string, string | undefined, { client?: string; all?: boolean }, number, RegExp]>([
    ['nothing', undefined, {}, 2, /^Say which/],
    ['all and one', 'ingest.test', { all: true }, 2, /^Say which/],
    ['no host', 'https://ingest.test/', {}, 2, /is no host/],
    ['another host', 'other.test', {}, 1, /^No exception fits/],
    ['another port', 'ingest.test:8443', {}, 1, /^No exception fits/],
    ['another client', undefined, { client: '10.0.0.9' }, 1, /^No exception fits/],
    ['one that has only rejected', 'api.test', {}, 1, /^No exception fits/],
  ])('named %s ends nothing', async (_name, host, options, code, says) => {
    const { config, file } = await inUse();
    const terminal = fakeTerminal();
    expect(await exceptionsRevoke(terminal, host, { config, ...options })).toBe(code);
    expect(terminal.errText()).toMatch(says);
    expect((await file.read()).ledger.exemption(AGENT, Date.now())).toBeDefined();
  });
});
