// What a config names and cannot be used is an error that says so; what it names is what is made.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  checkGroups,
  clientTrustOf,
  openAuth,
  openPageStyle,
  policyOf,
  upstreamOf,
} from '../../src/assemble/parts-of.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { rigConfig } from '../support/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'parts-'));
const root = join(folder, 'root.pem');
writeFileSync(root, createCa().certificate);
const config = rigConfig(folder, { trust: [root] });

describe('the parts of a config', () => {
  test('a policy that cannot be compiled is an error with its problems', () => {
    const broken = { ...config, policy: { ...config.policy, connectPorts: ['x'] } };
    expect(() => policyOf(broken)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    expect(policyOf(config)).toBeDefined();
  });

  test('trust that is not there is an error that names it', () => {
    const broken = { ...config, upstream: { ...config.upstream, trust: ['/none.pem'] } };
    expect(() => upstreamOf(broken, () => false)).toThrow(
      expect.objectContaining({ code: 'trust-unusable', detail: expect.stringContaining('/none.pem') }),
    );
    expect(upstreamOf(config, () => false)).toBeDefined();
  });

  test('refusals are by our name in Via, and pages that are not there are an error that names the folder', async () => {
    expect(await openPageStyle({ ...config, via: 'px', refusals: { contact: 'ask@a.test' } })).toMatchObject({
      proxy: 'px',
      contact: 'ask@a.test',
      custom: undefined,
    });
    expect(await openPageStyle({ ...config, via: undefined })).toMatchObject({ proxy: 'sallyport' });
    await expect(openPageStyle({ ...config, refusals: { pages: '/none' } })).rejects.toMatchObject({
      code: 'config-invalid',
      detail: expect.stringContaining('/none'),
    });
  });

  test('clients are asked for a certificate where there is trust for it', () => {
    expect(clientTrustOf(config)).toBeUndefined();
    const clientCertificates = { trust: [root], crl: [], mode: 'request', user: 'cn' } as const;
    expect(clientTrustOf({ ...config, auth: { groups: {}, clientCertificates } })).toBeDefined();
  });

  test('a rule for a group that there is not is an error that names both', async () => {
    const tokens = join(folder, 'tokens');
    writeFileSync(tokens, '');
    const rules = [{ name: 'r', hosts: ['a.test'], groups: ['ops'], action: 'allow' }] as const;
    const withRule = { ...config, auth: { groups: {}, tokens }, policy: { ...config.policy, rules } };
    const unknown = { code: 'auth-unusable', detail: expect.stringContaining('rule "r" is for the group "ops"') };
    await expect(openAuth(withRule)).rejects.toMatchObject(unknown);
    expect(() => checkGroups(withRule, { groupNames: new Set() })).toThrow(expect.objectContaining(unknown));
    expect(checkGroups(withRule, { groupNames: new Set(['ops']) })).toBeUndefined();
  });
});
