// Parents made ready from the config: credentials and trust are read at start, or nothing starts.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openParents, type ParentSetting } from '../../src/net/open-parents.ts';
import type { ParentOptions } from '../../src/net/options.ts';
import { Resolver } from '../../src/net/resolver.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { parentAt, scriptedParent } from '../support/parents.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const folder = mkdtempSync(join(tmpdir(), 'parents-'));
const secret = join(folder, 'secret');
writeFileSync(secret, 'hunter2\n', { mode: 0o600 });
afterAll(() => {
  for (const path of [folder, ca.folder]) rmSync(path, { recursive: true });
});

const TO = { kind: 'name', host: 'a.test', port: 443 } as const;
const setting: ParentSetting = {
  resolver: new Resolver({ servers: ['127.0.0.1:1'], hosts: {}, maxTtl: 0 }, 500),
  context: createUpstreamContext([ca.rootFile]),
  connectTimeout: 2_000,
  handshakeTimeout: 2_000,
  isOwn: () => false,
  via: undefined,
  onParent: () => undefined,
};
const open = (options: ParentOptions, more: Partial<ParentSetting> = {}) =>
  openParents(
    { trust: [], crl: [], allowAddresses: [], parents: [options], routes: [] },
    { ...setting, ...more },
  )?.routeTo(TO);

test('without parents there is nothing to open', () => {
  expect(openParents({ trust: [], crl: [], allowAddresses: [], parents: [], routes: [] }, setting)).toBeUndefined();
});

describe('a parent', () => {
  test.each([
    ['in the config', { user: 'sally', password: 'p:ä' }, 'Basic c2FsbHk6cDrDpA=='],
    ['in a file', { user: 'sally', passwordFile: secret }, 'Basic c2FsbHk6aHVudGVyMg=='],
  ])('is told a password that stands %s', async (_where, credentials, basic) => {
    const server = await scriptedParent((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    // Loopback is no address that may be dialled; a parent may be anywhere.
    const connection = await open(parentAt(server.port, credentials))?.tunnel(TO);
    onTestFinished(() => void connection?.socket.destroy());
    expect(server.heads[0]).toContain(`\r\nProxy-Authorization: ${basic}\r\n`);
  });

  test('that is this proxy itself is not dialled', async () => {
    const server = await scriptedParent((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    const route = open(parentAt(server.port), {
      isOwn: (address, port) => address === '127.0.0.1' && port === server.port,
    });
    await expect(route?.tunnel(TO)).rejects.toMatchObject({ code: 'loop', status: 508 });
    expect(server.accepted).toBe(0);
  });

  test('is told to be skipped by its name', async () => {
    const told: unknown[] = [];
    const server = await scriptedParent(() => undefined);
    await server.close();
    const route = open(parentAt(server.port), { onParent: (...change) => told.push(change) });
    await expect(route?.reach(TO)).rejects.toMatchObject({ code: 'parent-unreachable' });
    expect(told).toEqual([['hq', false, expect.stringContaining('ECONNREFUSED')]]);
  });

  test('whose password everybody may read is refused at start', () => {
    const path = join(folder, 'open');
    writeFileSync(path, 'hunter2');
    chmodSync(path, 0o644);
    expect(() => open(parentAt(1, { user: 'sally', passwordFile: path }))).toThrow(/open to everybody/);
  });

  test('whose trust cannot be read is refused at start', () => {
    const trust = [join(folder, 'absent.pem')];
    expect(() => open(parentAt(1, { secure: true, trust }))).toThrow(/absent\.pem cannot be read/);
  });
});
