import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAbsoluteTarget } from '../../src/core/target.ts';
import { compilePolicy } from '../../src/policy/policy.ts';
import { loadConfig, loadNoted, readConfigText } from '../../src/squid/load.ts';

function fileWith(name: string, text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'load-')), name);
  writeFileSync(file, text);
  return file;
}

describe('the config of a proxy', () => {
  test('may be ours', async () => {
    const file = fileWith('a.yaml', 'version: 1\nvia: px\n');
    expect((await loadConfig(file)).via).toBe('px');
    expect((await loadNoted(file)).notes).toEqual([]);
    expect(await readConfigText(file)).toEqual({ yaml: expect.stringContaining('via: px'), notes: [] });
  });

  test('may be a squid.conf, under any name', async () => {
    const text =
      'http_port 3128\nvisible_hostname px\nhttp_access allow localhost\nhttp_access deny all\ncache_mem 8 MB\n';
    const { config, notes } = await loadNoted(fileWith('proxy.conf', text));
    expect([config.via, config.policy.rules.length]).toEqual(['px', 1]);
    expect(notes.map(({ about }) => about)).toContain('cache_mem');
    // Its line in the translation is none of the file.
    expect(config.policy.rules).toEqual([expect.not.objectContaining({ at: expect.anything() })]);
    expect(config.policy.places).toBeUndefined();
    // Nor can what would allow a request stand in it.
    const compiled = compilePolicy(config.policy);
    if (!compiled.ok) throw new Error('it has problems');
    const target = parseAbsoluteTarget('http://a.test/');
    if (!target.ok) throw new Error(target.reason);
    const asked = { client: '10.0.0.1', method: 'GET', target: target.value };
    const denial = compiled.policy.decideRequest(asked);
    if (denial.action !== 'deny') throw new Error('it is allowed');
    const { client, ...request } = asked;
    const mends = compiled.policy.mends(denial, { client, authority: target.value.authority, request });
    expect(mends.map(({ where }) => where)).toEqual([
      'at the end of policy.rules of what "sallyport import proxy.conf" writes',
    ]);
    const read = await readConfigText(fileWith('squid.conf', text));
    expect(read.yaml).toMatch(/^# Made from squid\.conf/);
    expect(read.notes.map(({ about }) => about)).toContain('cache_mem');
  });

  test.each([
    [
      'a directive that is none',
      'http_port 3128\nhtpp_access deny all\n',
      /squid\.conf:2 {2}htpp_access .*did you mean "http_access"/,
    ],
    ['an acl that is not there', 'http_port 3128\nhttp_access allow nobody\n', /there is no acl "nobody"/],
    ['an if that is open', 'http_port 3128\nif true\n', /"if" has no "endif"/],
  ])('is refused with %s', async (_, text, message) => {
    await expect(loadConfig(fileWith('squid.conf', text))).rejects.toMatchObject({
      code: 'config-invalid',
      detail: expect.stringMatching(message),
    });
  });
});
