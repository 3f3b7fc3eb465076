import { describe, expect, test } from 'vitest';
import { type ParsedConfig, parseConfig } from '../../src/config/parse-config.ts';

const parse = (text: string): ParsedConfig => parseConfig(text, '/etc/sallyport/proxy.yaml');

function configOf(text: string) {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** `line:column path: message` of each problem. */
function problemsOf(text: string): string[] {
  const parsed = parse(text);
  if (parsed.ok) throw new Error('nothing is wrong');
  return parsed.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

describe('a sound text', () => {
  test('of one line is the design', () => {
    expect(configOf('version: 1')).toEqual({
      file: '/etc/sallyport/proxy.yaml',
      listen: [{ address: '0.0.0.0', port: 3128, names: [] }],
      workers: 'auto',
      admin: {
        socket: '/etc/sallyport/run/sallyport.sock',
        named: false,
        listen: undefined,
        names: [],
        tokenFile: undefined,
        manager: { clients: ['127.0.0.0/8', '::1'] },
      },
      ca: { cert: '/etc/sallyport/certs/ca.pem', key: '/etc/sallyport/certs/ca-key.pem' },
      upstream: { trust: ['system'], crl: [], allowAddresses: [], clientCertificates: [], parents: [], routes: [] },
      resolver: { servers: [], hosts: {}, maxTtl: 300_000 },
      via: 'sallyport',
      http2: true,
      policy: {
        mode: 'enforce',
        default: 'deny',
        connectPorts: [443],
        httpPorts: [80, 443, '1025-65535'],
        tls: 'bump',
        refuse: 'connect',
        onClientCert: 'refuse',
        upgrades: ['websocket'],
        rules: [],
        places: Object.fromEntries(
          ['default', 'connectPorts', 'httpPorts', 'upgrades'].map((key) => [
            key,
            { file: '/etc/sallyport/proxy.yaml', line: 1 },
          ]),
        ),
      },
      onReload: 'keep',
      refusals: {},
      rejections: {
        onReject: 'suggest',
        state: '/etc/sallyport/state/exceptions.json',
        audit: '/etc/sallyport/log/audit.log',
      },
      log: {
        access: [{ path: '/etc/sallyport/log/access.log', format: 'squid' }],
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

  test('says where a relative path starts, and leaves absolute paths and words alone', () => {
    const config = configOf(`
version: 1
ca: { cert: ../ca.pem, key: /run/key.pem, passphraseFile: secrets/pass, previous: old.pem }
upstream: { trust: [system, internal.pem, /opt/roots.pem], crl: [lists/internal.pem, /opt/crl.pem] }
log:
  access: [{ path: stdout }, { path: ./stdout }, { path: /var/log/a.log, format: json }]
`);
    expect(config.ca).toEqual({
      cert: '/etc/ca.pem',
      key: '/run/key.pem',
      passphraseFile: '/etc/sallyport/secrets/pass',
      previous: '/etc/sallyport/old.pem',
    });
    expect(config.upstream.trust).toEqual(['system', '/etc/sallyport/internal.pem', '/opt/roots.pem']);
    expect(config.upstream.crl).toEqual(['/etc/sallyport/lists/internal.pem', '/opt/crl.pem']);
    expect(config.log.access.map(({ path }) => path)).toEqual(['stdout', '/etc/sallyport/stdout', '/var/log/a.log']);
  });

  test('hands the policy its rules as they are written', () => {
    const config = configOf(`
version: 1
tls: { default: splice }
policy:
  mode: report
  refuse: page
  rules:
    - name: api
      clients: [10.20.0.0/16]
      urls: ["https://api.example.com/v2/**"]
      methods: [GET, POST]
      ports: [443, 8000-8999]
      action: allow
      tls: bump
    - { name: never, hosts: [.example.net], action: deny, refuse: connect }
  connectPorts: [443, 8000-8999]
`);
    expect(config.policy).toMatchObject({ mode: 'report', tls: 'splice', refuse: 'page', default: 'deny' });
    expect(config.policy.rules).toEqual([
      {
        name: 'api',
        clients: ['10.20.0.0/16'],
        urls: ['https://api.example.com/v2/**'],
        methods: ['GET', 'POST'],
        ports: [443, '8000-8999'],
        action: 'allow',
        tls: 'bump',
        at: { file: config.file, line: 8 },
      },
      {
        name: 'never',
        hosts: ['.example.net'],
        action: 'deny',
        refuse: 'connect',
        at: { file: config.file, line: 15 },
      },
    ]);
    // What is not set stands where its section does.
    expect(config.policy.places).toEqual({
      default: { file: config.file, line: 4 },
      connectPorts: { file: config.file, line: 16 },
      httpPorts: { file: config.file, line: 4 },
      upgrades: { file: config.file, line: 4 },
    });
  });

  test('knows where a rule stands however it is written', () => {
    const config = configOf(`version: 1
policy:
  rules: [{ name: a, hosts: [a.test], action: allow },
    { name: b,
      hosts: [b.test], action: allow }, { name: c, hosts: [c.test], action: allow },
    # a comment
    {
      name: d, hosts: [d.test], action: allow }]
`);
    expect(config.policy.rules.map(({ name, at }) => `${name}:${at?.line}`)).toEqual(['a:3', 'b:4', 'c:5', 'd:7']);
  });

  test('tells refusals what to say, and where pages stand', () => {
    const config = configOf(`version: 1
contact: it@corp.test
pages: pages
policy:
  rules:
    - { name: a, hosts: [a.test], action: deny, message: "Not here, %a.", redirect: "302:https://help.test/?u=%u" }
`);
    expect(config.refusals).toEqual({ contact: 'it@corp.test', pages: '/etc/sallyport/pages' });
    expect(config.policy.rules[0]).toMatchObject({
      message: 'Not here, %a.',
      redirect: { status: 302, url: 'https://help.test/?u=%u' },
    });
    expect(configOf('version: 1').refusals).toEqual({});
  });

  test.each(['off', 'false', '"off"'])('turns Via off by %s', (word) => {
    const config = configOf(`version: 1\nvia: ${word}`);
    expect(config.via).toBeUndefined();
    expect(Object.keys(config)).toContain('via');
  });

  test('is frozen to its leaves', () => {
    const config = configOf('version: 1\npolicy: { rules: [{ name: a, hosts: [a.example], action: allow }] }');
    const thawed = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(thawed));
    expect(thawed(config)).toBe(false);
  });
});

describe('all that is wrong is told in one run', () => {
  test('syntax that can be read, schema, policy and addresses', () => {
    expect(
      problemsOf(`version: 1
version: 1
tls: { default: bumb }
upstream: { allowAddresses: [10.0.0.0/8, 10.0.0.0/99] }
policy:
  rules:
    - { name: a, action: alow }
`),
    ).toEqual([
      '2:1 version: this key is set twice, first in line 1',
      '3:17 tls.default: expected bump, splice, terminate or tunnel, got "bumb"',
      '7:26 policy.rules[0].action: expected allow or deny, got "alow"',
      expect.stringMatching(/^4:42 upstream\.allowAddresses\[1\]: /),
    ]);
  });

  test('the rules that the schema accepts are judged beside one that it refuses, each at its own place', () => {
    const problems = problemsOf(`version: 1
policy:
  rules:
    - { name: a, action: alow }
    - name: b
      hosts: ["exa mple.com"]
      action: allow
`);
    expect(problems[0]).toBe('4:26 policy.rules[0].action: expected allow or deny, got "alow"');
    expect(problems[1]).toMatch(/^6:15 policy\.rules\[1\]\.hosts\[0\]: /);
    expect(problems).toHaveLength(2);
  });

  test('the rules are judged beside a wrong word and an unknown key of their section', () => {
    const problems = problemsOf(`version: 1
policy:
  default: denny
  mod: report
  rules:
    - { name: a, hosts: ["exa mple.com"], action: allow }
`);
    expect(problems).toHaveLength(3);
    expect(problems[0]).toMatch(/^3:12 policy\.default: /);
    expect(problems[1]).toMatch(/^4:3 policy\.mod: /);
    expect(problems[2]).toMatch(/^6:26 policy\.rules\[0\]\.hosts\[0\]: /);
  });

  test('nothing is said about rules when what they are judged by is wrong itself', () => {
    const text = `version: 1
policy:
  connectPorts: 8443
  rules:
    - { name: a, hosts: [a.example], ports: [8443], action: allow }
`;
    expect(problemsOf(text)).toEqual(['3:17 policy.connectPorts: expected a list of ports, got 8443']);
  });

  test('broken syntax is told alone, since the rest would be told about a guess', () => {
    expect(problemsOf('version: 2\nvia: "me\n')).toEqual(['3:1 : the closing quote is missing']);
  });

  test('a file that is wrong in every line is told in part', () => {
    const text = Array.from({ length: 5_000 }, (_, index) => `key${index}: x`).join('\n');
    expect(problemsOf(text)).toHaveLength(200);
  });
});

test('comments alone lack the version', () => {
  expect(problemsOf('# version: 1\n')).toEqual(['1:1 version: is missing: a config begins with "version: 1"']);
});

test.each([
  ['a list', '- version: 1', 'a list'],
  ['a word', 'version', '"version"'],
])('%s is no config', (_, text, got) => {
  expect(problemsOf(text)).toEqual([`1:1 : expected keys and values, got ${got}`]);
});
