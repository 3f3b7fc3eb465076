// Real servers that want a client certificate: nginx, which asks in the handshake and refuses by a reply; openssl and
// Python, which refuse in the handshake, or after it in TLS 1.3.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, h2Through } from '../support/h2.ts';
import { hasNginx, startNginx } from '../support/nginx.ts';
import { get, type RigOptions, startRig, tlsThrough, until } from '../support/rig.ts';
import { findTool } from '../support/run.ts';
import { closedPort } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const OPENSSL = findTool('openssl');
const PYTHON = findTool('python3');
const ca = new TestCa();
const clients = new TestCa('Client Root');
const server = ca.leaf({ san: 'DNS:ok.test' });
const CLIENT = { extensions: ['extendedKeyUsage=clientAuth'] };
const ours = clients.leaf({ cn: 'ours', ...CLIENT });
const theirs = clients.leaf({ cn: 'theirs', ...CLIENT });
const file = (name: string, text: string): string => {
  const path = join(ca.folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const identity = { hosts: ['ok.test'], cert: file('ours.pem', ours.cert), key: file('ours-key.pem', ours.key) };
const serverFiles = { cert: file('server.pem', server.cert), key: file('server-key.pem', server.key) };

const rigFor = (options: RigOptions = {}, onClientCert: 'refuse' | 'splice' = 'refuse') =>
  startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', onClientCert }] },
    ...options,
  });

describe.skipIf(!hasNginx)(`nginx${hasNginx ? '' : ' (skipped: no nginx here)'}`, () => {
  const start = async (verify: 'on' | 'optional', versions: string) => {
    const nginx = await startNginx(server, {
      directives: `ssl_protocols ${versions}; ssl_verify_client ${verify}; ssl_client_certificate ${clients.rootFile};
       location = /who { return 200 "who: $ssl_client_s_dn"; }`,
    });
    onTestFinished(() => nginx.stop());
    return `ok.test:${nginx.port}`;
  };

  test.each(['TLSv1.2', 'TLSv1.3'])('with "optional" goes on, with ours where there is one, %s', async (version) => {
    const authority = await start('optional', version);
    for (const onClientCert of ['refuse', 'splice'] as const) {
      const rig = await rigFor({}, onClientCert);
      for (let i = 0; i < 2; i += 1) {
        const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority, '/who');
        expect(reply).toMatch(/^HTTP\/1\.1 200 [\s\S]*who: $/);
      }
    }
    const rig = await rigFor({ clientCertificates: [identity] });
    const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority, '/who');
    expect(reply).toMatch(/who: CN=ours$/);
  });

  test.each(['TLSv1.2', 'TLSv1.3'])(
    'with "on" refuses by a reply of its own, which passes as it is, %s',
    async (version) => {
      const authority = await start('on', version);
      const rig = await rigFor();
      const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority, '/who');
      expect(reply).toMatch(/^HTTP\/1\.1 400 [\s\S]*No required SSL certificate was sent/);
      const own = await rigFor({ clientCertificates: [identity] });
      expect(await get(await tlsThrough(own.port, authority, { ca: own.ca }), authority, '/who')).toContain(
        'who: CN=ours',
      );
    },
  );
});

const SERVER = `
import ssl, socket, sys
port, cert, key, root, version = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.load_verify_locations(root)
context.verify_mode = ssl.CERT_REQUIRED
context.maximum_version = context.minimum_version = getattr(ssl.TLSVersion, version)
listener = socket.create_server(('127.0.0.1', int(port)))
print('ready', flush=True)
while True:
    raw, _ = listener.accept()
    try:
        with context.wrap_socket(raw, server_side=True) as peer:
            peer.recv(65536)
            body = str(peer.getpeercert()['subject']).encode()
            peer.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s' % (len(body), body))
    except OSError:
        pass
`;

interface Peer {
  readonly name: string;
  readonly program: string | undefined;
  words(port: number, version: '1.2' | '1.3'): string[];
  /** What it says of who has come. */
  readonly knows: (name: string) => RegExp;
  readonly ready: RegExp;
}

const PEERS: readonly Peer[] = [
  {
    name: 'openssl s_server',
    program: OPENSSL,
    words: (port, version) => [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-www', '-cert', serverFiles.cert, '-key', serverFiles.key],
      ...['-CAfile', clients.rootFile, '-Verify', '1', '-verify_return_error', `-tls${version.replace('.', '_')}`],
    ],
    knows: (name) => new RegExp(`Subject: CN ?= ?${name}`),
    ready: /ACCEPT/,
  },
  {
    name: 'Python ssl',
    program: PYTHON,
    words: (port, version) => [
      ...[
        '-c',
        SERVER,
        String(port),
        serverFiles.cert,
        serverFiles.key,
        clients.rootFile,
        `TLSv${version.replace('.', '_')}`,
      ],
    ],
    knows: (name) => new RegExp(`'commonName', '${name}'`),
    ready: /ready/,
  },
];

async function startPeer(
  { program = '', words, ready }: Peer,
  version: '1.2' | '1.3',
  more: readonly string[] = [],
): Promise<string> {
  const port = await closedPort();
  const child: ChildProcess = spawn(program, [...words(port, version), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let said = '';
  const hear = (text: Buffer): void => {
    said += text;
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  await until(
    () => ready.test(said),
    'the server',
    () => said,
    15_000,
  );
  return `ok.test:${port}`;
}

describe.each(PEERS.flatMap((peer) => (['1.2', '1.3'] as const).map((version) => ({ ...peer, peer, version }))))(
  '$name, TLS $version',
  ({ peer, version, program, knows }) => {
    const skipped = program ? '' : ' (skipped: it is not here)';

    test.skipIf(!program)(`is told by a page within a second${skipped}`, async () => {
      const authority = await startPeer(peer, version);
      const rig = await rigFor();
      const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
      const begin = performance.now();
      const reply = await get(tls, authority);
      expect(performance.now() - begin).toBeLessThan(1_000);
      expect(reply).toMatch(/^HTTP\/1\.1 502 [\s\S]*client-cert-required/);
      expect((await rig.entries(2))[1]).toMatchObject({ error: 'client-cert-required', status: 502 });
    });

    test.skipIf(!program)(`sees the client itself where the rule permits${skipped}`, async () => {
      const authority = await startPeer(peer, version);
      const rig = await rigFor({}, 'splice');
      for (let i = 0; i < 2; i += 1) {
        const tls = await tlsThrough(rig.port, authority, { ca: ca.root, ...theirs });
        expect(await get(tls, authority)).toMatch(knows('theirs'));
        // openssl serves one after the other, and waits for the end of each.
        tls.end();
      }
      expect((await rig.entries(2)).map(({ exception }) => exception)).toEqual(['client-cert', 'client-cert']);
    });

    test.skipIf(!program)(`gets the certificate that is configured for it${skipped}`, async () => {
      const authority = await startPeer(peer, version);
      const rig = await rigFor({ clientCertificates: [identity] });
      expect(await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority)).toMatch(knows('ours'));
    });
  },
);

test.skipIf(!OPENSSL).each(['1.2', '1.3'] as const)(
  'openssl that speaks HTTP/2 refuses by an alert, TLS %s',
  async (version) => {
    const [openssl] = PEERS;
    if (!openssl?.program) throw new Error('openssl is needed here');
    const authority = await startPeer(openssl, version, ['-alpn', 'h2']);
    const rig = await rigFor();
    const reply = await ask(await h2Through(rig, authority), { ':path': '/' });
    expect(reply.status).toBe(502);
    expect(String(reply.body)).toMatch(
      /client-cert-required[\s\S]*its TLS alert|its TLS alert[\s\S]*client-cert-required/,
    );
    expect((await rig.entries(2))[1]).toMatchObject({ error: 'client-cert-required', http_version: '2.0' });
  },
);

test.skipIf(!OPENSSL)('openssl that speaks HTTP/2 sees the client itself where the rule permits', async () => {
  const [openssl] = PEERS;
  if (!openssl?.program) throw new Error('openssl is needed here');
  const authority = await startPeer(openssl, '1.3', ['-alpn', 'h2']);
  const rig = await rigFor({}, 'splice');
  const tls = await tlsThrough(rig.port, authority, { ca: ca.root, ...theirs, ALPNProtocols: ['h2'] });
  expect(await get(tls, authority)).toMatch(openssl.knows('theirs'));
  tls.end();
  expect((await rig.entries(1))[0]).toMatchObject({ exception: 'client-cert', tls: 'splice' });
});
