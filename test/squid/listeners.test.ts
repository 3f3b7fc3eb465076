import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { AclSet } from '../../src/squid/acl-set.ts';
import { Draft } from '../../src/squid/draft.ts';
import { readListeners } from '../../src/squid/listeners.ts';
import { Notes } from '../../src/squid/note.ts';
import { importLines } from '../support/squid-policy.ts';

/** Both families, where the machine has both. */
const EVERYWHERE = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'))
  ? '::'
  : '0.0.0.0';
const ALL = 'http_access allow all';

describe('http_port and https_port', () => {
  test.each([
    ['http_port 3128', { address: EVERYWHERE, port: 3128 }],
    ['http_port 3128 ipv4', { address: '0.0.0.0', port: 3128 }],
    ['http_port 10.0.0.1:8080', { address: '10.0.0.1', port: 8080 }],
    ['http_port [::1]:8080', { address: '::1', port: 8080 }],
    ['http_port 3129 intercept', { port: 3129, transparent: { httpsPort: 443, httpPort: 80 } }],
    ['https_port 3129 tproxy ssl-bump cert=/x/ca.pem', { port: 3129, transparent: { httpsPort: 443, httpPort: 80 } }],
    ['https_port 3129 tls-cert=/x/server.pem', { port: 3129 }],
  ])('%s', async (line, listener) => {
    const { config } = await importLines(line, ALL);
    expect(config.listen).toMatchObject([listener]);
  });

  test('the authority may be one file or two, and only of a listener that decrypts', async () => {
    const one = await importLines('http_port 3128 ssl-bump cert=/x/ca.pem', ALL);
    expect(one.config.ca).toEqual({ cert: '/x/ca.pem', key: '/x/ca.pem' });
    const two = await importLines('http_port 3128 ssl-bump tls-cert=/x/ca.crt tls-key=/x/ca.key', ALL);
    expect(two.config.ca).toEqual({ cert: '/x/ca.crt', key: '/x/ca.key' });
    const none = await importLines('https_port 3128 tls-cert=/x/server.pem', ALL);
    expect(none.config.ca.cert).not.toBe('/x/server.pem');
  });

  test('who may pass on connections of others is named by addresses', async () => {
    const { config } = await importLines(
      'http_port 3128 require-proxy-header',
      'acl lb src 10.0.0.5 10.0.0.6',
      'proxy_protocol_access allow lb',
      ALL,
    );
    expect(config.listen[0]?.proxyProtocol).toEqual({ from: ['10.0.0.5', '10.0.0.6'] });
    expect((await importLines('http_port 3128 require-proxy-header', ALL)).said).toContain('stricter http_port');
  });

  test('that decrypts is told to those that did not', async () => {
    const { notes } = await importLines(
      'http_port 3128',
      'http_port 3129 ssl-bump cert=/x/ca.pem',
      'https_port 3130',
      ALL,
    );
    const told = notes.filter(({ kind }) => kind === 'unsafe');
    expect(told.map(({ line, about, why }) => `${line} ${about} ${why.slice(0, 37)}`)).toEqual([
      '1 http_port what comes in here is decrypted too, ',
      '3 https_port what comes in here is decrypted too, ',
    ]);
    for (const lines of [['http_port 3128'], ['http_port 3128 ssl-bump cert=/x/ca.pem']])
      expect((await importLines(...lines, ALL)).said.filter((one) => one.startsWith('unsafe'))).toEqual([]);
  });

  test('what is none is told', async () => {
    const accelerated = await importLines('http_port 80 accel vhost', 'http_port 81 defaultsite=a.test', ALL);
    expect(accelerated.said).toContain('lost http_port');
    expect(accelerated.problems).toEqual([
      { file: 'squid.conf', line: 1, message: expect.stringContaining('no listener is left') },
    ]);
    expect((await importLines('http_port 80 accel vhost', 'http_port 3128', ALL)).problems).toEqual([]);
    expect((await importLines('http_port name.example:3128', ALL)).said).toContain('unknown http_port');
    const [draft, notes] = [new Draft(), new Notes()];
    const desk = { draft, notes, acls: new AclSet(), problems: [], absolute: (path: string) => path };
    expect(readListeners([], [], desk)).toEqual({ ports: [3128], names: ['3128'], bumps: false });
  });
});
