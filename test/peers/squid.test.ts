// A real Squid 5.7 writes the lines that our contract says it writes: the reference that our own lines are held against.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OutcomeWorld, openOutcomeWorld } from '../support/outcome-origins.ts';
import { OUTCOMES, playOutcome } from '../support/outcomes.ts';
import { hasSquid, type Squid, startSquid } from '../support/squid.ts';
import { TestCa } from '../support/test-ca.ts';

describe.skipIf(!hasSquid)('Squid (skipped where it is not installed)', () => {
  let ca: TestCa;
  let world: OutcomeWorld;
  let squid: Squid;

  beforeAll(async () => {
    ca = new TestCa('Squid Test CA');
    world = await openOutcomeWorld();
    squid = await startSquid({
      ca: { cert: ca.rootFile, key: join(ca.folder, 'root.key') },
      trust: world.trust,
      hosts: world.hosts,
      rules: world.rules,
    });
  });
  afterAll(async () => {
    await squid.stop();
    await world.close();
  });

  test.each(OUTCOMES)('logs $name', async (scenario) => {
    const proxy = { host: squid.host, port: squid.port, plainPort: squid.plainPort, ca: ca.root };
    expect(await playOutcome(scenario, { ...proxy, accessLines: squid.accessLines }, world)).toEqual(scenario.squid);
  });
});
