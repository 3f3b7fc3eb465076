// Who poses as somebody by a certificate: names made to be misread by rules or in the log, through a whole proxy. What is read
// of a certificate at all is in ../net/client-verifier.test.ts.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { constructed, element, resign } from '../support/der-edit.ts';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { dialProxy, openRig, type Rig, readAll } from '../support/rig.ts';
import { type Pair, TestCa } from '../support/test-ca.ts';

const ca = new TestCa('Clients');
const vm = ca.leaf({ cn: 'vm-12', extensions: ['extendedKeyUsage=clientAuth'] });
let origin: Origin;

/** As `vm`, but of that common name, in UTF-8: openssl makes none of more than 64 characters. */
function called(name: string): Pair {
  const attribute = constructed(0x30, element(0x06, [0x55, 0x04, 0x03]), element(0x0c, Buffer.from(name)));
  const rootKey = createPrivateKey(readFileSync(join(ca.folder, 'root.key')));
  const cert = resign(new X509Certificate(vm.cert).raw, rootKey, (fields) => {
    fields.subject = constructed(0x30, constructed(0x31, attribute));
  });
  return { cert, key: vm.key };
}

/** A request by TLS to the proxy, with this certificate; all that comes back. */
async function ask(rig: Rig, pair: Pair): Promise<string> {
  const tls = connectTls({ socket: await dialProxy(rig.port), ca: rig.ca, host: '127.0.0.1', ...pair });
  tls.on('error', () => undefined);
  onTestFinished(() => void tls.destroy());
  const host = `a.test:${origin.port}`;
  tls.write(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return readAll(tls);
}

describe('MTLS-02: a name that is hard to read', () => {
  const LONGEST = 'x'.repeat(256);
  const NAMES = ['Zo\u00eb', '\u65e5\u672c', 'vm-12, O=admin', 'vm"12', 'vm-12 HIER_NONE/-', '-', LONGEST];
  let rig: Rig;
  let before = 0;
  beforeAll(async () => {
    origin = await httpOrigin((_request, response) => void response.end('here'));
    rig = await openRig({
      hosts: { 'a.test': '127.0.0.1' },
      policy: { rules: [{ name: 'named', hosts: ['a.test'], users: NAMES, action: 'allow' }] },
      auth: {
        groups: {},
        clientCertificates: { trust: [ca.rootFile], crl: [], user: 'cn', mode: 'require' },
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await origin.close();
    rmSync(ca.folder, { recursive: true });
  });
  beforeEach(async () => {
    before = (await rig.entries(0)).length;
  });

  test.each(NAMES)('%j is matched as it stands, and is one field of one line', async (name) => {
    expect(await ask(rig, called(name))).toMatch(/^HTTP\/1\.1 200 [\s\S]*here$/);
    const entries = (await rig.entries(before + 1)).slice(before);
    expect(entries).toMatchObject([{ user: name, rule: 'named', status: 200 }]);
    const [line = '', ...more] = (await rig.lines(before + 1)).slice(before);
    expect([line, more]).toEqual([expect.stringMatching(/^[\x21-\x7e]+(?: [\x21-\x7e]+){6}$/), []]);
    const [user = '', hierarchy] = line.split(' ').slice(4);
    expect([decodeURIComponent(user), hierarchy]).toEqual([name, 'HIER_DIRECT/127.0.0.1']);
    expect(user === '-').toBe(false);
  });

  test.each([
    ['the same letters, spelled with a mark of their own', 'Zoe\u0308'],
    ['other case', 'ZO\u00cb'],
    ['a part of it', 'vm-12'],
    ['all but its last letter', LONGEST.slice(1)],
  ])('%s is another name', async (_name, name) => {
    expect(await ask(rig, called(name))).toMatch(/^HTTP\/1\.1 403 /);
    const entries = (await rig.entries(before + 1)).slice(before);
    expect(entries).toMatchObject([{ user: name, tag: 'TCP_DENIED', outcome: 'denied', status: 403 }]);
    expect(entries[0]?.['rule']).not.toBe('named');
  });

  test('one of 1,000 characters is nobody, however it begins, and does not fill the log', async () => {
    expect(await ask(rig, called('x'.repeat(1_000)))).toMatch(/^HTTP\/1\.1 403 [\s\S]*longer than 256 characters/);
    const entries = (await rig.entries(before + 1)).slice(before);
    expect(entries).toMatchObject([{ error: 'client-certificate', outcome: 'denied', status: 403 }]);
    expect(entries[0]?.['error_detail']).toMatch(/it is longer than 256 characters/);
    expect(entries[0]).not.toHaveProperty('user');
    expect(JSON.stringify(entries)).not.toContain('xx');
    expect((await rig.lines(before + 1)).slice(before)).toEqual([
      'TCP_DENIED/403 N - error:transaction-end-before-headers - HIER_NONE/- text/html',
    ]);
  });
});
