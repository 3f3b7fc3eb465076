import { describe, expect, test } from 'vitest';
import { RESTRICTIONS } from '../../src/squid/restrictions.ts';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];

describe('what Squid held back', () => {
  test.each([
    ['request_body_max_size 10 MB', 'unsafe'],
    ['request_body_max_size 0 KB', 'not-needed'],
    ['reply_body_max_size 100 MB all', 'unsafe'],
    ['reply_body_max_size none', 'not-needed'],
    ['url_rewrite_program /usr/bin/squidGuard -c /etc/squidguard.conf', 'unsafe'],
    ['redirect_program /usr/bin/jesred', 'unsafe'],
    ['redirect_program none', 'not-needed'],
    ['icap_enable on', 'unsafe'],
    ['icap_enable off', 'not-needed'],
    ['ecap_enable on', 'unsafe'],
    ['http_reply_access deny all', 'unsafe'],
    ['http_reply_access allow all', 'not-needed'],
    ['sslcrtvalidator_program /usr/bin/check', 'unsafe'],
  ])('%s: %s', async (line, kind) => {
    const { said } = await importLines(...BASE, line);
    const of = said.filter((one) => !/ (?:access_log|logfile_rotate)$/.test(one));
    expect(of).toEqual([`${kind} ${line.split(' ')[0]}`, 'differs http_access']);
    expect(Object.keys(RESTRICTIONS)).toContain(line.split(' ')[0]);
  });

  test.each<[string, string[], string[], string[]]>([
    ['without a line is no protocol', [], [], []],
    ['is who is named', ['websocket allow all', 'OTHER deny all'], ['websocket'], []],
    ['is not for some', ['WebSocket allow near'], [], ['stricter']],
    ['is not for what is behind a denial', ['websocket deny near', 'websocket allow all'], [], ['stricter']],
    ['is none that nobody named', ['spdy/3.1 allow all', 'OTHER allow all'], ['spdy/3.1'], ['stricter']],
    ['is no other HTTP', ['h2c allow all'], [], ['stricter']],
  ])('leaving HTTP %s', async (_, lines, upgrades, kinds) => {
    const own = lines.map((line) => `http_upgrade_request_protocols ${line}`);
    const { config, notes } = await importLines(...BASE, 'acl near src 10.0.0.0/8', ...own);
    expect(config.policy.upgrades).toEqual(upgrades);
    const told = notes.filter(({ about }) => about === 'http_upgrade_request_protocols');
    expect(told.map(({ kind }) => kind)).toEqual(kinds);
  });
});
