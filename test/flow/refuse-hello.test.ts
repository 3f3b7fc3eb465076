// A TLS alert as the last word: what the client reads, and what the log says.

import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { beginSession, beginTunnel } from '../../src/core/session.ts';
import { Journal } from '../../src/flow/journal.ts';
import { endWithAlert, refuseHello } from '../../src/flow/refuse-hello.ts';
import { connectionOn } from '../../src/http/connection.ts';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { createServiceLog } from '../../src/log/service-log.ts';
import { Inlet } from '../../src/net/inlet.ts';
import { readAll } from '../support/rig.ts';
import { closed, socketPair } from '../support/socket-pair.ts';
import { permitFor } from '../support/upstream.ts';

describe('an alert', () => {
  test.each([
    ['access_denied', 49],
    ['internal_error', 80],
    ['missing_extension', 109],
  ] as const)('%s is fatal, and the end', async (alert, code) => {
    const { near, far } = await socketPair();
    endWithAlert(near, alert);
    expect([...Buffer.from(await readAll(far), 'latin1')]).toEqual([0x15, 3, 3, 0, 2, 2, code]);
    far.end();
    await closed(near);
  });

  test('to a client that has gone is none', async () => {
    const { near } = await socketPair();
    near.destroy();
    expect(() => endWithAlert(near, 'access_denied')).not.toThrow();
  });
});

test.each([
  ['a denial', undefined, 49, { tag: 'TCP_DENIED', status: 0, outcome: 'denied' }],
  ['an address', new ProxyError('address-forbidden'), 49, { tag: 'TCP_DENIED', status: 0, outcome: 'denied' }],
  [
    'a failure',
    new ProxyError('dns-failed'),
    80,
    { tag: 'NONE_NONE', status: 0, outcome: 'failed', error: 'dns-failed' },
  ],
])('%s is told as what it is, with no status, since no reply was sent', async (_name, error, code, line) => {
  const { near, far } = await socketPair();
  const entries: AccessLogEntry[] = [];
  const journal = new Journal({
    write: (entry) => void entries.push(entry),
    service: createServiceLog({ level: 'silent' }),
  });
  const permit = permitFor('a.test:443');
  const session = beginSession({ address: '192.0.2.1', port: 1 });
  const tunnel = beginTunnel(permit.authority, permit, session.begin);
  tunnel.intercepted = true;
  refuseHello({ journal }, connectionOn(new Inlet(near), session), tunnel, error);
  expect((await readAll(far)).charCodeAt(6)).toBe(code);
  expect(entries).toEqual([expect.objectContaining({ ...line, bytes: 0, method: 'CONNECT', url: 'a.test:443' })]);
});
