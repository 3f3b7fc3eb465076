import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keysAt } from '../../src/config/known-keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { compilePolicy } from '../../src/policy/policy.ts';
import { BROKEN, rules } from './broken-configs.ts';

const ROOT = join(import.meta.dirname, '../..');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-load-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the text, loads it, and gives back the report without the name of the folder; empty when it loads. */
async function reportOf(text: string): Promise<string> {
  const file = join(folder, 'c.yaml');
  writeFileSync(file, text);
  try {
    await loadConfig(file);
    return '';
  } catch (thrown) {
    if (!(thrown instanceof ProxyError) || thrown.code !== 'config-invalid') throw thrown;
    return thrown.detail.replaceAll(`${folder}/`, '');
  }
}

/** Without what the broken configs have for secrets. */
const shown = (line: string): string =>
  line.replace(/me:hunter2(?=@)|(?<=\bpass?word: ).*/g, (secret) => '*'.repeat(secret.length));

describe('a broken config is told by place, message and hint', () => {
  test.each(BROKEN)('%s', async (_, text, ...problems) => {
    const lines = (await reportOf(text)).split('\n');
    const told = lines.flatMap((line, index) => {
      if (!line.startsWith('c.yaml:')) return [];
      const place = /:(\d+):(\d+) /.exec(line) ?? [];
      const [excerpt = '', caret = ''] = lines.slice(index + 1);
      expect(excerpt.trimEnd()).toBe(
        `${place[1]?.padStart(4)} | ${shown(text.split('\n')[Number(place[1]) - 1] ?? '')}`,
      );
      expect(caret.indexOf('^')).toBe('   1 | '.length + Number(place[2]) - 1);
      return [[line, caret.slice(caret.indexOf('^') + 2)]];
    });
    expect(told).toEqual(problems);
    expect(lines).toHaveLength(problems.length * 3);
  });
});

describe('what the policy finds is told at its line', () => {
  test.each<[string, string, RegExp]>([
    [
      'a host pattern that is none',
      rules('    - name: a', '      hosts: [a.example, "b b"]', '      action: allow'),
      /^c\.yaml:5:26 {2}policy\.rules\[0\]\.hosts\[1\] {2}/,
    ],
    [
      'a URL pattern without a scheme',
      rules('    - name: a', '      urls: [api.example.com/v2]', '      action: allow'),
      /^c\.yaml:5:14 {2}policy\.rules\[0\]\.urls\[0\] {2}/,
    ],
    [
      'an upgrade that is never passed on',
      'version: 1\npolicy:\n  upgrades: [websocket, h2c]',
      /^c\.yaml:3:25 {2}policy\.upgrades\[1\] {2}an upgrade to "h2c" is never passed on.*\n.*\n.*leave it out/,
    ],
    [
      'an upgrade of a rule that is no protocol',
      rules('    - { name: a, upgrades: ["web socket"], action: allow }'),
      /^c\.yaml:4:29 {2}policy\.rules\[0\]\.upgrades\[0\] {2}"web socket" is not a protocol/,
    ],
    [
      'a range of clients that is none',
      rules('    - { name: a, clients: [10.0.0.0/40], action: allow }'),
      /^c\.yaml:4:28 {2}policy\.rules\[0\]\.clients\[0\] {2}/,
    ],
    [
      'a URL rule that is spliced',
      rules('    - { name: a, urls: ["https://a.example/**"], action: allow, tls: splice }'),
      /^c\.yaml:4:70 {2}policy\.rules\[0\]\.tls {2}/,
    ],
    [
      'a name twice',
      rules(
        '    - { name: a, hosts: [a.example], action: allow }',
        '    - { name: a, hosts: [b.example], action: allow }',
      ),
      /^c\.yaml:5:15 {2}policy\.rules\[1\]\.name {2}/,
    ],
    [
      'a rule in the shadow of another',
      rules(
        '    - { name: a, hosts: [.example], action: allow }',
        '    - { name: b, hosts: [b.example], action: deny }',
      ),
      /^c\.yaml:5:7 {2}policy\.rules\[1\] {2}/,
    ],
    [
      'a port range upside down',
      'version: 1\npolicy:\n  httpPorts: [80, 90-80]',
      /^c\.yaml:3:19 {2}policy\.httpPorts\[1\] {2}/,
    ],
    [
      'a range to open that is none',
      'version: 1\nupstream: { allowAddresses: [10.0.0.0/8, here] }',
      /^c\.yaml:2:42 {2}upstream\.allowAddresses\[1\] {2}/,
    ],
  ])('%s', async (_, text, head) => {
    const report = await reportOf(text);
    expect(report).toMatch(head);
    expect(report.match(/^c\.yaml:/gm)).toHaveLength(1);
  });
});

test('the report names the file as the caller does', async () => {
  const file = join(folder, 'named.yaml');
  writeFileSync(file, 'version: 9');
  const spelling = relative(process.cwd(), file);
  await expect(loadConfig(spelling)).rejects.toThrow(`${spelling}:1:10  version  expected 1`);
});

test('the config names its file by the absolute path', async () => {
  const file = join(folder, 'absolute.yaml');
  writeFileSync(file, 'version: 1');
  const config = await loadConfig(relative(process.cwd(), file));
  expect(config.file).toBe(file);
  expect(config.ca.cert).toBe(join(folder, 'certs/ca.pem'));
});

test('a file that is not there is told in one sentence', async () => {
  const file = join(folder, 'absent.yaml');
  await expect(loadConfig(file)).rejects.toMatchObject({
    code: 'config-invalid',
    detail: `${file}: there is no such file`,
  });
});

describe('the configs that are shipped', () => {
  const DEFAULT = join(ROOT, 'config/default.yaml');
  const STRICT = join(ROOT, 'config/strict.yaml');

  test('default.yaml blocks nothing and differs from the bare default in mode, rules and paths only', async () => {
    const config = await loadConfig(DEFAULT);
    const bareFile = join(folder, 'bare.yaml');
    writeFileSync(bareFile, 'version: 1');
    const bare = await loadConfig(bareFile);
    expect(config).toEqual({
      ...bare,
      file: DEFAULT,
      admin: { ...bare.admin, socket: join(ROOT, 'run/sallyport.sock'), named: true },
      ca: { cert: join(ROOT, 'certs/ca.pem'), key: join(ROOT, 'certs/ca-key.pem') },
      log: { ...bare.log, access: [{ path: join(ROOT, 'log/access.log'), format: 'squid' }] },
      policy: { ...bare.policy, mode: 'report', rules: config.policy.rules, places: config.policy.places },
      rejections: {
        onReject: 'suggest',
        state: join(ROOT, 'state/exceptions.json'),
        audit: join(ROOT, 'log/audit.log'),
      },
    });
  });

  test('default.yaml shows every key there is', () => {
    const text = readFileSync(DEFAULT, 'utf8');
    const sections = keysAt([]).flatMap((key) => keysAt([key]));
    const deeper = [...keysAt(['policy', 'rules']), ...keysAt(['log', 'access']), ...keysAt(['log', 'service'])];
    const keys = [...keysAt([]), ...sections, ...deeper];
    expect(keys.length).toBeGreaterThan(40);
    expect(keys.filter((key) => !new RegExp(`^[ #]*(?:- )?${key}(?::| {2})`, 'm').test(text))).toEqual([]);
  });

  test('strict.yaml enforces, denies by default, and decrypts but for what it names', async () => {
    const { policy } = await loadConfig(STRICT);
    expect(policy).toMatchObject({ mode: 'enforce', default: 'deny', tls: 'bump' });
    expect(policy.rules.filter(({ tls }) => tls === 'splice').map(({ name }) => name)).toEqual([
      'package-mirrors',
      'azure-monitor',
    ]);
  });

  const AZURE = [
    'global.handler.control.monitor.azure.com',
    'westeurope.handler.control.monitor.azure.com',
    '0f6e3a2c-workspace.ods.opinsights.azure.com',
    'dce-1.westeurope-1.ingest.monitor.azure.com',
    'management.azure.com',
    'westeurope.monitoring.azure.com',
    'global.prod.microsoftmetrics.com',
  ];

  test.each([
    ['default.yaml', DEFAULT],
    ['strict.yaml', STRICT],
  ])('%s never decrypts an Azure Monitor agent', async (_, file) => {
    const { policy: options } = await loadConfig(file);
    const compiled = compilePolicy(options);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    const actions = AZURE.map((host) => {
      const authority = { kind: 'name', host, port: 443 } as const;
      const decision = compiled.policy.decideConnect({ client: '192.0.2.7', authority });
      return [host, decision.action, decision.action === 'allow' ? decision.tls : undefined, decision.rule];
    });
    expect(actions).toEqual(AZURE.map((host) => [host, 'allow', 'splice', 'azure-monitor']));
  });
});

describe('whatever the text, it is a config or a report', () => {
  const sources = ['default', 'strict'].map((name) => readFileSync(join(ROOT, 'config', `${name}.yaml`), 'utf8'));
  // Comments are most of the tour, and a mutation in them proves nothing.
  const bare = sources.map((text) => text.replace(/^ *#.*\n/gm, '').replace(/ +#.*$/gm, ''));
  const nasty = [
    '[',
    '}',
    '{',
    ': ',
    '- ',
    '"',
    "'",
    '*a',
    '&a ',
    '!!set ',
    '\t',
    '\n',
    '\r',
    '\0',
    '|',
    '>',
    '#',
    '%',
    '?',
  ]
    .concat([
      '__proto__',
      'null',
      '~',
      '-1',
      '1e999',
      '.nan',
      '0x',
      '\ud800',
      '\ufeff',
      '<<',
      '---\n',
      '\x85',
      'constructor',
    ])
    .concat(['toString: 1\n', 'é', '💥', '[[[[[[', '0.0.0.0/0', '::', '**', '(a+)+$']);
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat({ max: 40 }),
    put: fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 8 })),
  });

  test('after a thousand mutations', { timeout: 60_000 }, async () => {
    // What has not been mutated is sound, so that the reports below are of the mutations.
    for (const text of bare) expect(await reportOf(text)).toBe('');
    let broken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bare),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (text, mutations) => {
          const mutated = mutations.reduce((current, { at, cut, put }) => {
            const index = Math.floor(at * current.length);
            return current.slice(0, index) + put + current.slice(index + cut);
          }, text);
          const report = await reportOf(mutated);
          if (report !== '') broken += 1;
          expect(report === '' || /^c\.yaml(?::\d+:\d+ {2}|: )\S/.test(report)).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(broken).toBeGreaterThan(500);
  });

  test('at every length of the file', { timeout: 60_000 }, async () => {
    const text = bare[1] ?? '';
    for (let length = 0; length < text.length; length += 5) {
      expect(await reportOf(text.slice(0, length))).toMatch(/^$|^c\.yaml/);
    }
  });
});
