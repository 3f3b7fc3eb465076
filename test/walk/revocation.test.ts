// A client certificate that is revoked while the proxy runs: from the reload on that reads the new list, its client is
// refused on each new connection, whatever it has kept from before, and nobody else is.

import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { constants } from 'node:http2';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { askAdmin } from '../../src/admin/admin-client.ts';
import { CLIENT, type Made, Workshop } from '../support/chain-workshop.ts';
import { ask as askH2 } from '../support/h2.ts';
import { h2ToProxy } from '../support/h2-proxy.ts';
import { httpOrigin, type Origin } from '../support/origin.ts';
import { configFolder, MAIN, startProgram } from '../support/program.ts';
import { type Entry, get, until } from '../support/rig.ts';

/** Connections of each after the reload: with two workers, both have had some, but for once in thousands of runs. */
const TIMES = 12;
const REVOKED = /revoked: the client needs a new one.*CERT_REVOKED/;

const workshop = new Workshop();
let root: Made;
/** The machine whose certificate is revoked, and another. */
let lost: Made;
let other: Made;
let origin: Origin;

beforeAll(async () => {
  root = await workshop.root();
  lost = await workshop.issue(root, { subject: '/CN=vm-12', extensions: CLIENT });
  other = await workshop.issue(root, { subject: '/CN=vm-13', extensions: CLIENT });
  origin = await httpOrigin((_request, response) => void response.end('here'));
});
afterAll(async () => {
  await origin.close();
  workshop.close();
});

interface Running {
  readonly port: number;
  /** PEM of the CA that clients must trust. */
  readonly ca: string;
  /** Puts a list of these in the place of the one before, or a text. */
  use(revoked: readonly Made[] | string): Promise<void>;
  reload(): Promise<{ status: number; answer: unknown }>;
  /** The JSON log, once it has so many lines. */
  entries(count: number): Promise<Entry[]>;
}

async function start(workers: number): Promise<Running> {
  const { folder } = configFolder(
    [
      `workers: ${workers}`,
      `upstream: { trust: [${root.certFile}], allowAddresses: [127.0.0.0/8] }`,
      'resolver: { hosts: { origin.test: 127.0.0.1 } }',
      'auth:',
      '  groups: { vms: [vm-12, vm-13] }',
      `  clientCertificates: { trust: ${root.certFile}, crl: [revoked.pem] }`,
      'policy:',
      '  httpPorts: [1-65535]',
      '  rules: [{ name: machines, hosts: [origin.test], groups: [vms], action: allow }]',
      'log: { access: { format: json } }',
    ].join('\n'),
  );
  const use = async (revoked: readonly Made[] | string): Promise<void> => {
    const list =
      typeof revoked === 'string' ? revoked : readFileSync(await workshop.revocations(root, revoked, false), 'utf8');
    writeFileSync(join(folder, 'revoked.new'), list);
    renameSync(join(folder, 'revoked.new'), join(folder, 'revoked.pem'));
  };
  await use([]);
  const program = startProgram([MAIN, 'run', '--config', join(folder, 'proxy.yaml')], { folder });
  const [, port] = await program.err(/"port":(\d+),"msg":"listening"/);
  const log = join(folder, 'log/access.log');
  const lines = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return {
    port: Number(port),
    ca: readFileSync(join(folder, 'certs/ca.pem'), 'utf8'),
    use,
    reload: async () => {
      const { status, body } = await askAdmin(join(folder, 'run/sallyport.sock'), 'POST', '/v1/reload', 30_000);
      return { status, answer: JSON.parse(body) };
    },
    entries: async (count) => {
      await until(
        () => lines().length >= count,
        `${count} lines`,
        () => lines().join('\n'),
      );
      return lines().map((line): Entry => JSON.parse(line));
    },
  };
}

async function secure({ port, ca }: Running, { cert, key }: Made, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, ca, cert, key, host: '127.0.0.1', ...options });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** A request on a connection of its own: all that comes back, and what the client could resume by. */
async function ask(running: Running, made: Made, options: ConnectionOptions = {}) {
  const socket = await secure(running, made, options);
  let session: Buffer | undefined;
  socket.on('session', (kept: Buffer) => {
    session = kept;
  });
  const reply = await get(socket, `origin.test:${origin.port}`, `http://origin.test:${origin.port}/`);
  return { reply, session, resumed: socket.isSessionReused() };
}

describe.each([1, 2])('a client certificate that is revoked, with %i in "workers"', (workers) => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'MTLS-03: is refused from the reload on, by %s, also where its client would resume a session; another is not',
    async (maxVersion) => {
      const running = await start(workers);
      const first = await ask(running, lost, { maxVersion });
      expect(first.reply).toMatch(/^HTTP\/1\.1 200 [\s\S]*here$/);
      expect((await ask(running, other, { maxVersion })).reply).toMatch(/^HTTP\/1\.1 200 /);
      await running.use([lost]);
      expect(await running.reload()).toEqual({
        status: 200,
        answer: { ok: true, generation: 2, changed: [], waiting: [] },
      });
      const kept = first.session ? { session: first.session } : {};
      for (let at = 0; at < TIMES; at += 1) {
        const again = await ask(running, lost, { maxVersion, ...kept });
        expect(again.reply).toMatch(/^HTTP\/1\.1 403 [\s\S]*client-certificate/);
        expect(again.resumed).toBe(false);
        expect((await ask(running, other, { maxVersion })).reply).toMatch(/^HTTP\/1\.1 200 /);
      }
      const entries = await running.entries(2 + 2 * TIMES);
      const refused = entries.filter(({ error }) => error === 'client-certificate');
      expect(refused).toHaveLength(TIMES);
      for (const entry of refused) {
        expect(entry).toMatchObject({ outcome: 'denied', status: 403, error_detail: expect.stringMatching(REVOKED) });
        expect(entry).not.toHaveProperty('user');
      }
      const served = entries.filter(({ status }) => status === 200).map(({ user }) => user);
      expect(served.sort()).toEqual(['vm-12', ...Array.from({ length: 1 + TIMES }, () => 'vm-13')]);
    },
    60_000,
  );

  test('MTLS-03: is refused to who speaks HTTP/2 by a frame that it can read', async () => {
    const running = await start(workers);
    const head = { ':scheme': 'http', ':authority': `origin.test:${origin.port}`, ':path': '/' };
    const before = await h2ToProxy(running, { cert: lost.cert, key: lost.key });
    expect((await askH2(before, head)).status).toBe(200);
    await running.use([lost]);
    expect((await running.reload()).status).toBe(200);
    const session = await h2ToProxy(running, { cert: lost.cert, key: lost.key });
    const [code, , data] = await once(session, 'goaway');
    expect([code, String(data)]).toEqual([constants.NGHTTP2_INADEQUATE_SECURITY, expect.stringMatching(REVOKED)]);
    expect((await askH2(await h2ToProxy(running, { cert: other.cert, key: other.key }), head)).status).toBe(200);
    // Whose connection was made before is known by it until that ends.
    expect((await askH2(before, head)).status).toBe(200);
  });

  test('MTLS-03: stays refused when the next list cannot be read: the reload fails, and the list before holds', async () => {
    const running = await start(workers);
    await running.use([lost]);
    expect((await running.reload()).status).toBe(200);
    await running.use('no list');
    expect(await running.reload()).toEqual({
      status: 422,
      answer: { ok: false, code: 'trust-unusable', error: expect.stringContaining('revoked.pem') },
    });
    for (let at = 0; at < TIMES; at += 1) {
      expect((await ask(running, lost)).reply).toMatch(/^HTTP\/1\.1 403 [\s\S]*client-certificate/);
      expect((await ask(running, other)).reply).toMatch(/^HTTP\/1\.1 200 /);
    }
  }, 60_000);
});
