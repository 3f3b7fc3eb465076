// A context that the store has let go of answers for another host: with nothing of the one before, and never while
// somebody still has it.

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { connect, type SecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { readClientTrust } from '../../src/pki/client-trust.ts';
import { LeafContext } from '../../src/pki/leaf-context.ts';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { makeTicketMaster } from '../../src/pki/ticket-keys.ts';
import { TestCa } from '../support/test-ca.ts';
import { CA_KINDS, contextFrom, host, openCa, temporaryFolder } from './fixtures.ts';
import { sentFor, serve, sessionFrom } from './tls-server.ts';

const folder = temporaryFolder();
const run = promisify(execFile);

const identity = (name: string, keyType: 'ec' | 'rsa' = 'ec'): LeafIdentity => ({ hosts: [host(name)], keyType });

function leafIn(secure: SecureContext): string {
  const der: unknown = secure.context.getCertificate();
  if (!(der instanceof Uint8Array)) throw new Error('no certificate');
  return new X509Certificate(der).subjectAltName ?? '';
}

/** Asks for a host; what the store lets go of for it is at hand in the next turn. */
async function ask(store: LeafStore, name: string, keyType?: 'ec' | 'rsa'): Promise<SecureContext> {
  const context = await contextFrom(store, identity(name, keyType));
  await setImmediate();
  return context;
}

type Version = 'TLSv1.2' | 'TLSv1.3';

/** OpenSSL itself resumes nothing under another name: the client goes on to ask for the first one. */
async function resumes(
  ca: CertificateAuthority,
  secure: SecureContext,
  session: Buffer,
  maxVersion: Version,
): Promise<boolean> {
  await using server = await serve(secure);
  const options = { host: '127.0.0.1', port: server.port, ca: ca.anchor.toString(), maxVersion, servername: 'a.test' };
  const client = connect({ ...options, session, checkServerIdentity: () => undefined });
  await once(client, 'secureConnect');
  const reused = client.isSessionReused();
  client.destroy();
  return reused;
}

describe.each(CA_KINDS)('below a CA: %s', (kind) => {
  test.each(['ec', 'rsa'] as const)(
    '%s: the next host gets the context, its own leaf and the same chain',
    async (keyType) => {
      const ca = await openCa(folder, kind);
      const store = new LeafStore(ca, { maxEntries: 1 });
      const used = new Set<SecureContext>();
      for (const name of ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', 'f.test']) {
        const context = await ask(store, name, keyType);
        used.add(context);
        const [leaf, ...chain] = await sentFor(context, name);
        expect(leaf?.subjectAltName).toBe(`DNS:${name}`);
        expect(leaf?.publicKey.asymmetricKeyType).toBe(keyType);
        expect(chain.map((each) => each.fingerprint256)).toEqual(ca.chain.map((each) => each.fingerprint256));
      }
      // One is in the store while the other takes the next leaf.
      expect(used.size).toBe(2);
      expect(store.stats).toMatchObject({ mints: 6, size: 1 });
    },
  );
});

describe('a context that is let go of', () => {
  test('goes to a host of the same kind of key only', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    const first = await ask(store, 'a.test', 'ec');
    const second = await ask(store, 'b.test', 'rsa');
    const third = await ask(store, 'c.test', 'rsa');
    expect(new Set([first, second, third]).size).toBe(3);
    expect(await ask(store, 'd.test', 'rsa')).toBe(second);
    expect(await ask(store, 'e.test', 'ec')).toBe(first);
  });

  test('stays as it is until the last one who has it is done', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const lent = Promise.withResolvers<SecureContext>();
    const works = ends.map(({ promise }) =>
      store.lend(identity('a.test'), async (context) => {
        lent.resolve(context);
        await promise;
        return leafIn(context);
      }),
    );
    const context = await lent.promise;
    const others = [await ask(store, 'b.test'), await ask(store, 'c.test'), await ask(store, 'd.test')];
    expect(others).not.toContain(context);
    ends[0]?.resolve();
    expect(await works[0]).toBe('DNS:a.test');
    expect([await ask(store, 'e.test'), await ask(store, 'f.test')]).not.toContain(context);
    const [sent] = await sentFor(context, 'a.test');
    expect(sent?.subjectAltName).toBe('DNS:a.test');
    ends[1]?.resolve();
    expect(await works[1]).toBe('DNS:a.test');
    // OpenSSL has a turn for the end of a handshake.
    await setImmediate();
    const later = [await ask(store, 'g.test'), await ask(store, 'h.test'), await ask(store, 'i.test')];
    expect(later).toContain(context);
    expect(later.map(leafIn)).not.toContain('DNS:a.test');
  });

  test('is given back also when the work with it fails', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    let context: SecureContext | undefined;
    const work = store.lend(identity('a.test'), async (lent) => {
      context = lent;
      await ask(store, 'b.test');
      throw new Error('no handshake');
    });
    await expect(work).rejects.toThrow('no handshake');
    await setImmediate();
    expect([await ask(store, 'c.test'), await ask(store, 'd.test')]).toContain(context);
  });

  test('is nobody else’s before those have it who have waited for it, whenever the others come', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    await ask(store, 'first.test');
    for (let stride = 0; stride < 8; stride += 1) {
      const names = Array.from({ length: 20 }, (_, index) => `h${stride}-${index}.test`);
      const leaves = await Promise.all(
        names.map(async (name, index) => {
          for (let turn = 0; turn < index * stride; turn += 1) await undefined;
          return store.lend(identity(name), async (context) => {
            await setImmediate();
            return leafIn(context);
          });
        }),
      );
      expect(leaves).toEqual(names.map((name) => `DNS:${name}`));
      await setImmediate();
    }
    expect(store.stats.mints).toBe(161);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes nothing of the host before (%s)', async (maxVersion) => {
    const ca = await openCa(folder, 'own');
    const store = new LeafStore(ca, { maxEntries: 1 });
    const context = await ask(store, 'a.test');
    const session = await sessionFrom(ca, context, maxVersion);
    expect(await resumes(ca, context, session, maxVersion)).toBe(true);
    await ask(store, 'b.test');
    expect(await ask(store, 'c.test')).toBe(context);
    expect(await resumes(ca, context, session, maxVersion)).toBe(false);
    // Its own it does.
    await ask(store, 'd.test');
    expect(await ask(store, 'a.test')).toBe(context);
    expect(await resumes(ca, context, session, maxVersion)).toBe(true);
  });

  test('has the master of its turn when it comes back, also if that has changed meanwhile', async () => {
    const ca = await openCa(folder, 'own');
    const [old, master] = [makeTicketMaster(), makeTicketMaster()];
    const store = new LeafStore(ca, { maxEntries: 1, ticketMaster: old });
    const before = await ask(store, 'a.test');
    await ask(store, 'b.test');
    store.renewTickets(master);
    expect(await ask(store, 'a.test')).toBe(before);
    const session = await sessionFrom(ca, before, 'TLSv1.3');
    const other = new LeafStore(ca, { ticketMaster: master });
    expect(await resumes(ca, await ask(other, 'a.test'), session, 'TLSv1.3')).toBe(true);
    const stale = new LeafStore(ca, { ticketMaster: old });
    expect(await resumes(ca, await ask(stale, 'a.test'), session, 'TLSv1.3')).toBe(false);
  });

  test('may be one whose leaf was past half of its life', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const store = new LeafStore(await openCa(folder, 'own'));
    const first = await ask(store, 'a.test');
    vi.setSystemTime(Date.now() + 24 * 24 * 3_600_000);
    const second = await ask(store, 'a.test');
    expect(second).not.toBe(first);
    expect(await ask(store, 'b.test')).toBe(first);
    expect(leafIn(first)).toBe('DNS:b.test');
  });

  test('asks a client for a certificate as before, and gives it no ticket', async () => {
    const [ca, people] = [await openCa(folder, 'own'), new TestCa('People')];
    const store = new LeafStore(ca, { maxEntries: 1, clients: readClientTrust([people.rootFile], []) });
    const first = await ask(store, 'a.test');
    await ask(store, 'b.test');
    const context = await ask(store, 'c.test');
    expect(context).toBe(first);
    await using server = await serve(context, { requestCert: true, rejectUnauthorized: false });
    const asked = run('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${server.port}`,
      '-servername',
      'c.test',
      '-tls1_2',
    ]);
    asked.child.stdin?.end();
    const { stdout } = await asked;
    expect(stdout).toMatch(/Acceptable client certificate CA names\n.*People/);
    expect(stdout).not.toMatch(/TLS session ticket:/);
  });

  test('is kept for another host only so long as there are few of them', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    /** Forty that are on loan at the same time, and then let go of. */
    const forty = async (round: string): Promise<SecureContext[]> => {
      const end = Promise.withResolvers<void>();
      const contexts: SecureContext[] = [];
      const works: Promise<void>[] = [];
      for (let index = 0; index < 40; index += 1) {
        const lent = Promise.withResolvers<void>();
        const work = store.lend(identity(`${round}${index}.test`), async (context) => {
          contexts.push(context);
          lent.resolve();
          await end.promise;
        });
        works.push(work);
        await lent.promise;
        await setImmediate();
      }
      end.resolve();
      await Promise.all(works);
      await setImmediate();
      return contexts;
    };
    const first = await forty('a');
    expect(new Set(first).size).toBe(40);
    // And the one that was still in the store.
    const again = (await forty('b')).filter((context) => first.includes(context));
    expect(again).toHaveLength(17);
  });

  test('is gone with its store', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    const end = Promise.withResolvers<void>();
    const lent = Promise.withResolvers<SecureContext>();
    const work = store.lend(identity('a.test'), async (context) => {
      lent.resolve(context);
      await end.promise;
    });
    const known = [await lent.promise, await ask(store, 'b.test'), await ask(store, 'c.test')];
    store.clear();
    end.resolve();
    await work;
    await setImmediate();
    await setImmediate();
    for (const name of ['d.test', 'e.test', 'f.test', 'g.test']) expect(known).not.toContain(await ask(store, name));
  });

  test.each([
    ['does nothing', () => undefined],
    [
      'fails',
      () => {
        throw new Error('no memory');
      },
    ],
  ])('is not used where the change of its leaf %s', async (_what, setCert) => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    const first = await ask(store, 'a.test');
    await ask(store, 'b.test');
    Object.assign(first.context, { setCert });
    const third = await ask(store, 'c.test');
    expect(third).not.toBe(first);
    const [sent] = await sentFor(third, 'c.test');
    expect(sent?.subjectAltName).toBe('DNS:c.test');
    for (const name of ['d.test', 'e.test', 'f.test']) expect(await ask(store, name)).not.toBe(first);
  });
});

test.each([{}, { setCert: () => undefined }, undefined, 7])(
  'a context of Node that is not as it was cannot change: %j',
  async (context) => {
    const other = new LeafContext({ context }, 'ec');
    expect(other.canChange).toBe(false);
    expect(other.take({ der: Buffer.of(1), pem: '', ticketKeys: Buffer.alloc(48) })).toBe(false);
    expect(await other.lend(async (secure) => secure.context)).toBe(context);
  },
);
