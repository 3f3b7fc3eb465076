// A CA that goes to another process is the same CA there.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { handOver, takeOver } from '../../src/pki/handed-ca.ts';
import { CA_KINDS, openCa, temporaryFolder } from './fixtures.ts';

const folder = temporaryFolder();
afterEach(() => void vi.useRealTimers());

describe.each(CA_KINDS)('a CA of the kind %s', (kind) => {
  test('is the same after its way through a channel', async () => {
    const ca = await openCa(folder, kind);
    const taken = takeOver(structuredClone(handOver(ca)), 'ca.pem');
    const facts = ({ certificate, anchor, chain, key, ...rest }: typeof ca) => ({
      ...rest,
      certificates: [certificate, anchor, ...chain].map((each) => each.toString()),
      key: key.export({ type: 'pkcs8', format: 'pem' }),
    });
    expect(facts(taken)).toEqual(facts(ca));
  });
});

test('one that has ended meanwhile is refused as it would be from its file', async () => {
  const ca = await openCa(folder, 'own');
  const handed = handOver(ca);
  vi.useFakeTimers({ toFake: ['Date'], now: ca.notAfter.getTime() + 1 });
  expect(() => takeOver(handed, '/etc/ca.pem')).toThrow(
    expect.objectContaining({ code: 'ca-unusable', detail: expect.stringContaining('/etc/ca.pem') }),
  );
});
