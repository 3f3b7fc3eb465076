// Side by side with a real Squid, configured alike: the same client, the same origins, the same lines but for times and
// sizes. Where ours differ on purpose, the difference and its reason stand in the table below.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProxyUnderTest } from '../support/outcome-client.ts';
import { type OutcomeWorld, openOutcomeWorld } from '../support/outcome-origins.ts';
import { OUTCOMES, playOutcome } from '../support/outcomes.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { hasSquid, type Squid, startSquid } from '../support/squid.ts';
import { TestCa } from '../support/test-ca.ts';

interface Difference {
  readonly ours: readonly string[];
  readonly why: string;
}

const REJECTED = ['NONE_NONE_ABORTED/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -'];

const ON_PURPOSE: Readonly<Record<string, Difference>> = {
  'a client that does not trust the leaf': { ours: REJECTED, why: 'failure must not look like success' },
  'a bump without a request': { ours: REJECTED, why: 'GnuTLS clients reject a leaf in just this way' },
  'a word that is no request': {
    ours: ['NONE_NONE/400 N - error:invalid-request - HIER_NONE/- text/html'],
    why: 'what could not be parsed has no method',
  },
};

let world: OutcomeWorld;
let rig: Rig;
let ours: ProxyUnderTest;

beforeAll(async () => {
  world = await openOutcomeWorld();
  rig = await openRig({ trust: [world.trust], hosts: world.hosts, policy: { rules: world.rules } });
  const log = join(rig.folder, 'access.log');
  ours = {
    host: '127.0.0.1',
    port: rig.port,
    ca: rig.ca,
    accessLines: async () => readFileSync(log, 'utf8').split('\n').slice(0, -1),
  };
});
afterAll(async () => {
  await rig.proxy.close(0);
  await world.close();
});

describe.skipIf(!hasSquid)('side by side with Squid (skipped where it is not installed)', () => {
  let squid: Squid;

  beforeAll(async () => {
    const ca = new TestCa('Squid Test CA');
    squid = await startSquid({
      ca: { cert: ca.rootFile, key: join(ca.folder, 'root.key') },
      trust: world.trust,
      hosts: world.hosts,
      rules: world.rules,
    });
    theirs = { ...squid, ca: ca.root };
  });
  afterAll(() => squid.stop());
  let theirs: ProxyUnderTest;

  test.each(OUTCOMES)('the lines are the same for $name', async (scenario) => {
    const squidLines = await playOutcome(scenario, theirs, world);
    const ourLines = await playOutcome(scenario, ours, world);
    const difference = ON_PURPOSE[scenario.name];
    if (difference) expect(squidLines, 'no difference is left: strike it from the table').not.toEqual(difference.ours);
    expect(ourLines).toEqual(difference?.ours ?? squidLines);
    expect(squidLines).toEqual(scenario.squid);
  });
});

test('every difference on purpose is one of a scenario', () => {
  expect(OUTCOMES.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(ON_PURPOSE)));
});
