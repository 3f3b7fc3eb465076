// Whether parent proxies answer, and lead on.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkParents } from '../../../src/cli/doctor/parents.ts';
import type { Authority } from '../../../src/core/authority.ts';
import type { ParentOptions } from '../../../src/net/options.ts';
import { tcpOrigin } from '../../support/origin.ts';
import { parentAt, scriptedParent, tunnellingParent } from '../../support/parents.ts';
import { rigConfig } from '../../support/rig.ts';
import { TestCa } from '../../support/test-ca.ts';

const { rootFile } = new TestCa();
const folder = mkdtempSync(join(tmpdir(), 'doctor-parents-'));
const withParents = (...parents: ParentOptions[]) => rigConfig(folder, { trust: [rootFile], parents });
const to = (port: number): Authority => ({ kind: 'name', host: 'ok.test', port });

test('there are mostly none', async () => {
  expect(await checkParents(withParents(), to(443))).toEqual([]);
});

test('each is dialled for itself, and one that is not there does not hide the other', async () => {
  const parent = await tunnellingParent();
  const found = await checkParents(withParents(parentAt(1), parentAt(parent.port, { name: 'spare' })));
  expect(found).toMatchObject([
    {
      state: 'failed',
      reason: expect.stringContaining('hq (127.0.0.1:1): '),
      mend: expect.stringContaining('firewall'),
    },
    { state: 'ok', reason: expect.stringMatching(/^spare \(127\.0\.0\.1:\d+\) takes connections, \d+ ms$/) },
  ]);
  expect(parent.heads).toEqual([]);
});

test('each is asked to lead to the host', async () => {
  const parent = await tunnellingParent();
  const origin = await tcpOrigin(() => undefined);
  const found = await checkParents(withParents(parentAt(parent.port)), to(origin.port));
  expect(found).toMatchObject([{ state: 'ok', reason: expect.stringContaining(`leads to ok.test:${origin.port}, `) }]);
  expect(parent.heads[0]).toMatch(new RegExp(`^CONNECT ok\\.test:${origin.port} `));
  await origin.close();
});

test.each([
  ['407 Proxy Authentication Required', /correct user and password/],
  ['403 Forbidden', /allow it/],
  ['503 Service Unavailable', /could not reach the origin/],
])('one that answers %s is told with what to do', async (status, mend) => {
  const parent = await scriptedParent((socket) => void socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`));
  const [found] = await checkParents(withParents(parentAt(parent.port)), to(443));
  expect(found).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining(status),
    mend: expect.stringMatching(mend),
  });
});

test('one that says nothing is given up in time', async () => {
  const parent = await scriptedParent(() => undefined);
  const [found] = await checkParents(withParents(parentAt(parent.port, { timeout: 100 })), to(443));
  expect(found).toMatchObject({ state: 'failed', reason: expect.stringContaining('no answer to CONNECT') });
});
