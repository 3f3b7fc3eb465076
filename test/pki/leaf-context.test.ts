// A context that the store has let go of answers for another host: with nothing of the one before, and never while
// somebody still has it.

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { connect, type SecureContext, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { LeafIdentity } from '../../src/pki/leaf-identity.ts';
import { LeafStore } from '../../src/pki/leaf-store.ts';
import { CA_KINDS, contextFrom, host, openCa, temporaryFolder } from './fixtures.ts';

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

/** A server that answers with the context, until `talk` is over. */
async function serving<T>(secureContext: SecureContext, talk: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((socket) => {
    const tls = new TLSSocket(socket, { isServer: true, secureContext });
    socket.on('error', () => tls.destroy());
    tls.on('error', () => socket.destroy());
    tls.on('secure', () => tls.write('hello'));
    tls.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return await talk(address.port);
  } finally {
    server.close();
  }
}

/** What is sent for the name, in order, as OpenSSL's own client prints it. */
async function sentFor(context: SecureContext, name: string): Promise<X509Certificate[]> {
  return serving(context, async (port) => {
    const words = ['s_client', '-connect', `127.0.0.1:${port}`, '-showcerts', '-servername', name];
    const asked = run('openssl', words);
    asked.child.stdin?.end();
    const { stdout } = await asked;
    const blocks = stdout.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    return blocks.map((block) => new X509Certificate(block));
  });
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
    expect(leafIn(context)).toBe('DNS:a.test');
    ends[1]?.resolve();
    expect(await works[1]).toBe('DNS:a.test');
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
    const options = { host: '127.0.0.1', ca: ca.anchor.toString(), maxVersion };
    const context = await ask(store, 'a.test');
    const session = await serving(context, async (port) => {
      const client = connect({ ...options, port, servername: 'a.test' }).resume();
      const [told]: Buffer[] = await once(client, 'session');
      client.destroy();
      return told;
    });
    // OpenSSL itself resumes nothing under another name: the client goes on to ask for the first one.
    const resumes = (secure: SecureContext) =>
      serving(secure, async (port) => {
        const asked = { ...options, port, servername: 'a.test', checkServerIdentity: () => undefined };
        const client = connect({ ...asked, ...(session ? { session } : {}) });
        await once(client, 'secureConnect');
        const reused = client.isSessionReused();
        client.destroy();
        return reused;
      });
    expect(await resumes(context)).toBe(true);
    await ask(store, 'b.test');
    expect(await ask(store, 'c.test')).toBe(context);
    expect(await resumes(context)).toBe(false);
    // Its own it does.
    await ask(store, 'd.test');
    expect(await ask(store, 'a.test')).toBe(context);
    expect(await resumes(context)).toBe(true);
  });

  test('is left to the collector where Node does not let its leaf be replaced', async () => {
    const store = new LeafStore(await openCa(folder, 'own'), { maxEntries: 1 });
    const first = await ask(store, 'a.test');
    Object.assign(first.context, { setCert: undefined });
    await ask(store, 'b.test');
    const third = await ask(store, 'c.test');
    expect(third).not.toBe(first);
    expect(leafIn(third)).toBe('DNS:c.test');
    expect(leafIn(first)).toBe('DNS:a.test');
  });
});
