// The logformat language beside that of a real Squid: the same layouts over the same exchanges give the same text, but for the
// codes in the table below, whose difference has a reason.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProxyUnderTest } from '../support/outcome-client.ts';
import { type OutcomeWorld, openOutcomeWorld } from '../support/outcome-origins.ts';
import { OUTCOMES, type OutcomeScenario, playOutcome } from '../support/outcomes.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { hasSquid, type Squid, startSquid } from '../support/squid.ts';
import { TestCa } from '../support/test-ca.ts';

/** What can be compared: times, sizes of pages and ports of clients differ by nature. */
const CODES = [
  ...['>a', '>A', 'un', '[un', 'ul', 'ui', 'rm', '>rm', 'ru', '>ru', '>rs', '>rd', '>rP', 'rp', '>rp', 'rv', '>rv'],
  ...['>Hs', '03>Hs', '6>Hs', '-6>Hs', '06>Hs', '<Hs', 'Ss', '10.3Ss', '-10.3Ss', '.2Ss', 'Sh', '<a', 'mt', '.4mt'],
  ...['{User-Agent}>h', '>h{User-Agent}', '"{User-Agent}>h', '[{User-Agent}>h', '#{User-Agent}>h', '/{User-Agent}>h'],
  ...["'{User-Agent}>h", '20{User-Agent}>h', '-20{User-Agent}>h', '.5{User-Agent}>h', '{Nothing}>h', '"{Nothing}>h'],
  ...['{Accept}>h', '{Accept:b}>h', '{Cache-Control:max-age}>h', '{X-Pair:;b}>h', 'http::>h{Host}', '{Content-Type}<h'],
  ...['ssl::bump_mode', 'ssl::>sni', 'ssl::>cert_subject', 'ssl::<cert_errors'],
  ...['ssl::>negotiated_version', 'ssl::>negotiated_cipher', 'ssl::>received_supported_version'],
];
const BETWEEN = ' @@ ';
const LAYOUT = `${CODES.map((code) => `%${code}`).join(BETWEEN)}${BETWEEN}"%{User-Agent}>h" [%{User-Agent}>h] 100%%`;
const NAMES = [...CODES, 'in quotes and brackets'];

const FIELDS =
  'User-Agent: Tool/1.0 (a; "b" [c] 100%41 d\\e <f>)\r\nAccept: a, b;q=1, c\r\nCache-Control: no-cache, max-age=5\r\n' +
  'X-Pair: a=1;b=2\r\nConnection: close\r\n';

const plain =
  (path: string): OutcomeScenario['run'] =>
  async (client) => {
    const authority = client.world.authority('plain.test');
    await client.say(`GET http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\n${FIELDS}\r\n`);
  };

const SCENARIOS: readonly OutcomeScenario[] = [
  { name: 'a plain GET with odd fields', squid: ['one'], run: plain('/a%20b?q=1&r=2') },
  { name: 'a plain GET to the root', squid: ['one'], run: plain('/') },
  ...OUTCOMES.filter(({ name }) => ['a GET with a query inside a bump'].includes(name)),
];

const differs = new Map<string, boolean>();

/** Why ours is another text. */
const ON_PURPOSE: Readonly<Record<string, string>> = {
  rp: 'the query of a path is cut as that of the URL is',
  '>rp': 'likewise',
  '>ru': 'a parameter called token is masked',
  'ssl::>negotiated_cipher': 'each of them chooses',
};

describe.skipIf(!hasSquid)('layouts beside Squid (skipped where it is not installed)', () => {
  let world: OutcomeWorld;
  let rig: Rig;
  let squid: Squid;
  let ours: ProxyUnderTest;
  let theirs: ProxyUnderTest;

  beforeAll(async () => {
    world = await openOutcomeWorld();
    const format = { name: 'own', layout: LAYOUT };
    rig = await openRig({
      trust: [world.trust],
      hosts: world.hosts,
      policy: { rules: world.rules },
      logs: [{ path: 'own.log', format }],
    });
    const log = join(rig.folder, 'access.log');
    const accessLines = async (): Promise<string[]> => readFileSync(log, 'utf8').split('\n').slice(0, -1);
    ours = { host: '127.0.0.1', port: rig.port, ca: rig.ca, accessLines };
    const ca = new TestCa('Squid Test CA');
    squid = await startSquid({
      ca: { cert: ca.rootFile, key: join(ca.folder, 'root.key') },
      trust: world.trust,
      hosts: world.hosts,
      rules: world.rules,
      extra: [`logformat own ${LAYOUT}`, 'access_log stdio:FOLDER/own.log own'],
    });
    theirs = { ...squid, ca: ca.root };
  });
  afterAll(async () => {
    await squid.stop();
    await rig.proxy.close(0);
    await world.close();
  });

  test.each(SCENARIOS)('over $name', async (scenario) => {
    const read = (folder: string): string[] => {
      const text = readFileSync(join(folder, 'own.log'), 'latin1');
      return text.split('\n').slice(0, -1);
    };
    const last = async (proxy: ProxyUnderTest, folder: string): Promise<Record<string, string>[]> => {
      const lines = await playOutcome(scenario, proxy, world);
      return read(folder)
        .slice(-lines.length)
        .map((line) => Object.fromEntries(line.split(BETWEEN).map((text, index) => [NAMES[index], text])));
    };
    const [squidLines, ourLines] = [await last(theirs, squid.folder), await last(ours, rig.folder)];
    expect(squidLines).toHaveLength(scenario.squid.length);
    const without = (lines: Record<string, string>[]) =>
      lines.map((line) => Object.fromEntries(Object.entries(line).filter(([code]) => ON_PURPOSE[code] === undefined)));
    expect(without(ourLines)).toEqual(without(squidLines));
    for (const code of Object.keys(ON_PURPOSE)) {
      differs.set(
        code,
        (differs.get(code) ?? false) || ourLines.some((line, at) => line[code] !== squidLines[at]?.[code]),
      );
    }
  });

  test('every difference on purpose is one', () => {
    expect(Object.fromEntries(differs)).toEqual(
      Object.fromEntries(Object.keys(ON_PURPOSE).map((code) => [code, true])),
    );
  });
});
