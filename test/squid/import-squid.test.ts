// Ten configurations of kinds that the documentation of Squid and its users show, in our own words: each imports with the
// decisions and the list that stand here.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importLines, importPolicy, verdictOf } from '../support/squid-policy.ts';

const CONFS = join(import.meta.dirname, 'confs');

interface Case {
  readonly file: string;
  /** Client, URL, method and user where they matter, and the verdict. */
  readonly decisions: readonly (readonly [
    client: string,
    url: string,
    verdict: string,
    method?: string,
    user?: string,
  ])[];
  /** Kind and directive of each note, in the order of the file; those of one directive and kind once. */
  readonly notes: readonly string[];
  /** What else has to stand in the config. */
  readonly holds?: readonly string[];
}

/** Of every log for which nobody says what becomes of it when it cannot be written, and how long its files are kept. */
const UNSAID = ['differs access_log', 'differs logfile_rotate'];

const CASES: readonly Case[] = [
  {
    file: 'five-lines.conf',
    decisions: [
      ['10.0.0.1', 'https://any.example/', 'deny'],
      ['127.0.0.1', 'http://any.example/', 'deny'],
    ],
    notes: [
      'not-needed sslcrtd_program',
      'not-needed sslcrtd_children',
      'differs ssl_bump',
      'unsafe sslproxy_cert_error',
      'stricter http_access',
    ],
    holds: ['cert: /etc/squid/squidCA.pem', 'key: /etc/squid/squidCA.pem', 'default: bump'],
  },
  {
    file: 'distribution.conf',
    decisions: [
      ['127.0.0.1', 'https://any.example/', 'allow, splice'],
      ['127.0.0.1', 'http://any.example/', 'allow'],
      ['::1', 'http://any.example:8080/', 'allow'],
      ['127.0.0.1', 'http://any.example:22/', 'deny'],
      ['127.0.0.1', 'https://any.example:8443/', 'deny'],
      ['10.0.0.1', 'http://any.example/', 'deny'],
    ],
    notes: ['not-needed coredump_dir', 'not-needed refresh_pattern', 'differs http_access'],
    holds: [
      'connectPorts: [443]',
      'httpPorts: [21, 80, 443, "1025-65535"]',
      '# distribution.conf:15  http_access allow localhost',
    ],
  },
  {
    file: 'decrypt-all.conf',
    decisions: [
      ['192.0.2.7', 'https://any.example/', 'allow, bump'],
      ['192.0.2.7', 'http://any.example:22/', 'allow'],
      ['192.0.2.7', 'https://any.example:8443/', 'deny'],
      ['192.0.3.7', 'https://any.example/', 'deny'],
    ],
    notes: ['differs http_port', 'not-needed sslcrtd_program', 'not-needed sslproxy_cert_error', 'not-needed cache'],
    holds: ['cert: /etc/squid/bump.crt', 'key: /etc/squid/bump.key', 'refuse: page'],
  },
  {
    file: 'spare-the-banks.conf',
    decisions: [
      ['10.1.2.3', 'https://www.bank.example/', 'allow, splice'],
      ['10.2.2.3', 'https://www.bank.example/', 'deny'],
      ['10.1.2.3', 'https://tracker.example/', 'close'],
      ['10.1.2.3', 'http://tracker.example/', 'allow'],
      ['10.1.2.3', 'https://any.example/', 'allow, bump'],
      ['10.1.2.3', 'https://files.drop.example/a', 'allow, bump'],
      ['10.1.2.3', 'https://files.drop.example/a', 'deny', 'PUT'],
      ['10.1.2.3', 'http://drop.example/a', 'deny', 'POST'],
    ],
    notes: ['unsafe http_access'],
  },
  {
    file: 'behind-headquarters.conf',
    decisions: [
      ['10.20.3.4', 'https://any.example/', 'allow, splice'],
      ['10.21.3.4', 'https://any.example/', 'deny'],
    ],
    notes: ['unsafe cache_peer', 'not-needed cache_peer', 'not-needed forwarded_for', 'differs http_access'],
    holds: [
      'url: "http://proxy.hq.example:8080"',
      'hosts: [".branch.example"], via: [direct]',
      'via: [hq, spare]',
      'address: 10.20.0.1, port: 3128',
      'via: off',
      'connectTimeout: 30s',
      'responseTimeout: 5m',
      'servers: [10.20.0.2, 10.20.0.3]',
    ],
  },
  {
    file: 'passwords.conf',
    decisions: [
      ['10.0.0.1', 'http://www.hotel.example/', 'allow'],
      ['10.0.0.1', 'http://any.example/', 'ask'],
      ['10.0.0.1', 'http://any.example/', 'allow', 'GET', 'carl'],
      ['10.0.0.1', 'http://www.books.example/', 'deny', 'GET', 'carl'],
      ['10.0.0.1', 'http://www.books.example/', 'allow', 'GET', 'ann'],
      ['10.0.0.1', 'https://www.books.example/', 'allow, splice', 'GET', 'bert'],
    ],
    notes: ['differs auth_param', 'not-needed auth_param', 'unsafe http_access', 'differs http_access'],
    holds: ['htpasswd: /etc/squid/users, realm: Hotel'],
  },
  {
    file: 'office-hours.conf',
    decisions: [
      ['192.168.0.9', 'http://www.work.example/', 'allow'],
      ['192.168.0.9', 'http://www.games.example/', 'deny'],
      ['192.168.1.9', 'http://www.work.example/', 'deny'],
    ],
    notes: ['stricter acl', 'unsafe http_access', 'differs http_access'],
  },
  {
    file: 'allow-list.conf',
    decisions: [
      ['192.168.10.7', 'http://www.supplier.example/x', 'allow'],
      ['192.168.10.7', 'http://supplier.example/x', 'deny'],
      ['192.168.10.7', 'https://a.b.customer.example/', 'allow, bump'],
      ['192.168.11.7', 'http://www.supplier.example/x', 'deny'],
      ['192.168.10.7', 'http://eu.mirror.example/x', 'allow'],
      ['192.168.10.7', 'http://eu.mirror.example/x', 'deny', 'POST'],
      ['192.168.10.7', 'http://notmirror.example/x', 'deny'],
      ['192.168.10.7', 'https://api.example/v2/x/y', 'allow, bump'],
      ['192.168.10.7', 'https://api.example/v1/x', 'deny'],
      ['192.168.10.7', 'http://www.supplier.example:8080/', 'deny'],
    ],
    notes: ['differs acl', 'stricter acl', 'lost deny_info'],
    holds: [
      'connectionsPerClient: 20',
      'via: proxy.office.example',
      'contact: "helpdesk@office.example"',
      'redirect: "303:http://intranet.office.example/why?url=%u"',
      'formats: { short: "%ts %>a %ru" }',
      'path: /var/log/squid/short.log, format: short',
      'path: /var/log/squid/access.log, format: squid, unless: { clients: [192.168.10.0/24] }',
    ],
  },
  {
    file: 'agent-gateway.conf',
    decisions: [
      ['10.40.1.1', 'https://x.ods.opinsights.azure.com/', 'allow, splice'],
      ['10.40.1.1', 'https://management.azure.com/', 'allow, splice'],
      ['10.40.1.1', 'https://x.management.azure.com/', 'deny'],
      ['10.40.1.1', 'http://management.azure.com/', 'deny'],
      ['10.41.1.1', 'https://management.azure.com/', 'deny'],
      ['10.40.1.1', 'https://management.azure.com:8443/', 'deny'],
    ],
    notes: ['not-needed cache', 'differs http_access'],
  },
  {
    file: 'redirected.conf',
    decisions: [
      ['192.168.1.5', 'https://any.example/', 'allow, splice'],
      ['192.168.1.5', 'https://x.ads.example/', 'deny'],
      ['192.168.2.5', 'http://any.example/', 'deny'],
    ],
    notes: [
      'unsafe http_access',
      'unsafe http_port',
      'differs http_port',
      'differs https_port',
      'not-needed cache_log',
    ],
    holds: ['port: 3129, transparent: true', 'port: 3130, transparent: true'],
  },
];

describe.each(CASES)('$file', ({ file, decisions, notes, holds = [] }) => {
  test('decides as it did', async () => {
    const { policy } = await importPolicy(join(CONFS, file));
    const decided = decisions.map(([client, url, , method, user]) =>
      verdictOf(policy, { client, url, ...(method ? { method } : {}), ...(user ? { user } : {}) }),
    );
    expect(decided).toEqual(decisions.map(([, , verdict]) => verdict));
  });

  test('says what is not as it was', async () => {
    const imported = await importPolicy(join(CONFS, file));
    const said = [...new Set(imported.notes.map(({ kind, about }) => `${kind} ${about}`))];
    expect(said.sort()).toEqual([...new Set([...notes, ...UNSAID])].sort());
    for (const text of holds) expect(imported.yaml).toContain(text);
    expect(imported.problems).toEqual([]);
  });
});

test.each([
  ['emulate_httpd_log on', [], 'common'],
  ['emulate_httpd_log on', ['access_log /x/a.log'], 'common'],
  ['emulate_httpd_log on', ['access_log /x/a.log squid'], 'squid'],
  ['emulate_httpd_log off', ['access_log /x/a.log'], 'squid'],
])('%s, with %j: %s', async (line, logs, format) => {
  const { config } = await importLines('http_port 3128', 'http_access allow all', line, ...logs);
  expect(config.log.access.map((log) => log.format)).toEqual([format]);
});
