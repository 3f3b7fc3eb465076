// Which client certificate goes with which client's requests to which host.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkClientCertificates, UpstreamIdentities } from '../../src/net/upstream-identities.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const pair = ca.leaf({ cn: 'us' });
const folder = mkdtempSync(join(tmpdir(), 'identities-'));
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
writeFileSync(files.cert, pair.cert);
writeFileSync(files.key, pair.key, { mode: 0o600 });
const rest = { trust: [ca.rootFile], crl: [], allowAddresses: [] };

describe('the certificate for a request', () => {
  let identities: UpstreamIdentities | undefined;
  beforeAll(async () => {
    identities = await UpstreamIdentities.open({
      ...rest,
      clientCertificates: [
        { hosts: ['a.test'], clients: ['10.0.0.0/8'], ...files },
        { hosts: ['.test'], clients: ['10.1.0.0/16', '10.2.0.0/16'], ...files },
        { hosts: ['b.test', '*.c.test'], ...files },
      ],
    });
  });

  test.each([
    ['10.0.0.1', 'a.test', 'client certificate 1'],
    ['10.1.0.1', 'a.test', 'client certificate 1'],
    ['192.0.2.1', 'a.test', undefined],
    ['10.1.0.1', 'x.test', 'client certificate 2'],
    ['10.2.0.1', 'b.test', 'client certificate 2'],
    ['10.3.0.1', 'b.test', 'client certificate 3'],
    ['192.0.2.1', 'y.c.test', 'client certificate 3'],
    ['192.0.2.1', 'c.test', undefined],
    ['10.1.0.1', 'a.test.evil', undefined],
    ['', 'a.test', undefined],
  ])('of %s to %s is %s', (client, host, name) => {
    const found = identities?.nameFor(client, { kind: 'name', host, port: 443 });
    expect(found).toBe(name);
    expect(found === undefined || identities?.contextOf(found) !== undefined).toBe(true);
  });

  test('has a context of its own', () => {
    const [first, second] = ['client certificate 1', 'client certificate 2'].map((name) => identities?.contextOf(name));
    expect(first).not.toBe(second);
    expect(identities?.contextOf('client certificate 4')).toBeUndefined();
  });
});

test('without any there is nothing to ask', async () => {
  expect(await UpstreamIdentities.open(rest)).toBeUndefined();
  expect(await UpstreamIdentities.open({ ...rest, clientCertificates: [] })).toBeUndefined();
});

test('files that cannot be used are refused at the start', async () => {
  const opening = UpstreamIdentities.open({
    ...rest,
    clientCertificates: [{ hosts: ['a.test'], ...files, key: '/nowhere' }],
  });
  await expect(opening).rejects.toMatchObject({ code: 'identity-unusable' });
});

test('patterns that are none are told with their place', () => {
  const wrong = [{ hosts: ['ok.test'] }, { hosts: ['ok.test', '*', 'a b'], clients: ['here'] }];
  expect(checkClientCertificates(wrong).map(({ path }) => path.join('.'))).toEqual([
    '1.hosts.2',
    '1.clients.0',
    '1.hosts.1',
  ]);
});
