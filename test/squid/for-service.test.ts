import { chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import { Draft } from '../../src/squid/draft.ts';
import { placeInService } from '../../src/squid/for-service.ts';
import { yamlText } from '../../src/squid/yaml-text.ts';

const KEPT = '# The log goes on where it was: from now on the folder, and all that is in it, belongs to the service.';
const AUTHORITY = '# The authority of Squid, in place of our own.';

/** The lines of the drop-in below its head, and the config as the service reads it. */
async function placed(fill: (draft: Draft) => void, folder = '/run/credentials/sallyport.service') {
  const draft = new Draft();
  fill(draft);
  const [head, section, ...lines] = (await placeInService(draft)).trimEnd().split('\n');
  expect([head?.startsWith('# '), section]).toEqual([true, '[Service]']);
  vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const parsed = parseConfig(yamlText(draft, []), '/etc/sallyport/sallyport.yaml');
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join());
  return { lines, config: parsed.config };
}

const authority = (cert: string, key: string) => (draft: Draft) => {
  draft.set('ca', 'cert', cert, []);
  draft.set('ca', 'key', key, []);
};

describe('for the service', () => {
  test('what is written has the places of the unit, and the authority is that of the package', async () => {
    const { lines, config } = await placed((draft) => draft.set('admin', 'socket', '/run/sallyport.sock', []));
    expect(lines).toEqual([]);
    expect(config.admin.socket).toBe('/run/sallyport/sallyport.sock');
    expect(config.rejections).toMatchObject({
      state: '/var/lib/sallyport/exceptions.json',
      audit: '/var/log/sallyport/audit.log',
    });
    expect(config.ca).toEqual({
      cert: '/etc/sallyport/ca.pem',
      key: '/run/credentials/sallyport.service/ca-key.pem',
    });
  });

  test.each([
    [
      'of one file',
      ['/etc/squid/squidCA.pem', '/etc/squid/squidCA.pem'],
      ['LoadCredential=squidCA.pem:/etc/squid/squidCA.pem'],
      { cert: '/c/squidCA.pem', key: '/c/squidCA.pem' },
    ],
    [
      'of two',
      ['/etc/squid/ca.crt', '/etc/squid/private/100%.key'],
      ['LoadCredential=100%%.key:/etc/squid/private/100%%.key', 'LoadCredential=ca.crt:/etc/squid/ca.crt'],
      { cert: '/c/ca.crt', key: '/c/100%.key' },
    ],
    [
      'of two with one name',
      ['/etc/squid/ca.pem', '/etc/squid/private/ca.pem'],
      ['LoadCredential=ca.pem:/etc/squid/private/ca.pem'],
      { cert: '/etc/squid/ca.pem', key: '/c/ca.pem' },
    ],
  ] as const)('an authority %s is handed over', async (_, [cert, key], credentials, ca) => {
    const { lines, config } = await placed(authority(cert, key), '/c');
    expect(lines).toEqual([AUTHORITY, 'LoadCredential=', ...credentials]);
    expect(config.ca).toEqual(ca);
  });

  test('by hand, the authority is where Squid had it', async () => {
    const { config } = await placed(authority('/etc/squid/ca.pem', '/etc/squid/ca.pem'), '');
    expect(config.ca).toEqual({ cert: '/etc/squid/ca.pem', key: '/etc/squid/ca.pem' });
  });

  test('the folders of its logs are opened, each once', async () => {
    const { lines, config } = await placed((draft) => {
      for (const path of ['/var/log/squid/access.log', '/var/log/squid/b.log', '/srv/100%/a.log', 'stdout'])
        draft.add('log', 'access', { path, format: 'squid' }, []);
    });
    expect(lines).toEqual([
      ...[KEPT, 'LogsDirectory=squid'],
      ...['# The user sallyport must be able to write there.', 'ReadWritePaths=/srv/100%%'],
    ]);
    expect(config.log.access).toHaveLength(4);
  });

  test.each([
    ['everybody may read needs nothing', 0o644, /^$/],
    ['a group may read is read as one of it', 0o640, /^# Who may read .*passwd\.,SupplementaryGroups=[1-9]\d*$/],
    [
      'its owner may read is told of',
      0o600,
      /^# The service cannot read the passwords yet: chgrp sallyport \S+passwd;/,
    ],
  ])('a password file that %s', async (_, mode, wanted) => {
    const file = join(mkdtempSync(join(tmpdir(), 'service-')), 'passwd');
    writeFileSync(file, '');
    chmodSync(file, mode);
    // What belongs to root's group is of no use to a service.
    if (process.geteuid?.() === 0) chownSync(file, 0, 4242);
    const { lines } = await placed((draft) => draft.set('auth', 'basic', { htpasswd: file }, []));
    expect(lines.join()).toMatch(wanted);
  });

  test.each([
    [80, ['AmbientCapabilities=CAP_NET_BIND_SERVICE', 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE', 'PrivateUsers=no']],
    [3128, []],
  ])('port %i', async (port, wanted) => {
    const { lines } = await placed((draft) => draft.add('listen', '', { address: '0.0.0.0', port }, []));
    expect(lines.filter((line) => !line.startsWith('#'))).toEqual(wanted);
  });
});
