// Ids and the birth of sessions and tunnels.

import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import type { Permit } from '../../src/core/decision.ts';
import { beginSession, beginTunnel, nextId, plainAddress } from '../../src/core/session.ts';

describe('ids', () => {
  test('are unique, sort by birth as text, and fit a log field', () => {
    const ids = Array.from({ length: 3_000 }, nextId);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    expect(ids.filter((id) => !/^[\w-]{8}-[0-9a-z]{7}$/.test(id))).toEqual([]);
  });
});

test('a session knows its client and when it began', () => {
  const client = { address: '10.0.0.1', port: 40_000 };
  const before = performance.now();
  const session = beginSession(client);
  expect(session).toEqual({ id: expect.any(String), client, begin: expect.any(Number) });
  expect(session.begin).toBeGreaterThanOrEqual(before);
  expect(session.begin).toBeLessThanOrEqual(performance.now());
  expect(beginSession(client).id).not.toBe(session.id);
});

test('a tunnel keeps the decision on its CONNECT', () => {
  const authority: Authority = { kind: 'name', host: 'ok.test', port: 443 };
  const permit: Permit = {
    step: 'connect',
    action: 'allow',
    authority,
    rule: 'packages',
    reason: 'The host is listed.',
    tls: 'splice',
    deferred: false,
    wouldDeny: false,
  };
  const tunnel = beginTunnel(authority, permit, 17);
  expect(tunnel).toEqual({ id: expect.any(String), authority, decision: permit, begin: 17 });
});

test.each([
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:10.1.2.3', '10.1.2.3'],
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['::ffff:0:1', '::ffff:0:1'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  [undefined, ''],
])('the address %s is written %j', (address, expected) => {
  expect(plainAddress(address)).toBe(expected);
  // What was read before is remembered.
  expect(plainAddress(address)).toBe(expected);
});
