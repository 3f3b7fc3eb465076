// Who listens on a port, as /proc shows it.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ownerOfPort } from '../../../src/cli/doctor/port-owner.ts';

test.each(['127.0.0.1', '::1'])('a port of %s is found to be ours', async (address) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  expect(await ownerOfPort(port)).toMatchObject({ pid: process.pid });
  await new Promise((resolve) => server.close(resolve));
  expect(await ownerOfPort(port)).toBeUndefined();
});

test('where there is no /proc nobody is found', async () => {
  expect(await ownerOfPort(80, '/no/such')).toBeUndefined();
});
