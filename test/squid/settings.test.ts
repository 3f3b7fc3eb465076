import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/config/duration.ts';
import { SETTINGS } from '../../src/squid/settings.ts';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];

describe('single settings', () => {
  test.each([
    ['connect_timeout 1 minute', 'connectTimeout', '1m'],
    ['shutdown_lifetime 5 seconds', 'drainTimeout', '5s'],
    ['read_timeout 15 minutes', 'responseTimeout', '15m'],
    ['request_timeout 30 seconds', 'headerTimeout', '30s'],
    ['write_timeout 90', 'bodyTimeout', '90s'],
    ['client_idle_pconn_timeout 2 hours', 'keepAliveTimeout', '2h'],
  ] as const)('%s', async (line, key, text) => {
    const { config } = await importLines(...BASE, line);
    const parsed = parseDuration(text);
    expect(config.limits[key]).toBe(parsed.ok && parsed.value);
  });

  test('names, servers, workers and roots', async () => {
    const { config } = await importLines(
      ...BASE,
      'visible_hostname px.example',
      'cache_mgr ask@px.example',
      'dns_nameservers 10.0.0.1',
      'dns_nameservers 10.0.0.2',
      'workers 3',
      'positive_dns_ttl 1 minute',
      'client_ip_max_connections 7',
      'tls_outgoing_options cafile=/x/own.pem crlfile=/x/crl.pem',
    );
    expect(config).toMatchObject({
      via: 'px.example',
      refusals: { contact: 'ask@px.example' },
      workers: 3,
      resolver: { servers: ['10.0.0.1', '10.0.0.2'], maxTtl: 60_000 },
      upstream: { trust: ['system', '/x/own.pem'], crl: ['/x/crl.pem'] },
      limits: { connectionsPerClient: 7 },
    });
    expect((await importLines(...BASE, 'visible_hostname px', 'via off')).config.via).toBeUndefined();
  });

  test.each([
    ['connect_timeout soon', 'unknown connect_timeout'],
    ['dns_nameservers one.example', 'unknown dns_nameservers'],
    ['forwarded_for on', 'differs forwarded_for'],
    ['forwarded_for off', 'not-needed forwarded_for'],
    ['on_unsupported_protocol tunnel all', 'stricter on_unsupported_protocol'],
    ['shutdown_lifetime 0 seconds', 'differs shutdown_lifetime'],
  ])('%s: %s', async (line, note) => {
    expect((await importLines(...BASE, line)).said).toContain(note);
  });

  test('are each of one directive', () => {
    expect(Object.keys(SETTINGS)).toContain('connect_timeout');
  });
});
