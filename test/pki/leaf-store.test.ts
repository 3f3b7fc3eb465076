import { execFile } from 'node:child_process';
import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CertificateAuthority } from '../../src/pki/certificate-authority.ts';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { makeTicketMaster } from '../../src/pki/ticket-keys.ts';
import { CA_KINDS, contextFrom, host, LONGEST_NAME, openCa, temporaryFolder } from './fixtures.ts';
import { sentFor, serve, sessionFrom } from './tls-server.ts';

const DAY = 24 * 3_600_000;
const folder = temporaryFolder();
const run = promisify(execFile);
let ca: CertificateAuthority;

beforeAll(async () => {
  ca = await openCa(folder, 'own');
});

afterEach(() => {
  vi.useRealTimers();
});

/** For comparison: `KeyObject.equals` of two kinds of key leaves an error behind that hits the next TLS socket. */
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

const identity = (name: string, keyType: 'ec' | 'rsa' = 'ec'): LeafIdentity => ({ hosts: [host(name)], keyType });

/** The connection after its handshake; rejects with the reason of a failed one. */
async function shake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: ca.anchor.toString(), servername: 'a.test', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

const PYTHON = `
import socket, ssl, sys
port, host, anchor, version = sys.argv[1:]
context = ssl.create_default_context(cafile=anchor)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
with socket.create_connection(('127.0.0.1', int(port))) as plain:
    with context.wrap_socket(plain, server_hostname=host) as tls:
        print(tls.recv(5).decode(), tls.version(), tls.cipher()[0])
`;

describe.each(CA_KINDS)('a handshake with a leaf of the %s CA', (kind) => {
  test.each(
    (['ec', 'rsa'] as const).flatMap((keyType) => [
      [keyType, 'name.example.test', 'TLSv1_3'] as const,
      [keyType, '192.0.2.7', 'TLSv1_2'] as const,
      [keyType, '[2001:db8::7]', 'TLSv1_3'] as const,
      [keyType, 'xn--bcher-kva.example', 'TLSv1_2'] as const,
      [keyType, '_dmarc.under_score.test', 'TLSv1_3'] as const,
      [keyType, LONGEST_NAME, 'TLSv1_3'] as const,
    ]),
  )('satisfies strict Python: %s %s %s', async (keyType, name, version) => {
    const authority = await cached(kind);
    const anchor = join(folder, `${kind.replace(' ', '-')}.anchor.pem`);
    writeFileSync(anchor, authority.anchor.toString());
    const wanted = identity(name, keyType);
    await using server = await serve(await contextFrom(new LeafStore(authority), wanted));
    const text = wanted.hosts[0]?.text ?? '';
    const { stdout } = await run('python3', ['-c', PYTHON, String(server.port), text, anchor, version]);
    const suite = { TLSv1_3: 'TLS_', TLSv1_2: keyType === 'ec' ? 'ECDHE-ECDSA-' : 'ECDHE-RSA-' }[version];
    expect(stdout).toMatch(new RegExp(`^hello ${version.replace('_', '.')} ${suite}`));
  });

  test('is refused by strict Python under another name, so the check above can fail', async () => {
    const authority = await cached(kind);
    const anchor = join(folder, `${kind.replace(' ', '-')}.other.pem`);
    writeFileSync(anchor, authority.anchor.toString());
    await using server = await serve(await contextFrom(new LeafStore(authority), identity('a.test')));
    const attempt = run('python3', ['-c', PYTHON, String(server.port), 'b.test', anchor, 'TLSv1_3']);
    await expect(attempt).rejects.toThrow('Hostname mismatch');
  });

  test('sends the leaf and the intermediates, never the root', async () => {
    const authority = await cached(kind);
    const sent = await sentFor(await contextFrom(new LeafStore(authority), identity('a.test')), 'a.test');
    const fingerprints = sent.map((each) => each.fingerprint256);
    expect(fingerprints.slice(1)).toEqual(authority.chain.map((each) => each.fingerprint256));
    expect(fingerprints).not.toContain(authority.anchor.fingerprint256);
    expect(fingerprints).toHaveLength(kind === 'intermediate' ? 2 : 1);
  });
});

const opened = new Map<string, Promise<CertificateAuthority>>();
function cached(kind: (typeof CA_KINDS)[number]): Promise<CertificateAuthority> {
  const known = opened.get(kind) ?? openCa(folder, kind);
  opened.set(kind, known);
  return known;
}

describe('the context', () => {
  const refused: readonly [what: string, options: ConnectionOptions][] = [
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }],
    ['key exchange without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
    ['a suite without AEAD', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
    ['a finite-field exchange', { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' }],
  ];
  test.each(refused)('refuses %s', async (_, options) => {
    await using server = await serve(await contextFrom(new LeafStore(ca), identity('a.test', 'rsa')));
    await expect(shake(server.port, options)).rejects.toMatchObject({
      code: expect.stringMatching(/ALERT_(?:PROTOCOL_VERSION|HANDSHAKE_FAILURE)/),
    });
  });

  test('takes the suite that stands first on our list, not on that of the client', async () => {
    await using server = await serve(await contextFrom(new LeafStore(ca), identity('a.test')));
    const client = await shake(server.port, {
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256',
    });
    expect(client.getCipher().name).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    client.destroy();
  });

  test('does not renegotiate', async () => {
    await using server = await serve(await contextFrom(new LeafStore(ca), identity('a.test')));
    const client = await shake(server.port, { maxVersion: 'TLSv1.2' });
    client.on('error', () => {});
    const failed = Promise.withResolvers<Error | null>();
    client.renegotiate({}, (error) => failed.resolve(error));
    client.on('error', failed.resolve);
    expect(await failed.promise).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
    client.destroy();
  });

  test('leaves the key exchange to OpenSSL, which takes the post-quantum one with a client that can', async () => {
    await using server = await serve(await contextFrom(new LeafStore(ca), identity('a.test')));
    const only = await shake(server.port, { ecdhCurve: 'X25519MLKEM768' });
    expect(only.getProtocol()).toBe('TLSv1.3');
    only.destroy();
  });

  test('has a leaf key of the store, not of the CA, and RSA only where it was asked for', async () => {
    const store = new LeafStore(ca);
    const seen = new Map<string, X509Certificate>();
    for (const [name, type] of [
      ['a.test', 'ec'],
      ['b.test', 'ec'],
      ['c.test', 'rsa'],
      ['d.test', 'rsa'],
    ] as const) {
      await using server = await serve(await contextFrom(store, identity(name, type)));
      const client = await shake(server.port, { servername: name });
      const leaf = client.getPeerX509Certificate();
      client.destroy();
      if (!leaf) throw new Error('no certificate');
      expect(leaf.subjectAltName).toBe(`DNS:${name}`);
      expect(leaf.publicKey.asymmetricKeyType).toBe(type);
      expect(pem(leaf.publicKey)).not.toBe(pem(createPublicKey(ca.key)));
      seen.set(name, leaf);
    }
    const key = (name: string): string | undefined => {
      const leaf = seen.get(name);
      return leaf && pem(leaf.publicKey);
    };
    expect(key('a.test')).toBe(key('b.test'));
    expect(key('c.test')).toBe(key('d.test'));
    expect(new Set(['a.test', 'c.test'].map(key)).size).toBe(2);
  });
});

describe('the store', () => {
  test.each(['ec', 'rsa'] as const)('mints once for 200 who ask at the same time (%s) (CACHE-04)', async (keyType) => {
    const store = new LeafStore(ca);
    const contexts = await Promise.all(
      Array.from({ length: 200 }, () => contextFrom(store, identity('a.test', keyType))),
    );
    expect(new Set(contexts).size).toBe(1);
    expect(store.stats).toMatchObject({ hits: 0, misses: 200, mints: 1, size: 1 });
    expect(await contextFrom(store, identity('a.test', keyType))).toBe(contexts[0]);
    expect(store.stats).toMatchObject({ hits: 1, misses: 200, mints: 1, size: 1 });
  });

  test('has one entry for all spellings of a host, and one per key type and host (CACHE-02, CACHE-03)', async () => {
    const store = new LeafStore(ca);
    for (const name of ['OK.test', 'ok.test.', 'ok.test']) await contextFrom(store, identity(name));
    expect(store.stats).toMatchObject({ mints: 1, size: 1 });
    await contextFrom(store, identity('ok.test', 'rsa'));
    await contextFrom(store, identity('x.ok.test'));
    expect(store.stats).toMatchObject({ mints: 3, size: 3 });
  });

  test('holds no more contexts than it may, and lets go of the one that was not asked for longest (CACHE-01)', async () => {
    const store = new LeafStore(ca, { maxEntries: 3 });
    for (const name of ['a', 'b', 'c', 'a', 'd']) await contextFrom(store, identity(name));
    expect(store.stats).toMatchObject({ size: 3, mints: 4, hits: 1 });
    await contextFrom(store, identity('a'));
    expect(store.stats).toMatchObject({ mints: 4, hits: 2 });
    await contextFrom(store, identity('b'));
    expect(store.stats).toMatchObject({ mints: 5, hits: 2, size: 3 });
  });

  test('holds no more bytes than it may', async () => {
    const store = new LeafStore(ca, { maxBytes: 100 * 1024 });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await contextFrom(store, identity(name));
    expect(store.stats.size).toBe(3);
    expect(store.stats.bytes).toBeLessThanOrEqual(100 * 1024);
  });

  test('answers everybody, also when more hosts are asked for at a time than it may hold', async () => {
    const store = new LeafStore(ca, { maxEntries: 2 });
    const names = Array.from({ length: 20 }, (_, index) => `h${index}.test`);
    const contexts = await Promise.all(names.map((name) => contextFrom(store, identity(name, 'rsa'))));
    expect(new Set(contexts).size).toBe(20);
    expect(store.stats).toMatchObject({ size: 2, mints: 20 });
  });

  test('makes a leaf anew after half of its life, on the clock of the wall (CACHE-08)', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const start = Date.now();
    const store = new LeafStore(ca);
    const first = await contextFrom(store, identity('a.test'));
    vi.setSystemTime(start + 22 * DAY);
    expect(await contextFrom(store, identity('a.test'))).toBe(first);
    vi.setSystemTime(start + 24 * DAY);
    expect(await contextFrom(store, identity('a.test'))).not.toBe(first);
    expect(store.stats).toMatchObject({ mints: 2, size: 1 });
  });

  test('signs nothing once the CA has ended, and does not keep that failure', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const start = Date.now();
    const store = new LeafStore(ca);
    vi.setSystemTime(ca.notAfter.getTime() + 1);
    await expect(contextFrom(store, identity('a.test'))).rejects.toMatchObject({ code: 'ca-unusable' });
    expect(store.stats).toMatchObject({ mints: 0, size: 0 });
    vi.setSystemTime(start);
    await contextFrom(store, identity('a.test'));
    expect(store.stats).toMatchObject({ mints: 1, size: 1 });
  });
});

describe('a session ticket', () => {
  const OTHER = 'b.test';

  async function resumes(context: SecureContext, session: Buffer, options: ConnectionOptions): Promise<boolean> {
    await using server = await serve(context);
    const client = await shake(server.port, { session, ...options });
    const reused = client.isSessionReused();
    client.destroy();
    return reused;
  }

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s', (maxVersion) => {
    const only = { maxVersion };

    test('is good at every worker that has the same master, and no other', async () => {
      const ticketMaster = makeTicketMaster();
      const [first, second] = [new LeafStore(ca, { ticketMaster }), new LeafStore(ca, { ticketMaster })];
      const session = await sessionFrom(ca, await contextFrom(first, identity('a.test')), maxVersion);
      expect(await resumes(await contextFrom(second, identity('a.test')), session, only)).toBe(true);
      expect(await resumes(await contextFrom(new LeafStore(ca), identity('a.test')), session, only)).toBe(false);
    });

    test('is good when its context was let go of and made again', async () => {
      const store = new LeafStore(ca, { maxEntries: 1 });
      const session = await sessionFrom(ca, await contextFrom(store, identity('a.test')), maxVersion);
      await contextFrom(store, identity(OTHER));
      expect(await resumes(await contextFrom(store, identity('a.test')), session, only)).toBe(true);
      expect(store.stats.mints).toBe(3);
    });

    test('is worth nothing for another host, another kind of key, or below another CA', async () => {
      const ticketMaster = makeTicketMaster();
      const store = new LeafStore(ca, { ticketMaster });
      const session = await sessionFrom(ca, await contextFrom(store, identity('a.test')), maxVersion);
      expect(await resumes(await contextFrom(store, identity(OTHER)), session, { ...only, servername: OTHER })).toBe(
        false,
      );
      expect(await resumes(await contextFrom(store, identity('a.test', 'rsa')), session, only)).toBe(false);
      const later = { ...ca, fingerprint: 'of another' };
      expect(
        await resumes(await contextFrom(new LeafStore(later, { ticketMaster }), identity('a.test')), session, only),
      ).toBe(false);
    });

    test('is worth nothing once the master is another, and the next one is good', async () => {
      const store = new LeafStore(ca);
      const context = await contextFrom(store, identity('a.test'));
      const session = await sessionFrom(ca, context, maxVersion);
      expect(await resumes(context, session, only)).toBe(true);
      store.renewTickets(makeTicketMaster());
      expect(await resumes(context, session, only)).toBe(false);
      expect(await resumes(context, await sessionFrom(ca, context, maxVersion), only)).toBe(true);
      expect(await contextFrom(store, identity('a.test'))).toBe(context);
    });

    test('that openssl got at one worker is resumed by it at another', async () => {
      const ticketMaster = makeTicketMaster();
      const file = join(folder, `${maxVersion}.session`);
      const ask = async (store: LeafStore, name: string, words: readonly string[]): Promise<string> => {
        await using server = await serve(await contextFrom(store, identity(name)));
        const flag = maxVersion === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
        const asked = run('openssl', [
          's_client',
          '-connect',
          `127.0.0.1:${server.port}`,
          '-servername',
          name,
          flag,
          ...words,
        ]);
        // It reads until it has what the server says, tickets first; then it may leave.
        asked.child.stdout?.on('data', (text: string) => text.includes('hello') && asked.child.stdin?.end());
        return (await asked).stdout;
      };
      const worker = (): LeafStore => new LeafStore(ca, { ticketMaster });
      expect(await ask(worker(), 'a.test', ['-sess_out', file])).toMatch(/^New, TLSv1\.[23]/m);
      expect(await ask(worker(), 'a.test', ['-sess_in', file])).toMatch(/^Reused, TLSv1\.[23]/m);
      expect(await ask(worker(), OTHER, ['-sess_in', file])).toMatch(/^New, TLSv1\.[23]/m);
    });
  });
});
