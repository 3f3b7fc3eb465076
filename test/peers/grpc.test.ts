// gRPC through a bumped tunnel, client and server of @grpc/grpc-js: all four kinds of call, and what the policy makes of
// them. How they end is in grpc-ends.test.ts.

import { rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Client,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ECHO, grpcThrough } from '../support/grpc.ts';
import { openRig, type Rig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

/** Milliseconds that both sides may be silent, and for how long they are where a call rests. */
const SHORT = { bodyTimeout: 400, responseTimeout: 400 };
const QUIET = 900;

describe('gRPC through the proxy', () => {
  const ca = new TestCa();
  const server = new Server();
  let cancelled = 0;
  let rig: Rig;
  let client: Client;
  let target: string;
  let before = 0;

  beforeAll(async () => {
    server.addService(ECHO, {
      one: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
        if (call.request === 'never') {
          call.on('cancelled', () => {
            cancelled += 1;
          });
          return;
        }
        const trailers = new Metadata();
        trailers.set('x-trailer', 'told');
        trailers.set('x-blob-bin', Buffer.from([0, 1, 255]));
        if (call.request === 'fail') done({ code: status.FAILED_PRECONDITION, details: 'no good', metadata: trailers });
        else done(null, `${call.request} ${call.metadata.get('x-asked')[0]}`, trailers);
      },
      many: (call: ServerWritableStream<string, string>) => {
        const tell = (): void => {
          for (let at = 0; at < Number(call.request); at += 1) call.write(`item ${at}`);
          call.end();
        };
        // Not even its head goes out before the first item.
        if (call.metadata.get('x-wait').length > 0) setTimeout(tell, QUIET);
        else tell();
      },
      collect: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
        const all: string[] = [];
        call.on('data', (item: string) => all.push(item));
        call.on('end', () => done(null, all.join()));
      },
      talk: (call: ServerDuplexStream<string, string>) => {
        call.on('data', (item: string) => call.write(`re: ${item}`));
        call.on('end', () => call.end());
      },
    });
    const { key, cert } = ca.leaf({ san: 'DNS:grpc.test' });
    const secure = ServerCredentials.createSsl(null, [
      { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
    ]);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', secure, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    target = `grpc.test:${port}`;
    rig = await openRig({
      trust: [ca.rootFile],
      hosts: { 'grpc.test': '127.0.0.1' },
      policy: { rules: [{ name: 'grpc', hosts: ['grpc.test'], methods: ['POST'], action: 'allow' }] },
    });
  });
  afterAll(async () => {
    server.forceShutdown();
    await rig.proxy.close(0);
    rmSync(ca.folder, { recursive: true });
  });
  beforeEach(async () => {
    before = (await rig.entries(0)).length;
    client = grpcThrough(rig, target);
  });
  afterEach(() => client.close());

  interface Called {
    readonly error: ServiceError | null;
    readonly value: string | undefined;
    readonly trailers: Metadata | undefined;
  }

  function one(request: string, deadline?: number): Promise<Called> {
    const metadata = new Metadata();
    metadata.set('x-asked', 'kindly');
    const { path, requestSerialize, responseDeserialize } = ECHO.one;
    const options = deadline === undefined ? {} : { deadline: Date.now() + deadline };
    return new Promise((resolve) => {
      let trailers: Metadata | undefined;
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, value) => setImmediate(() => resolve({ error, value, trailers })),
      );
      call.on('status', (ended) => {
        trailers = ended.metadata;
      });
    });
  }

  test('a unary call has its reply, its metadata and its trailers, binary ones too', async () => {
    const { error, value, trailers } = await one('hello');
    expect(error).toBeNull();
    expect(value).toBe('hello kindly');
    expect(trailers?.get('x-trailer')).toEqual(['told']);
    expect(trailers?.get('x-blob-bin')).toEqual([Buffer.from([0, 1, 255])]);
    const entries = (await rig.entries(before + 2)).slice(before);
    expect(entries[1]).toMatchObject({
      method: 'POST',
      url: `https://${target}/test.Echo/One`,
      status: 200,
      outcome: 'forwarded',
      http_version: '2.0',
      content_type: 'application/grpc+proto',
    });
  });

  test('a call that fails has its status and details, which stand where a head ends all', async () => {
    const { error } = await one('fail');
    expect(error).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'no good' });
    expect(error?.metadata.get('x-trailer')).toEqual(['told']);
  });

  test('a deadline ends the call on both sides', async () => {
    const { error } = await one('never', 300);
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    // It keeps the deadline too; what crosses to one that does not is in grpc-ends.test.ts.
    await until(() => cancelled === 1, 'the cancellation at the server');
    // The tunnel and the connection to the origin are still good.
    expect((await one('again')).value).toBe('again kindly');
  });

  test('a server stream brings all its items in order', async () => {
    const { path, requestSerialize, responseDeserialize } = ECHO.many;
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, '1000');
    const items: string[] = [];
    for await (const item of call) items.push(String(item));
    expect(items).toEqual(Array.from({ length: 1000 }, (_, at) => `item ${at}`));
  });

  test('a client stream is collected', async () => {
    const { path, requestSerialize, responseDeserialize } = ECHO.collect;
    const value = await new Promise((resolve, reject) => {
      const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error, answer) =>
        error ? reject(error) : resolve(answer),
      );
      for (let at = 0; at < 100; at += 1) call.write(`${at}`);
      call.end();
    });
    expect(value).toBe(Array.from({ length: 100 }, (_, at) => `${at}`).join());
  });

  test('both sides talk in turn on one stream', async () => {
    const { path, requestSerialize, responseDeserialize } = ECHO.talk;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const said: string[] = [];
    call.write('0');
    for await (const answer of call) {
      said.push(String(answer));
      if (said.length < 50) call.write(`${said.length}`);
      else call.end();
    }
    expect(said).toEqual(Array.from({ length: 50 }, (_, at) => `re: ${at}`));
  });

  test("what the policy denies is a status of its own, and the page is in nobody's way", async () => {
    const stranger = await openRig({ trust: [ca.rootFile], hosts: { 'grpc.test': '127.0.0.1' } });
    client.close();
    client = grpcThrough(stranger, target);
    const begin = performance.now();
    const { error } = await one('hello', 10_000);
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(performance.now() - begin).toBeLessThan(5_000);
    await stranger.proxy.close(0);
  });

  test('what a rule for URLs denies is denied by gRPC too, at once', async () => {
    const urls = [`https://${target}/test.Echo/One`];
    const rules = [
      { name: 'not that one', urls, action: 'deny' as const },
      { name: 'grpc', hosts: ['grpc.test'], action: 'allow' as const },
    ];
    const hosts = { 'grpc.test': '127.0.0.1' };
    const strict = await openRig({ trust: [ca.rootFile], hosts, policy: { rules } });
    client.close();
    client = grpcThrough(strict, target);
    const begin = performance.now();
    const { error } = await one('hello', 10_000);
    expect(error?.code).toBe(status.PERMISSION_DENIED);
    expect(performance.now() - begin).toBeLessThan(5_000);
    const denied = (await strict.entries(2)).find(({ method: asked }) => asked === 'POST');
    // It takes its stream back as soon as it has read the status, which is no reason to tell less.
    expect(denied).toMatchObject({ rule: 'not that one', outcome: 'denied', tag: 'TCP_DENIED', status: 403 });
    expect((await strict.lines(2)).filter((line) => line.startsWith('TCP_DENIED/403 N POST '))).toHaveLength(1);
    await strict.proxy.close(0);
  });

  describe('where all other waits are short', () => {
    let short: Rig;

    beforeAll(async () => {
      const rules = [{ name: 'grpc', hosts: ['grpc.test'], methods: ['POST'], action: 'allow' as const }];
      const hosts = { 'grpc.test': '127.0.0.1' };
      short = await openRig({ trust: [ca.rootFile], hosts, policy: { rules }, limits: SHORT });
    });
    afterAll(() => short.proxy.close(0));
    beforeEach(() => {
      client.close();
      client = grpcThrough(short, target);
    });

    async function talk(items: readonly string[], pause: number): Promise<string[]> {
      const { path, requestSerialize, responseDeserialize } = ECHO.talk;
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      const said: string[] = [];
      call.write(items[0] ?? '');
      for await (const answer of call) {
        said.push(String(answer));
        const next = items[said.length];
        await wait(pause);
        if (next === undefined) call.end();
        else call.write(next);
      }
      return said;
    }

    test('both sides may be silent in the midst of a call', async () => {
      expect(await talk(['one', 'two'], QUIET)).toEqual(['re: one', 're: two']);
    });

    test('a few bytes now and then are no slow upload', async () => {
      const items = Array.from({ length: 10 }, (_, at) => `${at}`);
      expect(await talk(items, 150)).toEqual(items.map((item) => `re: ${item}`));
    });

    test('a client may think before its first item, and within a stream of its own', async () => {
      const { path, requestSerialize, responseDeserialize } = ECHO.collect;
      const value = await new Promise((resolve, reject) => {
        const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error, answer) =>
          error ? reject(error) : resolve(answer),
        );
        void (async () => {
          for (let at = 0; at < 2; at += 1) {
            await wait(QUIET);
            call.write(`${at}`);
          }
          call.end();
        })();
      });
      expect(value).toBe('0,1');
    });

    test('a server may have nothing to say for long', async () => {
      const { path, requestSerialize, responseDeserialize } = ECHO.many;
      const metadata = new Metadata();
      metadata.set('x-wait', 'yes');
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, '2', metadata);
      const items: string[] = [];
      for await (const item of call) items.push(String(item));
      expect(items).toEqual(['item 0', 'item 1']);
    });
  });
});
