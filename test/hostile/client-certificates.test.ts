// Our own client certificates: an origin that asks for one gets the one that is configured for it, whatever else is on the
// same address, and nobody's request goes with a certificate that is not for it.

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listening } from '../support/origin.ts';
import { get, startRig, tlsThrough, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const clients = new TestCa('Client Root');
const identity = clients.leaf({ cn: 'ours', extensions: ['extendedKeyUsage=clientAuth'] });
const files = { cert: join(ca.folder, 'ours.pem'), key: join(ca.folder, 'ours-key.pem') };
writeFileSync(files.cert, identity.cert);
writeFileSync(files.key, identity.key, { mode: 0o600 });

/** One server for all names, on one address; it asks everybody. */
async function origin() {
  const handshakes: string[] = [];
  const server = createServer(
    { ...ca.leaf({ san: 'DNS:ok.test,DNS:evil.test,DNS:*.ok.test' }), requestCert: true, rejectUnauthorized: false },
    (request, response) => response.end(`${request.headers.host}`),
  );
  server.on('secureConnection', (socket: TLSSocket) => {
    handshakes.push(`${socket.servername} ${socket.getPeerCertificate()?.subject?.CN ?? 'nobody'}`);
  });
  const one = await listening(server, '127.0.0.1');
  onTestFinished(() => one.close());
  return { port: one.port, handshakes };
}

const HOSTS = { 'ok.test': '127.0.0.1', 'evil.test': '127.0.0.1', 'a.ok.test': '127.0.0.1' };

describe('MTLS-04: an origin that asks for a client certificate', () => {
  test('gets ours where it was configured, and nothing under another name of the same address', async () => {
    const { port, handshakes } = await origin();
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: HOSTS,
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
      clientCertificates: [{ hosts: ['ok.test'], ...files }],
    });
    for (const host of ['evil.test', 'ok.test', 'a.ok.test', 'OK.test.', 'evil.test']) {
      const authority = `${host}:${port}`;
      const servername = host.toLowerCase().replace(/\.$/, '');
      const tls = await tlsThrough(rig.port, authority, {
        ca: rig.ca,
        servername,
        checkServerIdentity: () => undefined,
      });
      expect(await get(tls, authority)).toMatch(/^HTTP\/1\.1 200/);
    }
    expect(new Set(handshakes)).toEqual(new Set(['evil.test nobody', 'ok.test ours', 'a.ok.test nobody']));
  });

  test('gets nothing of ours in a tunnel that passes unread', async () => {
    const { port, handshakes } = await origin();
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: HOSTS,
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', tls: 'splice' }] },
      clientCertificates: [{ hosts: ['ok.test'], ...files }],
    });
    const tls = await tlsThrough(rig.port, `ok.test:${port}`, { ca: ca.root });
    expect(await get(tls, `ok.test:${port}`)).toContain(' 200 ');
    expect(handshakes).toEqual(['ok.test nobody']);
  });
});

describe('POOL-02: connections that go with a client certificate', () => {
  test('serve those clients only whom it is for, whoever came first', async () => {
    const { port, handshakes } = await origin();
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: HOSTS,
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' }] },
      // Not the client of this test: whoever it is for has a connection that waits.
      clientCertificates: [{ hosts: ['ok.test'], clients: ['127.0.0.2'], ...files }],
    });
    const authority = `ok.test:${port}`;
    for (const from of ['127.0.0.2', '127.0.0.1', '127.0.0.2', '127.0.0.1']) {
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, localAddress: from });
      expect(await get(tls, authority)).toContain(' 200 ');
    }
    // One connection each, kept, of every worker that was asked: four requests, and two handshakes where there is one.
    expect(new Set(handshakes)).toEqual(new Set(['ok.test nobody', 'ok.test ours']));
    expect(handshakes.length).toBeLessThanOrEqual(2 * WORKERS);
  });
});
