import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DenyInfo } from '../../src/squid/deny-info.ts';
import { importLines } from '../support/squid-policy.ts';

const pages = mkdtempSync(join(tmpdir(), 'pages-'));
writeFileSync(join(pages, 'ERR_OWN'), '<h1>Not here</h1><p>%U</p>');
writeFileSync(join(pages, 'ERR_ACCESS_DENIED'), '<p>%U</p>');

const BASE = [
  'http_port 3128',
  'acl ads dstdomain .ads.test',
  'acl good dstdomain .good.test',
  `error_directory ${pages}`,
  'http_access deny ads',
  'http_access allow good',
  'http_access deny all',
];

describe('deny_info', () => {
  test.each([
    ['http://why.test/?url=%u ads', [{ redirect: { status: undefined, url: 'http://why.test/?url=%u' } }, {}]],
    ['307:https://why.test/ ads', [{ redirect: { status: 307, url: 'https://why.test/' } }, {}]],
    ['ERR_OWN ads', [{ message: 'Not here\n%U' }, {}]],
    ['TCP_RESET ads', [{ tls: 'terminate' }, {}]],
    ['ERR_OWN all', [{}, { message: 'Not here\n%U' }]],
  ])('%s', async (line, [ofAds, ofAll]) => {
    const { config } = await importLines(...BASE, `deny_info ${line}`);
    const denials = config.policy.rules.filter(({ action }) => action === 'deny');
    const find = (text: string) => denials.find(({ name }) => name.endsWith(text));
    if (Object.keys(ofAds ?? {}).length > 0) expect(find('deny ads')).toMatchObject(ofAds ?? {});
    if (Object.keys(ofAll ?? {}).length > 0) expect(find('deny all')).toMatchObject(ofAll ?? {});
    expect(denials.length).toBe(1);
  });

  test('of two lines for one ACL the first holds', async () => {
    const { config } = await importLines(...BASE, 'deny_info http://one.test/ ads', 'deny_info http://two.test/ ads');
    expect(config.policy.rules.flatMap(({ redirect }) => redirect?.url ?? [])).toEqual(['http://one.test/']);
  });

  test.each([
    ['ERR_GONE ads', 'lost deny_info'],
    ['http://%H/ ads', 'lost deny_info'],
    ['http://why.test/ good', 'lost deny_info'],
    ['ERR_ACCESS_DENIED ads', 'not-needed deny_info'],
    ['TCP_RESET ads', 'differs deny_info'],
    ['404:ERR_OWN ads', 'differs deny_info'],
  ])('%s is %s', async (line, note) => {
    expect((await importLines(...BASE, `deny_info ${line}`)).said).toContain(note);
  });

  test('says nothing of a line that allows', async () => {
    const { notes } = await importLines(...BASE);
    expect(notes.filter(({ about }) => about === 'deny_info')).toEqual([]);
    expect(new DenyInfo().wordsFor([])).toBeUndefined();
  });
});
