import { describe, expect, test } from 'vitest';
import { readManager } from '../../src/squid/manager.ts';
import { importLines } from '../support/squid-policy.ts';

const PORT = 'http_port 3128';
const NET = 'acl net src 10.0.0.0/8';
const USUAL = ['127.0.0.0/8', '::1'];

describe('the manager', () => {
  test.each<[string, string[], string[]]>([
    ['is for this machine where no line is about it', ['http_access allow net', 'http_access deny all'], USUAL],
    [
      'is as usual',
      ['http_access allow localhost manager', 'http_access deny manager', 'http_access allow net'],
      ['127.0.0.1', '::1'],
    ],
    ['is for nobody when it is denied', ['http_access deny manager', 'http_access allow net'], []],
    ['is for who is let in above', ['http_access allow net', 'http_access deny manager'], ['10.0.0.0/8']],
    [
      'is for whom the line says, in old words',
      ['acl manager proto cache_object', 'http_access allow manager net', 'http_access deny manager'],
      ['10.0.0.0/8'],
    ],
    [
      'is for nobody by a list of hosts',
      ['acl a dstdomain a.test', 'http_access allow manager a', 'http_access deny manager'],
      [],
    ],
  ])('%s', async (_, lines, clients) => {
    const { config, yaml } = await importLines(PORT, NET, ...lines);
    expect(config.admin.manager.clients, yaml).toEqual(clients);
    expect(readManager).toHaveLength(4);
  });

  test.each<[string, string[], object, string[]]>([
    ['is told once for all reports', ['secret info', 'other all'], { password: 'other' }, ['unsafe', 'differs']],
    ['is none', ['none all'], {}, []],
    ['may be that there is none to know', ['disable all'], { clients: [] }, []],
    [
      'does not go for what changes nothing here',
      ['disable shutdown', 'secret all'],
      { password: 'secret' },
      ['unsafe', 'differs'],
    ],
  ])('its password %s', async (_, lines, manager, kinds) => {
    const passwords = lines.map((line) => `cachemgr_passwd ${line}`);
    const { config, notes, yaml } = await importLines(PORT, 'http_access allow all', ...passwords);
    expect(config.admin.manager).toEqual({ clients: USUAL, ...manager });
    const told = notes.filter(({ about }) => about === 'cachemgr_passwd');
    expect(told.map(({ kind }) => kind)).toEqual(kinds);
    expect(yaml).not.toMatch(/# .*(?:secret|other)/);
  });
});
