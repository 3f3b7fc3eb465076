// Real log readers take every line we can write: calamaris, GoAccess and sarg, without one invalid line.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccessLog } from '../../src/log/access-log.ts';
import { LOGGED_OUTCOMES, makeEntry } from '../support/log-entries.ts';
import {
  hasCalamaris,
  hasGoAccess,
  hasSarg,
  readWithCalamaris,
  readWithGoAccess,
  readWithSarg,
} from '../support/log-readers.ts';
import { openOutcomeWorld } from '../support/outcome-origins.ts';
import { OUTCOMES, playOutcome } from '../support/outcomes.ts';
import { openRig } from '../support/rig.ts';

/** What a hostile client can get into a line, beside the plain outcomes. */
const HOSTILE = [
  makeEntry({ url: 'https://h.test/a b"c\\d\r\ne\x1b%zz\xff\u2028', user: '-' }),
  // GoAccess reads no line beyond 4095 bytes; ours may have 8191, as Squid's.
  makeEntry({ url: `https://h.test/${'a'.repeat(3800)}`, user: 'x y "z" \\ [q]\n', contentType: 'a\nb/"c' }),
];
const ENTRIES = [...LOGGED_OUTCOMES.map(({ entry }) => entry), ...HOSTILE];

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-readers-'));
  file = join(folder, 'access.log');
  const log = AccessLog.open([{ path: file, format: 'squid' }], (error) => {
    throw error;
  });
  for (const entry of ENTRIES) log.write(entry);
  await log.close();
});
afterAll(() => rm(folder, { recursive: true }));

const TAGS = ['TCP_MISS', 'TCP_TUNNEL', 'TCP_DENIED', 'NONE_NONE', 'NONE_NONE_ABORTED', 'TCP_MISS_ABORTED'];

describe('log readers', () => {
  test.skipIf(!hasCalamaris)('calamaris reads a line of every outcome (skipped where it is missing)', () => {
    const report = readWithCalamaris(file);
    expect(report).toMatchObject({ parsed: ENTRIES.length, invalid: 0 });
    for (const tag of TAGS) expect(report.text).toMatch(new RegExp(`^ ${tag} +[1-9]`, 'm'));
  });

  test.skipIf(!hasGoAccess)('GoAccess reads a line of every outcome (skipped where it is missing)', () => {
    const report = readWithGoAccess(file);
    expect(report.invalid).toBe('');
    expect(report.general).toMatchObject({
      total_requests: ENTRIES.length,
      valid_requests: ENTRIES.length,
      failed_requests: 0,
      bandwidth: ENTRIES.reduce((sum, { bytes }) => sum + bytes, 0),
    });
    expect(report.mime_type.data.map(({ data }) => data)).toContain('application');
  });

  test.skipIf(!hasSarg)('sarg reads a line of every outcome (skipped where it is missing)', () => {
    expect(readWithSarg(file)).toMatchObject({ read: ENTRIES.length, excluded: 0 });
  });

  test.skipIf(!hasSarg)('sarg makes of it who has had how much from where (skipped where it is missing)', async () => {
    const path = join(folder, 'told.log');
    const log = AccessLog.open([{ path, format: 'squid' }], (error) => {
      throw error;
    });
    const told = [
      { user: 'alice', url: 'https://one.test/a', bytes: 300 },
      { user: 'alice', url: 'https://one.test/b', bytes: 200 },
      { user: 'bob', url: 'http://two.test/', bytes: 123 },
      { client: '10.9.8.7', method: 'CONNECT', url: 'three.test:443', tag: 'TCP_TUNNEL', bytes: 77 },
      { client: '10.9.8.7', url: 'http://four.test/', tag: 'TCP_DENIED', status: 403, bytes: 99 },
    ] as const;
    for (const one of told) log.write(makeEntry(one));
    await log.close();
    const { pages, read, excluded } = readWithSarg(path);
    expect([read, excluded]).toEqual([5, 0]);
    expect(pages.users).toMatch(/\|1\|alice\|2\|500\|/);
    expect(pages.users).toMatch(/\|2\|10\.9\.8\.7\|2\|176\|/);
    expect(pages.users).toMatch(/\|3\|bob\|1\|123\|/);
    for (const site of ['one.test|2|500|', 'two.test|1|123|', 'three.test:443|1|77|', 'four.test|1|99|']) {
      expect(pages.sites).toContain(`|${site}`);
    }
    expect(pages.denied).toContain('four.test');
    expect(pages.denied).not.toContain('three.test');
  });
});

describe('the log of a proxy that has seen every outcome', () => {
  let live = '';
  let lines = 0;

  beforeAll(async () => {
    const world = await openOutcomeWorld();
    const rig = await openRig({ trust: [world.trust], hosts: world.hosts, policy: { rules: world.rules } });
    live = join(rig.folder, 'access.log');
    const accessLines = async (): Promise<string[]> => readFileSync(live, 'utf8').split('\n').slice(0, -1);
    const proxy = { host: '127.0.0.1', port: rig.port, ca: rig.ca, accessLines };
    for (const scenario of OUTCOMES) await playOutcome(scenario, proxy, world);
    await rig.proxy.close(0);
    await world.close();
    lines = (await accessLines()).length;
  });

  test('has more lines than there are outcomes', () => {
    expect(lines).toBeGreaterThan(OUTCOMES.length);
  });

  test.skipIf(!hasCalamaris)('is read by calamaris without an invalid line (skipped where it is missing)', () => {
    expect(readWithCalamaris(live)).toMatchObject({ parsed: lines, invalid: 0 });
  });

  test.skipIf(!hasGoAccess)('is read by GoAccess without an invalid line (skipped where it is missing)', () => {
    const report = readWithGoAccess(live);
    expect(report.invalid).toBe('');
    expect(report.general).toMatchObject({ total_requests: lines, valid_requests: lines, failed_requests: 0 });
  });

  test.skipIf(!hasSarg)('is read by sarg without an excluded line (skipped where it is missing)', () => {
    expect(readWithSarg(live)).toMatchObject({ read: lines, excluded: 0 });
  });
});
