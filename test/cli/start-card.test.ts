// The card of a start: every line of it can be copied and is true.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startCard } from '../../src/cli/start-card.ts';
import type { Config } from '../../src/config/config.ts';
import type { Endpoint } from '../../src/core/session.ts';
import { type CertificateAuthority, openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import type { PolicyOptions } from '../../src/policy/policy.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { rigConfig } from '../support/rig.ts';

const LAN = '192.0.2.10';
const folder = mkdtempSync(join(tmpdir(), 'my proxy-'));
let ca: CertificateAuthority;

beforeAll(async () => {
  ({ ca } = await openCertificateAuthority(rigConfig(folder).ca));
});

interface Wish {
  readonly addresses?: readonly Endpoint[];
  readonly caCreated?: boolean;
  readonly policy?: Partial<PolicyOptions>;
  readonly log?: Config['log']['access'];
  readonly styled?: boolean;
  /** Whether each listener is transparent. */
  readonly transparent?: readonly boolean[];
}

function card({
  addresses = [],
  caCreated = false,
  policy = {},
  log = [],
  styled = false,
  transparent = [],
}: Wish): string {
  const config = rigConfig(folder, { policy });
  const listen = transparent.map((is) => ({
    address: '0.0.0.0',
    port: 0,
    names: [],
    ...(is ? { transparent: { httpsPort: 443, httpPort: 80 } } : {}),
  }));
  const access = { ...config, listen, log: { ...config.log, access: log } };
  return startCard(fakeTerminal({ styled }), { addresses, ca, caCreated }, access, LAN);
}

const on = (address: string, port = 3128): Endpoint => ({ address, port });

describe('the address to try', () => {
  test('is never that of a transparent listener where there is another', () => {
    const text = card({ addresses: [on('0.0.0.0', 3129), on('0.0.0.0')], transparent: [true, false] });
    expect(text).toContain('0.0.0.0:3129 (transparent), 0.0.0.0:3128\n');
    expect(text).toContain('-x http://127.0.0.1:3128 https://sallyport.internal/\n');
    expect(text).toContain(`export HTTPS_PROXY=http://${LAN}:3128 `);
  });

  test('of a transparent listener alone is one that curl is sent to', () => {
    const text = card({ addresses: [on('0.0.0.0', 3129)], transparent: [true] });
    expect(text).toContain(' --connect-to ::127.0.0.1:3129 https://sallyport.internal/\n');
    expect(text).toContain('Help page, and the CA for clients: http://sallyport.internal/ ');
    expect(text).not.toContain('HTTPS_PROXY');
  });

  test.each([
    ['0.0.0.0', '127.0.0.1:3128', `${LAN}:3128`],
    ['::', '[::1]:3128', `${LAN}:3128`],
    ['10.1.2.3', '10.1.2.3:3128', '10.1.2.3:3128'],
    ['2001:db8::1', '[2001:db8::1]:3128', '[2001:db8::1]:3128'],
  ])('of %s is %s from here and %s from elsewhere', (address, here, elsewhere) => {
    const text = card({ addresses: [on(address)] });
    expect(text).toContain(`-x http://${here} https://sallyport.internal/\n`);
    expect(text).toContain(`Help page, and the CA for clients: http://${here}/ `);
    expect(text).toContain(`export HTTPS_PROXY=http://${elsewhere} HTTP_PROXY=http://${elsewhere}\n`);
  });

  test.each(['127.0.0.1', '::1'])('of %s is none from elsewhere', (address) => {
    const text = card({ addresses: [on(address)] });
    expect(text).toContain('Only this machine can use it');
    expect(text).not.toContain('export');
  });

  test('is that of the listener that others reach, where there are two', () => {
    const text = card({ addresses: [on('127.0.0.1', 3128), on('10.1.2.3', 3129)] });
    expect(text).toContain('-x http://127.0.0.1:3128 ');
    expect(text).toContain('HTTPS_PROXY=http://10.1.2.3:3129 ');
    expect(text).toMatch(/listening +127\.0\.0\.1:3128, 10\.1\.2\.3:3129\n/);
  });
});

test('the CA is named for the shell, with its fingerprint', () => {
  const text = card({ addresses: [on('127.0.0.1')] });
  expect(text).toContain(`curl --cacert '${folder}/ca/ca.pem' -x`);
  expect(text).toContain(ca.anchor.fingerprint256);
  expect(text).toContain(ca.notAfter.toISOString().slice(0, 10));
});

test.each([
  [true, 'CA created'],
  [false, 'CA ready'],
])('a CA that was made now is %s: %s', (caCreated, words) => {
  expect(card({ caCreated })).toContain(words);
});

test.each<[Partial<PolicyOptions>, string]>([
  [{ mode: 'enforce' }, 'enforce: what no rule allows is denied'],
  [{ mode: 'enforce', default: 'allow' }, 'enforce: what a rule denies is denied'],
  [{ mode: 'report' }, 'report: denies nothing, logs what it would deny'],
])('%j reads %s', (policy, words) => {
  expect(card({ policy })).toMatch(new RegExp(`policy +${words}\n`));
});

test('every log is named', () => {
  const log = [
    { path: join(process.cwd(), 'log/access.log'), format: 'squid' },
    { path: 'stdout', format: 'json' },
  ] as const;
  expect(card({ log })).toMatch(/access log +log\/access\.log \(squid\), stdout \(json\)\n/);
});

test('what is to be typed stands out', () => {
  const text = card({ addresses: [on('0.0.0.0')], styled: true });
  expect(text.match(/<cyan>(?:curl|export) .*<\/cyan>/g)).toHaveLength(2);
  expect(text).toContain('<bold>Sallyport is running.</bold>');
});
