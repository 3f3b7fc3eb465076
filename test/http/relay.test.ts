// One attempt at an exchange: when it may be made once more, what it lets through, and how long it waits.

import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import { Expectation } from '../../src/http/expectation.ts';
import { OriginPools } from '../../src/http/origin-pools.ts';
import { Relay, type RelayOptions } from '../../src/http/relay.ts';
import type { ReplyPort } from '../../src/http/reply-port.ts';
import { Request } from '../../src/http/request.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { tcpOrigin } from '../support/origin.ts';
import { loopbackUpstream, permitFor } from '../support/upstream.ts';

expectNothingLeft();

/** As it is on a stream: nothing but HTTP can be spoken there. */
function recorded() {
  const said: string[] = [];
  const port: ReplyPort = {
    last: false,
    done: Promise.resolve({ bytes: 0, complete: true }),
    onDrain: undefined,
    onGone: undefined,
    trailers: undefined,
    gone: false,
    writeContinue: () => void said.push('100'),
    writeInterim: (status, reason) => void said.push(`${status} ${reason}`),
    writeHead: (status, reason) => void said.push(`${status} ${reason}`),
    write: (piece) => void said.push(piece.toString()),
    flush: () => true,
    end: () => void said.push('end'),
  };
  return { port, said };
}

interface Wish {
  readonly method?: string;
  readonly awaits?: boolean;
  readonly fields?: readonly string[];
  readonly options?: Partial<RelayOptions>;
}

/** Between a client that is not there and an origin that is `far`. */
async function relay(
  onSocket: (far: Socket) => void,
  { method = 'GET', awaits = false, fields = [], options = {} }: Wish = {},
) {
  const origin = await tcpOrigin((socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  const authority = { kind: 'name', host: 'ok.test', port: origin.port } as const;
  const pools = new OriginPools(loopbackUpstream(), DEFAULT_LIMITS);
  onTestFinished(async () => {
    pools.destroy();
    await origin.close();
  });
  const lane = await pools.open(permitFor(`ok.test:${origin.port}`), 'http');
  const head = { method, url: '/', httpVersion: '1.1', rawHeaders: fields };
  const request = new Request(head, !awaits, () => undefined);
  const { port, said } = recorded();
  const expectation = awaits ? new Expectation(request, port) : undefined;
  onTestFinished(() => expectation?.drop());
  const target = { scheme: 'http', authority, path: '/', query: '' } as const;
  const all = { pools, target, body: awaits ? 4 : 'none', via: undefined, ...options } as const;
  return { one: new Relay(lane, request, port, all, expectation), lane, said, request };
}

const answer = (bytes: string) => (far: Socket) => void far.once('data', () => far.write(bytes));
const close = (far: Socket): void => void far.once('data', () => far.destroy());
const { NGHTTP2_REFUSED_STREAM, NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_CANCEL } = constants;

describe('an attempt may be made once more', () => {
  test.each<[string, Wish, { fresh?: boolean; reset?: number; code?: 'response-timeout' }, boolean]>([
    ['where a kept connection was closed on a GET', {}, {}, true],
    ['not where a new one was', {}, { fresh: true }, false],
    ['not where it may have done something', { method: 'POST' }, {}, false],
    ['where its body was not asked for yet', { method: 'POST', awaits: true }, {}, true],
    ['not where the origin was silent', {}, { code: 'response-timeout' }, false],
    [
      'where the origin has refused the stream, fresh or not',
      { method: 'POST' },
      { fresh: true, reset: NGHTTP2_REFUSED_STREAM },
      true,
    ],
    ['where the origin wants HTTP/1', { method: 'POST' }, { fresh: true, reset: NGHTTP2_HTTP_1_1_REQUIRED }, true],
    ['not where it has reset the stream otherwise', {}, { reset: NGHTTP2_CANCEL }, false],
  ])('%s', async (_, wish, { fresh = false, reset, code }, isSo) => {
    const { one } = await relay(close, wish);
    const error = await one.run();
    expect(error?.code).toBe('response-aborted');
    expect(one.mayRepeat(code ? new ProxyError(code) : new ProxyError('response-aborted'), fresh, reset)).toBe(isSo);
  });

  test('not once the reply has begun', async () => {
    const { one } = await relay(
      (far) => void far.once('data', () => far.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha')),
    );
    const error = await one.run();
    expect(error?.code).toBe('response-aborted');
    expect(one.mayRepeat(new ProxyError('response-aborted'), false, undefined)).toBe(false);
  });

  test('where nothing of it has left, whatever it was', async () => {
    const { one, lane } = await relay(close, { method: 'POST' });
    lane.destroy();
    expect((await one.run())?.code).toBe('response-aborted');
    expect(one.mayRepeat(new ProxyError('response-aborted'), false, undefined)).toBe(true);
  });
});

test('interim replies go on, a 100 that nobody has asked for does not', async () => {
  const all =
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok';
  const { one, said } = await relay(answer(all));
  expect(await one.run()).toBeUndefined();
  expect(said).toEqual(['103 Early Hints', '200 Fine', 'ok', 'end']);
});

test('a change of protocol is none for a client that cannot make it', async () => {
  const grant = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
  const upgrade = { protocols: ['x'], accept: undefined };
  const { one, said } = await relay(answer(grant), { options: { upgrade } });
  expect(await one.run()).toMatchObject({
    code: 'response-malformed',
    detail: 'A change of protocol that nobody asked for.',
  });
  expect(said).toEqual([]);
});

test.each([
  ['text/event-stream', 3_600_000],
  ['Text/Event-Stream; charset=utf-8', 3_600_000],
  ['text/plain', DEFAULT_LIMITS.responseTimeout],
])('a reply of type %s may be silent for %d ms', async (type, patience) => {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n`;
  const { one, lane, said } = await relay(answer(head), { options: { eventTimeout: 3_600_000 } });
  const over = one.run();
  await vi.waitFor(() => expect(said).toEqual(['200 OK']));
  expect(lane.patience).toBe(patience);
  lane.destroy();
  expect((await over)?.code).toBe('response-aborted');
});

test.each([
  ['application/grpc', true],
  ['Application/gRPC+proto', true],
  ['application/json', false],
])('a call of %s has the time of a tunnel for its body: %s', async (type, isLasting) => {
  const { one, lane, request } = await relay(close, { method: 'POST', awaits: true, fields: ['Content-Type', type] });
  const over = one.run();
  expect(request.lasting).toBe(isLasting);
  lane.destroy();
  expect((await over)?.code).toBe('response-aborted');
});
