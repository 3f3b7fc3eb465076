// The units: what systemd itself says of them, and whether they and the config of the service mean the same places.

import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EXIT } from '../../src/cli/exit-code.ts';
import { loadConfig } from '../../src/config/load.ts';
import { GRACE } from '../../src/proxy.ts';
import { ROOT } from '../support/program.ts';
import { findTool, run } from '../support/run.ts';

const UNITS = ['sallyport.service', 'sallyport-ca.service', 'sallyport.socket'] as const;
const unit = (name: (typeof UNITS)[number]): string => readFileSync(join(ROOT, 'config/systemd', name), 'utf8');

/** All values of a setting, in the order of the file. */
const settings = (name: (typeof UNITS)[number], key: string): string[] =>
  [...unit(name).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');

/** The config as the service sees it. */
async function serviceConfig() {
  const folder = mkdtempSync(join(tmpdir(), 'service-'));
  const file = join(folder, 'sallyport.yaml');
  copyFileSync(join(ROOT, 'config/service.yaml'), file);
  vi.stubEnv('CREDENTIALS_DIRECTORY', '/run/credentials/sallyport.service');
  onTestFinished(() => void vi.unstubAllEnvs());
  return { folder, config: await loadConfig(file) };
}

describe.skipIf(!findTool('systemd-analyze'))('systemd', () => {
  test('has nothing to say against the units', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'units-'));
    const files = UNITS.map((name) => {
      const file = join(folder, name);
      // Nothing is installed here; what is started must be there all the same.
      writeFileSync(file, unit(name).replaceAll('/usr/bin/sallyport', '/bin/true'));
      return file;
    });
    const { code, out, err } = await run('systemd-analyze', ['verify', '--man=no', ...files], {
      env: { SYSTEMD_UNIT_PATH: `${folder}:` },
    });
    expect({ code, said: `${out}${err}` }).toEqual({ code: 0, said: '' });
  });

  test.each<[(typeof UNITS)[number], number]>([
    ['sallyport.service', 16],
    ['sallyport-ca.service', 12],
  ])('finds little that %s could do beside its work', async (name, tenths) => {
    const file = join(ROOT, 'config/systemd', name);
    const words = ['security', '--no-pager', '--offline=true', `--threshold=${tenths}`, file];
    const { code, out } = await run('systemd-analyze', words);
    expect({ code, verdict: /exposure level.*/.exec(out.toString())?.[0] }).toMatchObject({ code: 0 });
  });
});

describe('the service', () => {
  test('writes in folders that systemd makes for it, and nowhere else', async () => {
    const { config } = await serviceConfig();
    const folders = [
      ['State', '/var/lib'],
      ['Logs', '/var/log'],
      ['Runtime', '/run'],
    ].map(([key, above]) => `${above}/${settings('sallyport.service', `${key}Directory`)[0]}/`);
    const logs = config.log.access.map(({ path }) => path);
    const written = [config.admin.socket, config.rejections.state, config.rejections.audit, ...logs];
    for (const path of written) expect(folders.some((folder) => path?.startsWith(folder))).toBe(true);
    expect(settings('sallyport.service', 'ProtectSystem')).toEqual(['strict']);
  });

  test('has the key of its authority from a credential, and root has it beside the config', async () => {
    const { folder, config } = await serviceConfig();
    const [credential] = settings('sallyport.service', 'LoadCredential');
    expect(credential).toBe('ca-key.pem:/etc/sallyport/private/ca-key.pem');
    expect(config.ca.key).toBe('/run/credentials/sallyport.service/ca-key.pem');
    vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
    const byHand = await loadConfig(config.file);
    expect(byHand.ca).toEqual({ cert: join(folder, 'ca.pem'), key: join(folder, 'private/ca-key.pem') });
    // With a certificate alone there is nothing to make: its key is elsewhere, such as sealed.
    expect(settings('sallyport-ca.service', 'ConditionPathExists')).toEqual(
      [byHand.ca.key, byHand.ca.cert].map((path) => path.replace(folder, '!/etc/sallyport')),
    );
  });

  test('tells of a drop-in for a sealed key: what is said of the plain one goes first', () => {
    const [, dropIn = ''] = /^# \[Service\]\n((?:# \w+=.*\n)+)/m.exec(unit('sallyport.service')) ?? [];
    expect(dropIn.replaceAll('# ', '').split('\n')).toEqual([
      'LoadCredential=',
      'LoadCredentialEncrypted=ca-key.pem:/etc/credstore.encrypted/ca-key.pem',
      '',
    ]);
  });

  test('has the time to finish what is in flight, and only its supervisor is told to', () => {
    expect(Number(settings('sallyport.service', 'TimeoutStopSec')[0]) * 1_000).toBeGreaterThan(GRACE + 5_000);
    expect(settings('sallyport.service', 'KillMode')).toEqual(['mixed']);
  });

  test('is not started again where the next start would end as this one did', () => {
    const [codes] = settings('sallyport.service', 'RestartPreventExitStatus');
    expect(codes?.split(' ').map(Number)).toEqual([EXIT.usage, EXIT.configInvalid]);
  });

  test('may make machine code, which V8 cannot do without, and says so by a child', () => {
    expect(settings('sallyport.service', 'MemoryDenyWriteExecute')).toEqual(['no']);
    expect(settings('sallyport.service', 'Type')).toEqual(['notify']);
    expect(settings('sallyport.service', 'NotifyAccess')).toEqual(['all']);
  });

  test('finds its port in the socket unit', async () => {
    const { config } = await serviceConfig();
    const ports = config.listen.map(({ address, port }) => `${address}:${port}`);
    expect(settings('sallyport.socket', 'ListenStream')).toEqual(ports);
  });

  test('lets private networks out, and nobody else', async () => {
    const { config } = await serviceConfig();
    expect(config.policy).toMatchObject({ mode: 'enforce', default: 'deny' });
    expect(config.policy.rules.filter(({ action, clients }) => action === 'allow' && !clients)).toEqual([]);
  });
});
