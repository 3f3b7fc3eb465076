// One connection to an origin: exchanges one after another, each reply exactly to its end, and a close that is noticed at
// once.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProxyError } from '../../src/core/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { Lane, type ReplySink } from '../../src/http/lane.ts';
import { SharedIntake } from '../../src/net/shared-intake.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { tcpOrigin } from '../support/origin.ts';
import { until } from '../support/rig.ts';
import { closed, pourUntilStuck } from '../support/socket-pair.ts';
import { loopbackUpstream, permitFor } from '../support/upstream.ts';

expectNothingLeft();

interface Opened {
  readonly lane: Lane;
  /** The origin's end. */
  readonly far: Socket;
  /** How often the lane said that it is gone. */
  readonly gone: Lane[];
}

async function openLane(limits: Partial<Limits> = {}): Promise<Opened> {
  const accepted = Promise.withResolvers<Socket>();
  const origin = await tcpOrigin(accepted.resolve);
  const way = loopbackUpstream();
  const intake = new SharedIntake();
  const connection = await way.connect(await way.locate(permitFor(`ok.test:${origin.port}`)), intake.onread);
  const gone: Lane[] = [];
  const parts = { connection, intake, origin: 'http://lane.test' };
  const lane = new Lane(parts, { ...DEFAULT_LIMITS, ...limits }, (one) => void gone.push(one));
  onTestFinished(async () => {
    lane.destroy();
    await origin.close();
  });
  return { lane, far: await accepted.promise, gone };
}

interface Result {
  status?: number;
  body: string;
  error?: ProxyError;
}

/** Sends a request without a body; `false`: the lane did not take it. */
function exchange(
  lane: Lane,
  path = '/',
  { method = 'GET', sink }: { method?: string; sink?: Partial<ReplySink> } = {},
) {
  return new Promise<Result | false>((resolve) => {
    const result: Result = { body: '' };
    const taken = lane.begin(
      method,
      `${method} ${path} HTTP/1.1\r\nHost: ok.test\r\n\r\n`,
      {
        onHead: ({ status }) => {
          result.status = status;
        },
        onData: (piece) => {
          result.body += piece.toString();
        },
        onPause: () => true,
        onEnd: () => resolve(result),
        onError: (error) => resolve({ ...result, error }),
        onDrain: () => undefined,
        ...sink,
      },
      false,
    );
    if (taken) lane.push(true);
    else resolve(false);
  });
}

/** Answers each request with its path. */
function echo(far: Socket): void {
  far.on('data', (chunk: Buffer) => {
    const path = /^GET (\S+)/.exec(chunk.toString())?.[1] ?? '';
    far.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
  });
}

/** Answers the first request with these bytes, in pieces. */
function say(far: Socket, bytes: string, size = bytes.length): void {
  far.once('data', async () => {
    for (let at = 0; at < bytes.length; at += size) {
      far.write(bytes.slice(at, at + size), 'latin1');
      if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
  });
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a lane', () => {
  test('carries one exchange after another on its one connection', async () => {
    const { lane, far } = await openLane();
    echo(far);
    expect(lane.fresh).toBe(true);
    for (const path of ['/a', '/b', '/c']) expect(await exchange(lane, path)).toEqual({ status: 200, body: path });
    expect([lane.fresh, lane.alive]).toEqual([false, true]);
  });

  test.each([
    ['ends', (far: Socket) => void far.end()],
    ['resets', (far: Socket) => void far.resetAndDestroy()],
    ['speaks first', (far: Socket) => void far.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ])('whose origin %s before the first request is gone', async (_name, behaviour) => {
    const { lane, far, gone } = await openLane();
    behaviour(far);
    await until(() => gone.length === 1, 'the end of the lane');
    expect(lane.alive).toBe(false);
    expect(gone).toEqual([lane]);
    expect(await exchange(lane)).toBe(false);
  });

  test.each([
    ['ends', (far: Socket) => void far.end()],
    ['resets', (far: Socket) => void far.resetAndDestroy()],
    ['speaks unasked', (far: Socket) => void far.write(OK)],
  ])('whose origin %s between two requests is gone', async (_name, behaviour) => {
    const { lane, far, gone } = await openLane();
    echo(far);
    await exchange(lane);
    behaviour(far);
    await until(() => gone.length === 1, 'the end of the lane');
    expect(await exchange(lane)).toBe(false);
  });

  test.each([
    ['bytes', 'x'],
    ['an empty line', '\r\n'],
    ['another reply', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'],
  ])('with %s behind the body of a reply gives that reply, and is gone', async (_name, extra) => {
    const { lane, far, gone } = await openLane();
    say(far, OK + extra);
    expect(await exchange(lane)).toEqual({ status: 200, body: 'ok' });
    expect(await exchange(lane)).toBe(false);
    await until(() => gone.length === 1, 'the end of the lane');
  });

  test.each([
    ['whose origin says so', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok'],
    ['that is kept for less than a second', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'],
  ])('%s is not used again', async (_name, bytes) => {
    const { lane, far, gone } = await openLane();
    say(far, bytes);
    expect(await exchange(lane)).toMatchObject({ body: 'ok' });
    expect(lane.alive).toBe(false);
    await until(() => gone.length === 1, 'the end of the lane');
  });

  test('is not used again when the reply came before all of the request was out', async () => {
    const { lane, far } = await openLane();
    say(far, OK);
    const ended = Promise.withResolvers<void>();
    const sink: ReplySink = {
      onHead: () => undefined,
      onData: () => undefined,
      onPause: () => true,
      onEnd: ended.resolve,
      onError: ended.reject,
      onDrain: () => undefined,
    };
    expect(lane.begin('POST', 'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n', sink, true)).toBe(true);
    lane.write('half');
    lane.push(false);
    await ended.promise;
    expect(lane.alive).toBe(false);
  });

  test('has one exchange at a time', async () => {
    const { lane, far } = await openLane();
    const first = exchange(lane, '/1');
    expect(await exchange(lane, '/2')).toBe(false);
    far.write(OK);
    expect(await first).toMatchObject({ body: 'ok' });
  });

  test('that is destroyed closes its connection, and the origin sees it; an exchange is told', async () => {
    const { lane, far, gone } = await openLane();
    const running = exchange(lane);
    lane.destroy();
    far.resume();
    if (!far.readableEnded) await once(far, 'end');
    await until(() => gone.length === 1, 'the end of the lane');
    expect(await running).toMatchObject({ error: { code: 'response-aborted' } });
  });

  test('is closed when whoever has it throws, and the fault is told as ours', async () => {
    const { lane, far } = await openLane();
    say(far, OK);
    const onHead = (): never => {
      throw new Error('a fault');
    };
    expect(await exchange(lane, '/', { sink: { onHead } })).toMatchObject({ error: { code: 'internal' } });
    expect(lane.alive).toBe(false);
  });
});

describe('a reply', () => {
  test.each([
    ['of a length', 'GET', OK, 200, 'ok', true],
    ['of nothing', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200, '', true],
    [
      'in chunks',
      'GET',
      'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\no\r\n1\r\nk\r\n0\r\nA: b\r\n\r\n',
      200,
      'ok',
      true,
    ],
    ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200, '', true],
    ['of 204', 'GET', 'HTTP/1.1 204 X\r\n\r\n', 204, '', true],
    ['of 204 that announces more', 'GET', 'HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n', 204, '', false],
    ['of 205', 'GET', 'HTTP/1.1 205 X\r\nContent-Length: 0\r\n\r\n', 205, '', true],
    ['of 205 that announces more', 'GET', 'HTTP/1.1 205 X\r\nContent-Length: 5\r\n\r\nhello', 205, '', false],
    ['of 304', 'GET', 'HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n', 304, '', true],
    [
      'behind interim ones',
      'GET',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: y\r\n\r\n${OK}`,
      200,
      'ok',
      true,
    ],
  ])('%s is whole, whatever pieces it comes in', async (_name, method, bytes, status, body, alive) => {
    for (const size of [1, 2, 7, bytes.length]) {
      const { lane, far } = await openLane();
      say(far, bytes, size);
      expect([size, await exchange(lane, '/', { method })]).toEqual([size, { status, body }]);
      expect(lane.alive).toBe(alive);
      lane.destroy();
    }
  });

  test('up to the close of the connection is whole when it has come', async () => {
    const { lane, far } = await openLane();
    far.once('data', () => far.end('HTTP/1.1 200 OK\r\n\r\nhello'));
    expect(await exchange(lane)).toEqual({ status: 200, body: 'hello' });
    expect(lane.alive).toBe(false);
  });

  test.each([
    ['a length', OK],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
  ])('with %s that breaks off at any of its bytes is not whole', async (_name, bytes) => {
    for (let at = 0; at < bytes.length; at += 1) {
      const { lane, far } = await openLane();
      far.once('data', () => far.end(bytes.slice(0, at)));
      expect([at, await exchange(lane)]).toMatchObject([at, { error: { code: 'response-aborted' } }]);
      expect(lane.alive).toBe(false);
    }
  });

  test('up to the close that is reset is not whole', async () => {
    const { lane, far } = await openLane();
    say(far, 'HTTP/1.1 200 OK\r\n\r\nhello');
    const onPause = (): boolean => {
      far.resetAndDestroy();
      return true;
    };
    expect(await exchange(lane, '/', { sink: { onPause } })).toMatchObject({ error: { code: 'response-aborted' } });
  });

  test.each([
    ['garbage', 'hello\r\n\r\n', 'Malformed status line.'],
    ['line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'Control character or broken line end.'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
      'More than one Content-Length.',
    ],
    ['an unasked 101', 'HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n', 'A change of protocol that nobody asked for.'],
    ['a bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'Malformed chunk size.'],
    ['a header of 70 KB', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`, 'Header too large.'],
    ['51 interim ones', 'HTTP/1.1 103 X\r\n\r\n'.repeat(51), 'Too many interim replies.'],
  ])('that is %s is response-malformed, and ends the lane', async (_name, bytes, detail) => {
    const { lane, far } = await openLane();
    say(far, bytes);
    expect(await exchange(lane)).toMatchObject({ error: { code: 'response-malformed', detail } });
    expect(lane.alive).toBe(false);
  });

  test('that nobody takes is not taken from the origin, and goes on when it is', async () => {
    const { lane, far } = await openLane({ responseTimeout: 400 });
    say(far, `HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
    let got = 0;
    let takes = false;
    const head = Promise.withResolvers<void>();
    const sink: Partial<ReplySink> = {
      onHead: () => head.resolve(),
      onPause: () => takes,
      onData: (piece) => {
        got += piece.length;
      },
    };
    const running = exchange(lane, '/', { sink });
    await head.promise;
    const sent = await pourUntilStuck(far, 256 << 20);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(32 << 20);
    // The origin is not to blame for it, however long it takes.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(lane.alive).toBe(true);
    takes = true;
    lane.resume();
    // A busy machine may have been stuck early.
    await until(() => got >= Math.min(sent, 1 << 20), 'the rest');
    expect(await running).toMatchObject({ error: { code: 'response-timeout' } });
  });
});

describe('an origin', () => {
  test.each([
    ['that does not answer', '', undefined],
    ['that does not go on with its header', 'HTTP/1.1 200 OK\r\nA', undefined],
    ['that does not go on with its body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok', 200],
  ])('%s is given up', async (_name, bytes, status) => {
    const { lane, far } = await openLane({ responseTimeout: 200 });
    say(far, bytes);
    const result = await exchange(lane);
    expect(result).toMatchObject({ error: { code: 'response-timeout' } });
    expect(result).toMatchObject(status === undefined ? { body: '' } : { status });
  });

  test('that drips interim replies or a header has no more time for it', async () => {
    const { lane, far } = await openLane({ responseTimeout: 300 });
    const drip = setInterval(() => far.write('HTTP/1.1 103 X\r\n\r\nHTTP'.slice(0, 18)), 50);
    const begin = performance.now();
    expect(await exchange(lane)).toMatchObject({ error: { code: 'response-timeout' } });
    clearInterval(drip);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test('is not to blame while the client is awaited for more of its body', async () => {
    const { lane, far } = await openLane({ responseTimeout: 100 });
    const ended = Promise.withResolvers<string>();
    const begun = lane.begin(
      'POST',
      'POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n',
      {
        onHead: () => undefined,
        onData: () => undefined,
        onPause: () => true,
        onEnd: () => ended.resolve('whole'),
        onError: ({ code }) => ended.resolve(code),
        onDrain: () => undefined,
      },
      true,
    );
    lane.push(false);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([begun, lane.alive]).toEqual([true, true]);
    far.resume();
    lane.write('ok');
    lane.push(true);
    expect(await ended.promise).toBe('response-timeout');
  });
});

describe('a lane that nobody uses', () => {
  function fakeClock(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
  }

  test('is closed after ten seconds', async () => {
    fakeClock();
    const { lane } = await openLane();
    vi.advanceTimersByTime(9_999);
    expect(lane.alive).toBe(true);
    vi.advanceTimersByTime(1);
    expect(lane.alive).toBe(false);
    await closed(lane.connection.socket);
  });

  test.each([
    ['', 120_000],
    ['Keep-Alive: timeout=5, max=100\r\n', 4_000],
    ['Keep-Alive: timeout=900\r\n', 120_000],
  ])('any more (%j) is closed in its time, before the origin does', async (field, time) => {
    fakeClock();
    const { lane, far } = await openLane();
    say(far, `HTTP/1.1 200 OK\r\n${field}Content-Length: 2\r\n\r\nok`);
    await exchange(lane);
    vi.advanceTimersByTime(time - 10);
    expect(lane.alive).toBe(true);
    vi.advanceTimersByTime(20);
    expect(lane.alive).toBe(false);
  });
});

describe('beside its reply, an origin', () => {
  test('says interim ones, and trailers, in their order', async () => {
    const bytes =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: a\r\nx-b: c\r\n\r\n';
    for (const size of [1, 5, bytes.length]) {
      const { lane, far } = await openLane();
      say(far, bytes, size);
      const told: unknown[] = [];
      const sink: Partial<ReplySink> = {
        onInterim: ({ status, rawHeaders }) => void told.push([status, ...rawHeaders]),
        onHead: ({ status }) => void told.push(status),
        onTrailers: (trailers) => void told.push(trailers),
      };
      await exchange(lane, '/', { sink });
      expect([size, told]).toEqual([size, [[100], [103, 'Link', 'y'], 200, ['X-Sum', 'a', 'x-b', 'c']]]);
      expect(lane.alive).toBe(true);
    }
  });

  test.each([
    ['51 interim replies', 'HTTP/1.1 103 X\r\n\r\n'.repeat(51)],
    ['65 KB of interim replies', `HTTP/1.1 103 X\r\nA: ${'a'.repeat(30_000)}\r\n\r\n`.repeat(3)],
  ])('says too much with %s', async (_name, bytes) => {
    const { lane, far } = await openLane();
    say(far, `${bytes}${OK}`);
    expect(await exchange(lane)).toMatchObject({
      error: { code: 'response-malformed', detail: 'Too many interim replies.' },
    });
    expect(lane.alive).toBe(false);
  });

  const SWITCH = 'HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n';

  test('that changes the protocol is no lane any more, and every byte behind it goes to whoever asked', async () => {
    const { lane, far, gone } = await openLane();
    say(far, `${SWITCH}abc`);
    let raw = '';
    const switched = Promise.withResolvers<number>();
    const onSwitch = ({ status }: { status: number }, rest: Buffer) => {
      raw += rest.toString();
      switched.resolve(status);
      return (piece: Buffer): void => {
        raw += piece.toString();
      };
    };
    void exchange(lane, '/', { sink: { onSwitch } });
    expect(await switched.promise).toBe(101);
    expect([raw, lane.connection.socket.isPaused()]).toEqual(['abc', true]);
    lane.connection.socket.resume();
    far.write('HTTP/1.1 200 OK\r\n\r\n');
    await until(() => raw.endsWith('\r\n\r\n'), 'the bytes');
    expect(raw).toBe('abcHTTP/1.1 200 OK\r\n\r\n');
    far.end();
    await once(lane.connection.socket, 'end');
    // One half has ended, and the lane leaves the other to whoever has it now.
    expect([lane.alive, gone]).toEqual([true, []]);
  });

  test.each([
    ['when nobody asked', {}, true],
    ['before it has the whole request', { onSwitch: () => () => undefined }, false],
  ])('may not change the protocol %s', async (_name, sink, sent) => {
    const { lane, far } = await openLane();
    say(far, SWITCH);
    const failed = Promise.withResolvers<ProxyError>();
    const nothing = (): void => undefined;
    const whole = { onHead: nothing, onData: nothing, onPause: () => true, onEnd: nothing, onDrain: nothing };
    lane.begin('GET', 'GET / HTTP/1.1\r\n\r\n', { ...whole, onError: failed.resolve, ...sink }, !sent);
    lane.push(sent);
    const { code, detail } = await failed.promise;
    expect([code, detail]).toEqual(['response-malformed', 'A change of protocol that nobody asked for.']);
    expect(lane.alive).toBe(false);
  });

  test('has more patience within a reply where it is given some, for that reply alone', async () => {
    const { lane, far } = await openLane({ responseTimeout: 150 });
    const onHead = (): void => {
      lane.patience = 5_000;
    };
    far.once('data', () => {
      far.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no');
      setTimeout(() => far.write('k'), 400);
    });
    expect(await exchange(lane, '/', { sink: { onHead } })).toMatchObject({ body: 'ok' });
    far.once('data', () => void far.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no'));
    expect(await exchange(lane)).toMatchObject({ error: { code: 'response-timeout' } });
  });
});
