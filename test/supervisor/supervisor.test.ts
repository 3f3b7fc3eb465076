// Several workers behind one port: they are one proxy to whoever looks at it, and a start that fails leaves nothing.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { startProxy } from '../../src/proxy.ts';
import { startSupervised, workersOf } from '../../src/supervisor/supervisor.ts';
import { childrenOf } from '../support/proxy-process.ts';
import { dialProxy, rigConfig, say } from '../support/rig.ts';
import { serviceRecorder } from '../support/service-recorder.ts';
import { closedPort } from '../support/socket-pair.ts';

const { log } = serviceRecorder();

function setting(change: (config: Config, folder: string) => Partial<Config> = () => ({})): Config {
  const folder = mkdtempSync(join(tmpdir(), 'supervised-'));
  const rig = rigConfig(folder);
  const root = join(folder, 'root.pem');
  writeFileSync(root, createCa().certificate);
  const config = { ...rig, workers: 2, upstream: { ...rig.upstream, trust: [root] } };
  return { ...config, ...change(config, folder) };
}

async function start(config: Config) {
  const proxy = await startSupervised(config, log, 2);
  onTestFinished(() => proxy.close(0));
  return { proxy, port: proxy.addresses[0]?.port ?? 0 };
}

describe('the number of workers', () => {
  test.each<[number | 'auto', NodeJS.Platform, number]>([
    [1, 'linux', 1],
    [3, 'linux', 3],
    [3, 'darwin', 3],
    ['auto', 'linux', availableParallelism()],
    ['auto', 'darwin', 1],
  ])('for %s on %s is %i', (workers, platform, expected) => {
    expect(workersOf({ workers }, platform)).toBe(expected);
  });
});

describe('several workers', () => {
  test('are one proxy: one port, one CA, and none of them dials it', async () => {
    const config = setting((_, folder) => ({
      policy: { ...rigConfig(folder).policy, rules: [{ name: 'all', hosts: ['127.0.0.1'], action: 'allow' }] },
    }));
    const { proxy, port } = await start(config);
    expect(proxy.addresses).toEqual([{ address: '127.0.0.1', port }]);
    expect(proxy.caCreated).toBe(true);
    const pem = readFileSync(config.ca.cert, 'utf8');
    for (let at = 0; at < 12; at += 1) {
      expect(await say(port, 'GET /ca.pem HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n')).toContain(pem.trim());
      const own = `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
      expect(await say(port, own)).toMatch(/^HTTP\/1\.1 403 [\s\S]*address-forbidden/);
    }
  });

  test('have the port that was asked for, and leave it to nobody else (REL-13)', async () => {
    const port = await closedPort();
    const config = setting(() => ({ listen: [{ address: '127.0.0.1', port, names: [] }] }));
    const { proxy } = await start(config);
    expect(proxy.addresses).toEqual([{ address: '127.0.0.1', port }]);
    const taken = { code: 'listen-failed', detail: expect.stringContaining(`127.0.0.1:${port} is already in use`) };
    await expect(startSupervised(config, log, 2)).rejects.toMatchObject(taken);
    await expect(startProxy(config, log)).rejects.toMatchObject(taken);
    await proxy.close(0);
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('that nobody wants any more are not even made', async () => {
    const before = childrenOf(process.pid);
    const config = setting();
    await expect(startSupervised(config, log, 2, { abandoned: AbortSignal.abort('not wanted') })).rejects.toBe(
      'not wanted',
    );
    expect(childrenOf(process.pid)).toEqual(before);
    // It had to be read, or made, to the end.
    expect(readFileSync(config.ca.cert, 'utf8')).toContain('END CERTIFICATE');
  });

  test.each<[code: string, change: (config: Config, folder: string) => Partial<Config>]>([
    ['trust-unusable', ({ upstream }) => ({ upstream: { ...upstream, trust: ['/none.pem'] } })],
    [
      'ca-unusable',
      ({ ca }, folder) => {
        writeFileSync(join(folder, 'broken'), 'no PEM');
        return { ca: { ...ca, cert: join(folder, 'broken'), key: join(folder, 'broken') } };
      },
    ],
  ])('that fail to start with %s leave no port open and no process behind', async (code, change) => {
    const port = await closedPort();
    const before = childrenOf(process.pid);
    const config = { ...setting(change), listen: [{ address: '127.0.0.1', port, names: [] }] };
    await expect(startSupervised(config, log, 2)).rejects.toMatchObject({ name: 'ProxyError', code });
    expect(childrenOf(process.pid)).toEqual(before);
    await expect(dialProxy(port)).rejects.toThrow('ECONNREFUSED');
  });
});
