// What operators have done: one reload at a time, its outcome kept, and each change in the audit log.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { IDLE } from '../../src/log/activity.ts';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { Operations, type OperationsParts } from '../../src/supervisor/operations.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

async function operations(served: Partial<OperationsParts['served']> = {}, parts: Partial<OperationsParts> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'operations-'));
  const file = join(folder, 'c.yaml');
  writeFileSync(file, 'version: 1\nworkers: 1\n');
  const config = await loadConfig(file);
  const { ca } = await openCertificateAuthority(config.ca);
  const { log, said } = serviceRecorder();
  const all: OperationsParts['served'] = {
    overview: { workers: { wanted: 3, listening: 2 } },
    addresses: [{ address: '127.0.0.1', port: 1 }],
    ca,
    caCreated: true,
    activity: async () => IDLE,
    count: async () => 4,
    reload: async () => undefined,
    reopenLogs: async () => undefined,
    stopAccepting: async () => 4,
    close: async () => undefined,
    ...served,
  };
  let stopping = false;
  const made = new Operations({
    served: all,
    config,
    service: log,
    version: '1.2.3',
    workers: 1,
    isStopping: () => stopping,
    stop: async () => {
      stopping = true;
      return 3;
    },
    ...parts,
  });
  const audit = () => readFileSync(join(folder, 'log/audit.log'), 'utf8');
  return { made, file, audit, said };
}

test('the state is that of the proxy, and of the last reload', async () => {
  const { made, file } = await operations();
  expect(await made.status()).toMatchObject({
    pid: process.pid,
    version: '1.2.3',
    config: file,
    state: 'running',
    generation: 1,
    addresses: [{ address: '127.0.0.1', port: 1 }],
    workers: 3,
    connections: 4,
  });
  expect((await made.status()).reload).toBeUndefined();
  await made.reload('me');
  expect(await made.status()).toMatchObject({ generation: 2, reload: { ok: true, by: 'me', changed: [] } });
  await made.drain('me', 10);
  expect((await made.status()).state).toBe('draining');
});

test('a squid.conf that is used anew is warned of as at a start, and one that is refused is not', async () => {
  let isRefused = true;
  const { made, file, said } = await operations({
    reload: async () => {
      if (isRefused) throw new ProxyError('trust-unusable', 'roots.pem');
    },
  });
  const lines = ['http_port 127.0.0.1:0 ssl-bump cert=ca.pem', 'ssl_bump bump all', 'sslproxy_cert_error allow all'];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const warned = () => said.filter(({ fields }) => fields['directive'] === 'sslproxy_cert_error');
  expect(await made.reload('me')).toMatchObject({ ok: false });
  expect(warned()).toEqual([]);
  isRefused = false;
  expect(await made.reload('me')).toMatchObject({ ok: true });
  expect(warned()).toEqual([
    {
      level: 'warn',
      fields: { line: 'c.yaml:3', directive: 'sslproxy_cert_error', do: expect.stringContaining('upstream.trust') },
      message: expect.stringContaining('cannot be verified are refused'),
    },
  ]);
});

test('what cannot be used leaves the generation as it was, and is told with its code', async () => {
  const { made, said } = await operations({
    reload: async () => {
      throw new ProxyError('trust-unusable', 'roots.pem');
    },
  });
  const refused = { ok: false, code: 'trust-unusable', error: 'roots.pem' };
  expect(await made.reload('me')).toEqual(refused);
  expect(await made.status()).toMatchObject({ generation: 1, reload: refused });
  expect(said.map(({ level, fields }) => [level, fields['error']])).toEqual([['error', 'roots.pem']]);
});

test('one reload comes after the other, and each reads the file as it is then', async () => {
  const order: string[] = [];
  const { made, file } = await operations({
    reload: async (config) => {
      order.push(`begin ${config.via}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`end ${config.via}`);
    },
  });
  writeFileSync(file, 'version: 1\nworkers: 1\nvia: one\n');
  const first = made.reload('me').then(() => writeFileSync(file, 'version: 1\nworkers: 1\nvia: two\n'));
  await first;
  await Promise.all([made.reload('me'), made.reload('me')]);
  expect(order).toEqual(['begin one', 'end one', 'begin two', 'end two', 'begin two', 'end two']);
});

test.each([
  ['admin: { socket: off }', ['admin'], ['admin']],
  ['workers: 2', ['workers'], ['workers']],
  ['log: { service: { level: debug } }', ['log'], ['log.service']],
  ['via: off', ['via'], []],
])('%s: what waits for a restart is told', async (text, changed, waiting) => {
  const { made, file } = await operations();
  writeFileSync(file, `version: 1\n${text.startsWith('workers') ? '' : 'workers: 1\n'}${text}\n`);
  expect(await made.reload('me')).toEqual({ ok: true, generation: 2, changed, waiting });
});

test('a reload and a rotation come one after the other, and the logs that are opened are those of the last config', async () => {
  const order: string[] = [];
  const slowly = async (what: string): Promise<void> => {
    order.push(`begin ${what}`);
    await wait(20);
    order.push(`end ${what}`);
  };
  const { made } = await operations({ reload: () => slowly('reload'), reopenLogs: () => slowly('reopen') });
  await Promise.all([made.reload('me'), made.rotate('me'), made.reload('me')]);
  expect(order.filter((_, at) => at % 2 === 0).map((one) => one.replace('begin', 'end'))).toEqual(
    order.filter((_, at) => at % 2 === 1),
  );
  expect(order.toSorted()).toEqual(
    ['begin reload', 'begin reload', 'begin reopen', 'end reload', 'end reload', 'end reopen'].toSorted(),
  );
});

test('a token that cannot be read refuses a reload, and one that can is in force only when all else is', async () => {
  const told: string[] = [];
  const admin = { prepareToken: async () => () => void told.push('token'), releasePort: () => undefined };
  const reload = async (): Promise<void> => void told.push('reload');
  const { made } = await operations({ reload }, { admin });
  expect(await made.reload('me')).toMatchObject({ ok: true });
  expect(told).toEqual(['reload', 'token']);
  const broken = await operations(
    { reload },
    {
      admin: {
        prepareToken: async () => {
          throw new ProxyError('admin-failed', 'token');
        },
        releasePort: () => undefined,
      },
    },
  );
  expect(await broken.made.reload('me')).toEqual({ ok: false, code: 'admin-failed', error: 'token' });
  expect(told).toEqual(['reload', 'token']);
});

test('the time to finish is that of the config in force', async () => {
  const { made, file } = await operations();
  expect(made.grace).toBe(30_000);
  writeFileSync(file, 'version: 1\nworkers: 1\nlimits: { drainTimeout: 2m }\n');
  await made.reload('me');
  expect(made.grace).toBe(120_000);
});

test('a section that is taken out is told, with what it said (ADM-06)', async () => {
  const { made, file, audit } = await operations();
  writeFileSync(join(file, '../tokens'), '');
  writeFileSync(file, 'version: 1\nworkers: 1\nauth: { tokens: tokens }\n');
  expect(await made.reload('me')).toMatchObject({ changed: ['auth'] });
  writeFileSync(file, 'version: 1\nworkers: 1\n');
  expect(await made.reload('me')).toMatchObject({ changed: ['auth'] });
  const last = JSON.parse(audit().trim().split('\n').at(-1) ?? '');
  expect(last).toMatchObject({
    audit: 'reload',
    by: 'me',
    ok: true,
    changes: [
      { key: 'auth.groups', from: '{}' },
      { key: 'auth.tokens', from: JSON.stringify(join(file, '../tokens')) },
    ],
  });
});

test('a proxy that stops takes no other config', async () => {
  const { made } = await operations();
  await made.drain('me', 0);
  expect(await made.reload('me')).toMatchObject({ ok: false, code: 'shutting-down' });
});

test('an audit log that cannot be written is told, and changes nothing', async () => {
  const { made, said, file } = await operations();
  writeFileSync(file, 'version: 1\nworkers: 1\nlog: { audit: { path: /dev/null/audit.log } }\n');
  expect((await made.reload('me')).ok).toBe(true);
  expect(said.at(-1)).toMatchObject({ level: 'error', message: 'the audit log cannot be written' });
});

test('each change is a line of the audit log that says who (ADM-06)', async () => {
  const { made, audit } = await operations();
  await made.reload('127.0.0.1');
  await made.rotate('SIGUSR1');
  await made.drain('control socket', 5);
  const lines = audit()
    .split('\n')
    .slice(0, -1)
    .map((line): Record<string, unknown> => JSON.parse(line));
  expect(lines.map(({ audit: what, by }) => [what, by])).toEqual([
    ['reload', '127.0.0.1'],
    ['rotate', 'SIGUSR1'],
    ['drain', 'control socket'],
  ]);
});

test('a service manager is told when a reload begins and when it is over, one after the other', async () => {
  const told: string[] = [];
  const manager = {
    reloading: async () => void told.push('reloading'),
    ready: async (status: string) => void told.push(status),
  };
  const { made, file } = await operations({}, { manager });
  const first = made.reload('x');
  writeFileSync(file, 'version: 2\n');
  await Promise.all([first, made.reload('y')]);
  const status = 'serving on 127.0.0.1 port 1';
  expect(told.filter((one) => one === 'reloading')).toHaveLength(2);
  expect([told[0], told[2]]).toEqual(['reloading', 'reloading']);
  expect(told[3]).toBe(`${status}, by the config of before: the new one was refused`);
  // The first may have read the file before it was broken, or after.
  expect(told[1]).toContain(status);
});

test('one that retires gives up its admin port first', async () => {
  const told: string[] = [];
  const admin = { prepareToken: async () => () => undefined, releasePort: () => void told.push('port') };
  const { made } = await operations({}, { admin, stop: async () => told.push('stop') });
  expect(await made.retire('the next', 5)).toEqual({ connections: 2 });
  expect(told).toEqual(['port', 'stop']);
});
