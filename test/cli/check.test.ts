// What a start would stumble over, told before it does; and what is legal but seldom meant.

import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { check } from '../../src/cli/check.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder } from '../support/program.ts';

const DAY = 24 * 3_600_000;
const RULE = 'rules: [{ name: r, hosts: [a.test], action: allow }]';
const QUIET = `policy: { ${RULE} }`;

interface CaWish {
  readonly age?: number;
  readonly passphrase?: string;
  readonly ca?: string;
}

/** A config without a warning of its own, and its CA. */
function withCa({ age = 0, passphrase, ca = '' }: CaWish = {}): { folder: string; config: string } {
  const made = createCa({ passphrase, now: new Date(Date.now() - age * DAY) });
  const { folder, config } = configFolder(`${QUIET}\nca: { cert: ca.pem, key: ca-key.pem ${ca} }`);
  writeFileSync(join(folder, 'ca.pem'), made.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), made.key, { mode: 0o600 });
  return { folder, config };
}

async function checked(config: string): Promise<{ code: number; out: string; err: string; json: unknown }> {
  const terminal = fakeTerminal();
  const code = await check(terminal, { config });
  const machine = fakeTerminal();
  expect(await check(machine, { config, json: true })).toBe(code);
  return { code, out: terminal.outText(), err: terminal.errText(), json: JSON.parse(machine.outText()) };
}

describe('a config that is valid', () => {
  test('is summed up in one line, and nothing is written', async () => {
    const { folder, config } = configFolder(QUIET);
    const { code, out, err, json } = await checked(config);
    const cert = join(folder, 'certs/ca.pem');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(
      `${config} is valid: 1 rule, default deny, enforce mode; no CA yet, the first start makes ${cert}.\n`,
    );
    const facts = { mode: 'enforce', default: 'deny', rules: 1, warnings: [] };
    expect(json).toEqual({ file: config, valid: true, problems: [], ...facts });
    expect(readdirSync(folder).sort()).toEqual(['proxy.yaml', 'root.pem']);
  });

  test('with a CA says until when', async () => {
    const { out, err } = await checked(withCa().config);
    expect(out).toMatch(/; CA valid until \d{4}-\d\d-\d\d\.\n$/);
    expect(err).toBe('');
  });

  test.each([
    [
      'report mode',
      `{ mode: report, ${RULE} }`,
      ['policy.mode is report: what the policy denies is logged and let through.'],
    ],
    ['default allow', `{ default: allow, ${RULE} }`, ['policy.default is allow: what no rule matches is let through.']],
    ['no rules', '{ rules: [] }', ['policy.rules is empty: everything is denied.']],
    [
      'no rules in report mode',
      '{ mode: report }',
      [expect.stringContaining('policy.mode'), 'policy.rules is empty: everything would be denied.'],
    ],
    ['no rules and default allow', '{ default: allow }', [expect.stringContaining('policy.default')]],
  ])('is warned of, but not failed for, %s', async (_, policy, warnings) => {
    const { code, err, json } = await checked(configFolder(`policy: ${policy}`).config);
    expect(code).toBe(0);
    expect(json).toMatchObject({ valid: true, warnings });
    expect(err.split('\n').length - 1).toBe(warnings.length);
    expect(err).toMatch(/^warning: policy\./);
  });

  test('is warned of a CA that ends soon', async () => {
    const { code, err } = await checked(withCa({ age: 3630 }).config);
    expect(code).toBe(0);
    expect(err).toMatch(/^warning: The CA in .* expires in 1\d days, .*\n$/);
  });
});

test('a squid.conf is warned of as at a start, with its lines', async () => {
  const { folder } = configFolder();
  const config = join(folder, 'squid.conf');
  const lines = ['http_port 127.0.0.1:0 ssl-bump cert=ca.pem', 'http_access allow localhost', 'ssl_bump bump all'];
  writeFileSync(config, `${[...lines, 'sslproxy_cert_error allow all', 'cache_mem 8 MB'].join('\n')}\n`);
  const { code, err, json } = await checked(config);
  expect(code).toBe(0);
  const line = /^squid\.conf:4 {2}sslproxy_cert_error {2}origins that cannot be verified are refused.* \(add the root /;
  expect(json).toMatchObject({ valid: true, warnings: [expect.stringMatching(line)] });
  expect(err.startsWith('warning: squid.conf:4  sslproxy_cert_error  ')).toBe(true);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
});

describe('a file that a start cannot use fails the check', () => {
  const CASES: readonly [what: string, make: () => { folder: string; config: string }, error: RegExp][] = [
    [
      'a key that others may read',
      () => {
        const made = withCa();
        chmodSync(join(made.folder, 'ca-key.pem'), 0o644);
        return made;
      },
      /^error: \S+ca-key\.pem is open to group or others \(mode 0644\); run: chmod 600 \S+ca-key\.pem\n$/,
    ],
    [
      'a password in plain text',
      () => {
        const made = configFolder(`${QUIET}\nauth: { basic: { htpasswd: users } }`);
        writeFileSync(join(made.folder, 'users'), '# users\nalice:hunter2\n');
        return made;
      },
      /^error: \S+users:2: user "alice": its password stands there in plain text, or its hash is damaged; make it anew: htpasswd -B FILE alice\n$/,
    ],
    [
      'a group that there is not',
      () => {
        const made = configFolder(
          'auth: { tokens: t, groupFile: g }\npolicy: { rules: [{ name: a, groups: [ops], action: allow }] }',
        );
        for (const name of ['t', 'g']) writeFileSync(join(made.folder, name), '');
        return made;
      },
      /^error: rule "a" is for the group "ops", which there is not: name its users under auth\.groups or in the file auth\.groupFile\n$/,
    ],
    [
      'no authorities of clients',
      () => configFolder(`${QUIET}\nauth: { clientCertificates: { trust: absent.pem } }`),
      /^error: \S+absent\.pem cannot be read/,
    ],
    [
      'a certificate without its key',
      () => {
        const made = withCa();
        rmSync(join(made.folder, 'ca-key.pem'));
        return made;
      },
      /^error: \S+ca\.pem is there but its key \S+ca-key\.pem is missing; .*\n$/,
    ],
    [
      'a key without its certificate',
      () => {
        const made = withCa();
        rmSync(join(made.folder, 'ca.pem'));
        return made;
      },
      /^error: \S+ca-key\.pem is there but its certificate \S+ca\.pem is missing; .*\n$/,
    ],
    [
      'the key of another certificate',
      () => {
        const made = withCa();
        writeFileSync(join(made.folder, 'ca.pem'), createCa().certificate);
        return made;
      },
      /^error: \S+ca-key\.pem is not the key of the certificate in \S+ca\.pem; .*\n$/,
    ],
    ['an expired CA', () => withCa({ age: 4000 }), /^error: .* has expired on .*; replace it\.\n$/],
    [
      'a wrong passphrase',
      () => {
        const made = withCa({ passphrase: 'right', ca: ', passphraseFile: pass' });
        writeFileSync(join(made.folder, 'pass'), 'wrong\n', { mode: 0o600 });
        return made;
      },
      /^error: \S+ca-key\.pem does not open with the passphrase in \S+pass; correct it\.\n$/,
    ],
    [
      'the password of a parent that is not there',
      () => {
        const parent = '{ name: hq, url: "http://hq.test:3128", user: me, passwordFile: hq.secret }';
        return configFolder(`${QUIET}\nupstream: { trust: [root.pem], parents: [${parent}] }`);
      },
      /^error: The password file \S+hq\.secret cannot be read \(ENOENT.*\); make it readable for this user\.\n$/,
    ],
    [
      'roots that are not there',
      () => configFolder(`${QUIET}\nupstream: { trust: [roots.pem] }`),
      /^error: \S+roots\.pem cannot be read \(ENOENT.*\)\.\n$/,
    ],
  ];

  test.each(CASES)('%s', async (_, make, error) => {
    const { code, out, err, json } = await checked(make().config);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(error);
    expect(json).toMatchObject({ valid: false, problems: [{ message: err.slice('error: '.length).trimEnd() }] });
  });

  test('all of them are told at once', async () => {
    const { folder, config } = withCa();
    chmodSync(join(folder, 'ca-key.pem'), 0o644);
    const { config: other } = configFolder(
      `${QUIET}\nca: { cert: ${folder}/ca.pem, key: ${folder}/ca-key.pem }\nupstream: { trust: [roots.pem] }`,
    );
    expect((await checked(config)).err.match(/^error: /gm)).toHaveLength(1);
    expect((await checked(other)).err.match(/^error: /gm)).toHaveLength(2);
  });
});

describe('a config that is wrong', () => {
  test('is thrown as the report for a person', async () => {
    const { config } = configFolder('policy: { default: denny }');
    await expect(check(fakeTerminal(), { config })).rejects.toMatchObject({
      code: 'config-invalid',
      detail: expect.stringMatching(/proxy\.yaml:3:20 .*policy\.default/),
    });
  });

  test('is JSON with every place for a script', async () => {
    const { config } = configFolder('policy: { default: denny }\nports: 1');
    const terminal = fakeTerminal();
    expect(await check(terminal, { config, json: true })).toBe(3);
    const facts = JSON.parse(terminal.outText());
    expect(facts).toMatchObject({ file: config, valid: false });
    expect(facts.problems).toEqual([
      expect.objectContaining({ line: 3, column: 20, path: 'policy.default', hint: expect.stringContaining('deny') }),
      expect.objectContaining({ line: 4, column: 1, path: 'ports' }),
    ]);
  });

  test('is JSON when there is no file as well', async () => {
    const terminal = fakeTerminal();
    expect(await check(terminal, { config: '/no/such.yaml', json: true })).toBe(3);
    const problems = [{ message: '/no/such.yaml: there is no such file' }];
    expect(JSON.parse(terminal.outText())).toEqual({ file: '/no/such.yaml', valid: false, problems });
  });
});

test('a client certificate for origins is opened as a start would', async () => {
  const { folder, config } = configFolder(
    `${QUIET}\nupstream: { trust: [root.pem], clientCertificates: [{ hosts: [a.test], cert: us.pem, key: us-key.pem }] }`,
  );
  const { code, err } = await checked(config);
  expect(code).toBe(1);
  expect(err).toContain(`${join(folder, 'us.pem')} cannot be read`);
});
