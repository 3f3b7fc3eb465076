import { describe, expect, test } from 'vitest';
import { configSchema, ruleSchema } from '../../src/config/schema.ts';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';

describe('the defaults', () => {
  test('are those of the design', () => {
    expect(configSchema.parse({ version: 1 })).toEqual({
      version: 1,
      listen: [{ address: '0.0.0.0', port: 3128, names: [] }],
      workers: 'auto',
      admin: { names: [], manager: { clients: ['127.0.0.0/8', '::1'] } },
      ca: { cert: 'certs/ca.pem', key: 'certs/ca-key.pem' },
      upstream: { trust: ['system'], crl: [], allowAddresses: [], clientCertificates: [], parents: [], routes: [] },
      resolver: { servers: [], hosts: {}, maxTtl: 5 * 60_000 },
      via: 'sallyport',
      tls: {
        default: 'bump',
        http2: true,
        onClientCert: 'refuse',
        onReject: 'suggest',
        exceptions: 'state/exceptions.json',
      },
      policy: {
        mode: 'enforce',
        default: 'deny',
        connectPorts: [443],
        httpPorts: [80, 443, '1025-65535'],
        refuse: 'connect',
        upgrades: ['websocket'],
        onReload: 'keep',
        rules: [],
      },
      log: {
        access: [{ path: 'log/access.log', format: 'squid' }],
        audit: { path: 'log/audit.log' },
        service: { level: 'info' },
      },
      limits: {
        headerTimeout: 10_000,
        handshakeTimeout: 10_000,
        connectTimeout: 5_000,
        responseTimeout: 60_000,
        bodyTimeout: 60_000,
        keepAliveTimeout: 120_000,
        tunnelIdleTimeout: 300_000,
        drainTimeout: 30_000,
        connections: 'auto',
        connectionsPerClient: 1_000,
        handshakesPerClient: 100,
        mintsPerClient: 50,
        passwordsPerClient: 10,
        idleConnections: 1_024,
        idlePerOrigin: 64,
        slowestBody: 100,
      },
    });
  });

  test('of the limits are those of core, each of them', () => {
    expect(configSchema.parse({ version: 1 }).limits).toEqual(DEFAULT_LIMITS);
  });

  test.each(['upstream', 'ca', 'resolver', 'tls', 'policy', 'log', 'limits'])(
    'of an empty section %s are those of an absent one',
    (section) => {
      expect(configSchema.parse({ version: 1, [section]: {} })).toEqual(configSchema.parse({ version: 1 }));
    },
  );

  test('fill up a listener and an access log of which only a part is given', () => {
    const { listen, log } = configSchema.parse({
      version: 1,
      listen: [{ port: 8080 }, { address: '::1' }],
      log: { access: { format: 'json' } },
    });
    expect(listen).toEqual([
      { address: '0.0.0.0', port: 8080, names: [] },
      { address: '::1', port: 3128, names: [] },
    ]);
    expect(log.access).toEqual([{ path: 'log/access.log', format: 'json' }]);
  });
});

describe('what may be written in two ways', () => {
  test('a transparent listener is one with the usual ports, and false is none', () => {
    const read = (transparent: unknown) => configSchema.parse({ version: 1, listen: [{ transparent }] }).listen[0];
    expect(read(true)?.transparent).toEqual({ httpsPort: 443, httpPort: 80 });
    expect(read({})?.transparent).toEqual({ httpsPort: 443, httpPort: 80 });
    expect(read({ httpsPort: 8443 })?.transparent).toEqual({ httpsPort: 8443, httpPort: 80 });
    expect(read(false)?.transparent).toBeUndefined();
  });

  test('one access log is a list of one, and a list is kept', () => {
    const access = (value: unknown) => configSchema.parse({ version: 1, log: { access: value } }).log.access;
    const one = { path: 'stdout', format: 'json' };
    expect(access(one)).toEqual([one]);
    expect(access([one, {}])).toEqual([one, { path: 'log/access.log', format: 'squid' }]);
    expect(access([])).toEqual([]);
  });

  test('a name has one address or several', () => {
    const hosts = { 'A.Test.': '192.0.2.1', 'b.test': ['192.0.2.2', '2001:DB8::1'] };
    expect(configSchema.parse({ version: 1, resolver: { hosts } }).resolver.hosts).toEqual({
      'a.test': '192.0.2.1',
      'b.test': ['192.0.2.2', '2001:db8::1'],
    });
  });

  test('workers are counted, or left to the machine', () => {
    expect(configSchema.parse({ version: 1, workers: 3 }).workers).toBe(3);
    expect(configSchema.parse({ version: 1, workers: 'auto' }).workers).toBe('auto');
  });
});

describe('names that every object has', () => {
  test.each(['constructor', 'toString', 'hasOwnProperty'])('%s is an unknown key in a section', (key) => {
    const parsed = configSchema.safeParse({ version: 1, policy: { [key]: 1 } });
    expect(parsed.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: [key], path: ['policy'] }]);
  });

  test('a look-up among the hosts finds what was set and nothing else', () => {
    const { hosts } = configSchema.parse({ version: 1, resolver: { hosts: { 'a.test': '::1' } } }).resolver;
    expect(hosts['constructor']).toBeUndefined();
    expect(Object.getPrototypeOf(hosts)).toBeNull();
  });
});

test('an optional key of a rule is absent when it is not given, not undefined', () => {
  const rule = ruleSchema.parse({ name: 'a', action: 'deny' });
  expect(Object.keys(rule)).toEqual(['name', 'action']);
});
