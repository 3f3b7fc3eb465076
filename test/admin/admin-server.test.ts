// Who is answered by the admin server, what is refused, and over which way.

import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { askAdmin } from '../../src/admin/admin-client.ts';
import { AdminServer } from '../../src/admin/admin-server.ts';
import { type AdminRoute, jsonReply } from '../../src/admin/route.ts';
import type { AdminOptions } from '../../src/core/admin-options.ts';
import { readAll } from '../support/rig.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

const TOKEN = 'a-token-of-some-length';

const routes: readonly AdminRoute[] = [
  {
    method: 'GET',
    path: '/open',
    needs: 'nothing',
    answer: async ({ by, query }) => jsonReply({ by, q: query.get('q') }),
  },
  {
    method: 'POST',
    path: '/change',
    needs: 'operator',
    answer: async ({ by, body }) => jsonReply({ by, bytes: body.length }),
  },
  {
    method: 'GET',
    path: '/broken',
    needs: 'nothing',
    answer: async () => {
      throw new Error('a secret of ours');
    },
  },
];

async function open(options: Partial<AdminOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'admin-'));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\nnot this line\n`, { mode: 0o600 });
  const { log, said } = serviceRecorder();
  const all = {
    socket: join(folder, 's'),
    named: true,
    listen: { address: '127.0.0.1', port: 0 },
    tokenFile,
    names: ['proxy.example.com'],
    ...options,
  };
  const admin = await AdminServer.open({ options: all, routes, service: log });
  onTestFinished(() => admin.close());
  return { admin, tokenFile, socket: all.socket ?? '', port: admin.address?.port ?? 0, said, folder };
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  return new Promise<{ status: number; text: string; headers: Readonly<Record<string, unknown>> }>(
    (resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
      asked.once('error', reject).once('response', (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (piece: string) => {
            text += piece;
          })
          .once('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
      });
      asked.end(body);
    },
  );
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

describe('over the control socket', () => {
  test('whoever may open it is an operator, and nobody else may', async () => {
    const { socket } = await open();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await askAdmin(socket, 'POST', '/change', 1_000)).toEqual({
      status: 200,
      body: '{"by":"control socket","bytes":0}\n',
    });
  });

  test('a query goes to the route, and is no part of its path', async () => {
    const { socket } = await open();
    expect((await askAdmin(socket, 'GET', '/open?q=a%20b', 1_000)).body).toBe('{"by":"control socket","q":"a b"}\n');
  });

  test('a fault is told in the service log, and not to whoever asked', async () => {
    const { socket, said } = await open();
    const { status, body } = await askAdmin(socket, 'GET', '/broken', 1_000);
    expect([status, body]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(said.map(({ level, message }) => `${level} ${message}`)).toEqual(['error internal fault of an admin call']);
  });

  test('the path is gone when it is closed', async () => {
    const { admin, socket } = await open();
    await admin.close();
    expect(() => statSync(socket)).toThrow('ENOENT');
  });
});

describe('over TCP', () => {
  test.each<[sentence: string, path: string, asked: Asked, status: number, text: RegExp]>([
    ['what needs nothing is anybody’s', '/open', {}, 200, /"by":"127.0.0.1"/],
    ['HEAD is GET without a body', '/open', { method: 'HEAD' }, 200, /^$/],
    ['a change needs the token', '/change', { method: 'POST' }, 401, /shows a token/],
    ['the token makes an operator', '/change', { method: 'POST', headers: bearer(TOKEN) }, 200, /"by":"127.0.0.1"/],
    ['a wrong one does not', '/change', { method: 'POST', headers: bearer('b-token-of-some-length') }, 401, /shows/],
    ['nor one that begins right', '/change', { method: 'POST', headers: bearer(TOKEN.slice(0, -1)) }, 401, /shows/],
    ['nor one with more behind it', '/change', { method: 'POST', headers: bearer(`${TOKEN}x`) }, 401, /shows/],
    ['nor the second line of the file', '/change', { method: 'POST', headers: bearer('not this line') }, 401, /shows/],
    [
      'nor Basic',
      '/change',
      { method: 'POST', headers: { Authorization: `Basic ${btoa(`:${TOKEN}`)}` } },
      401,
      /shows/,
    ],
    ['what there is not is not found', '/none', {}, 404, /nothing of this name/],
    ['nor is a longer path', '/open/', {}, 404, /nothing of this name/],
    ['a change is not made by GET', '/change', { headers: bearer(TOKEN) }, 405, /Use POST/],
    [
      'nor by a header that overrides it',
      '/change',
      { headers: { 'X-HTTP-Method-Override': 'POST' } },
      405,
      /Use POST/,
    ],
    [
      'a web page is refused (ADM-02)',
      '/open',
      { headers: { Origin: 'http://evil.test' } },
      403,
      /Not from a web page/,
    ],
    [
      'so is a name that leads here (ADM-02)',
      '/open',
      { headers: { Host: 'evil.test:80' } },
      403,
      /by address, or by a name of admin\.names/,
    ],
    ['a name of the config is one of its own', '/open', { headers: { Host: 'Proxy.Example.com:9128' } }, 200, /by/],
    ['localhost is no such name', '/open', { headers: { Host: 'localhost:1' } }, 200, /by/],
    ['an address in brackets is none', '/open', { headers: { Host: '[::1]:1' } }, 200, /by/],
    [
      'a body has an end',
      '/change',
      { method: 'POST', headers: bearer(TOKEN), body: Buffer.alloc(70_000) },
      413,
      /at most 65536/,
    ],
  ])('%s', async (_, path, asked, status, text) => {
    const { port } = await open();
    const answer = await ask(port, path, asked);
    expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(text)]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer realm="Sallyport"' : undefined);
  });

  test('without a token nobody is an operator', async () => {
    const { port } = await open({ tokenFile: undefined });
    const answer = await ask(port, '/change', { method: 'POST', headers: bearer('undefined') });
    expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('no admin.tokenFile')]);
  });

  test('guessing is slow: no try is answered before a second has passed (ADM-01)', async () => {
    const { port } = await open();
    const begin = performance.now();
    const tries = Array.from({ length: 20 }, (_, at) =>
      ask(port, '/change', { method: 'POST', headers: bearer(`try${at}`) }),
    );
    expect(new Set((await Promise.all(tries)).map(({ status }) => status))).toEqual(new Set([401]));
    expect(performance.now() - begin).toBeGreaterThan(990);
  });

  test('who guesses is told of with its address, once a minute (ADM-01)', async () => {
    const { port, said } = await open();
    const guess = (): Promise<unknown> =>
      Promise.all(
        [1, 2, 3].map(() => ask(port, '/change', { method: 'POST', headers: bearer('a-guess-of-some-length') })),
      );
    await guess();
    const told = (tries: number) => ({
      level: 'warn',
      fields: { by: '127.0.0.1', tries },
      message: 'an operator call was refused: its token is wrong, or missing',
    });
    expect(said).toEqual([told(1)]);
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    onTestFinished(() => void vi.restoreAllMocks());
    await guess();
    expect(said).toEqual([told(1), told(3)]);
  });

  test('another token holds once it is used, and one that cannot be read leaves the one before', async () => {
    const { admin, port, tokenFile } = await open();
    const change = async (token: string) =>
      (await ask(port, '/change', { method: 'POST', headers: bearer(token) })).status;
    writeFileSync(tokenFile, 'another-token-of-some-length\n');
    const use = await admin.prepareToken();
    expect(await change(TOKEN)).toBe(200);
    use();
    expect([await change(TOKEN), await change('another-token-of-some-length')]).toEqual([401, 200]);
    writeFileSync(tokenFile, 'short\n');
    await expect(admin.prepareToken()).rejects.toMatchObject({ code: 'admin-failed' });
    expect(await change('another-token-of-some-length')).toBe(200);
  });

  test('what is no HTTP is cut', async () => {
    const { port } = await open();
    const socket = connect({ host: '127.0.0.1', port });
    socket.write('\x16\x03\x01\r\n\r\n');
    expect(await readAll(socket)).toBe('');
  });
});

describe('what it is opened with', () => {
  test.each<[sentence: string, token: string]>([
    ['an empty file is no token', ''],
    ['nor is a short one', 'short\n'],
    ['nor one with a space', 'a token of some length\n'],
  ])('%s', async (_, token) => {
    const folder = mkdtempSync(join(tmpdir(), 'admin-'));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, token);
    await expect(open({ tokenFile })).rejects.toMatchObject({
      code: 'admin-failed',
      detail: `${tokenFile}: the first line is no token of 16 characters or more; make one by: openssl rand -hex 20`,
    });
  });

  test('a token that everybody may read is told of', async () => {
    const tokenFile = join(mkdtempSync(join(tmpdir(), 'admin-')), 'token');
    writeFileSync(tokenFile, TOKEN, { mode: 0o644 });
    const { said } = await open({ tokenFile });
    expect(said).toEqual([
      {
        level: 'warn',
        fields: { file: tokenFile },
        message: 'the token of operators is open to everybody; run: chmod o= FILE',
      },
    ]);
  });

  test('a token file that is not there is an error that names it', async () => {
    await expect(open({ tokenFile: '/none/token' })).rejects.toMatchObject({
      code: 'admin-failed',
      detail: expect.stringMatching(/^\/none\/token: the token cannot be read \(ENOENT/),
    });
  });

  test('a port that is taken is an error, and then the socket is not there either', async () => {
    const { port } = await open();
    const socket = join(mkdtempSync(join(tmpdir(), 'admin-')), 's');
    await expect(open({ socket, listen: { address: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'admin-failed',
      detail: expect.stringContaining('EADDRINUSE'),
    });
    expect(() => statSync(socket)).toThrow('ENOENT');
  });

  test('a socket that cannot be made is an error where it was named, else a warning', async () => {
    const failed = { code: 'admin-failed', detail: expect.stringContaining('/dev/null/s') };
    await expect(open({ socket: '/dev/null/s' })).rejects.toMatchObject(failed);
    const { admin, said } = await open({ socket: '/dev/null/s', named: false });
    expect(admin.socket).toBeUndefined();
    expect(said.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn there is no control socket: name a path under admin.socket',
    ]);
  });
});

describe('one that takes the place of another', () => {
  test('opens the admin port when the other has closed it, and goes on without until then', async () => {
    const { admin: other, port } = await open({ socket: undefined });
    const { log, said } = serviceRecorder();
    const options = { socket: undefined, named: false, listen: { address: '127.0.0.1', port }, tokenFile: undefined };
    let asked = 0;
    const take = async (): Promise<void> => {
      asked += 1;
    };
    const admin = await AdminServer.open({ options, routes, service: log, take });
    onTestFinished(() => admin.close());
    expect([asked, said.map(({ level }) => level)]).toEqual([1, ['warn']]);
    other.releasePort();
    await vi.waitFor(() => expect(said.at(-1)?.message).toBe('the admin port is open'), { timeout: 5_000 });
    expect((await ask(port, '/open')).status).toBe(200);
  });

  test('has nobody make room when its own token cannot be read', async () => {
    const { log } = serviceRecorder();
    const options = { socket: undefined, named: false, listen: undefined, tokenFile: '/none/token' };
    const take = (): Promise<void> => Promise.reject(new Error('it was asked'));
    await expect(AdminServer.open({ options, routes, service: log, take })).rejects.toMatchObject({
      code: 'admin-failed',
    });
  });
});
