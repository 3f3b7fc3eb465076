// One connection to an origin: exchanges one after another, and a close that is noticed at once.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { Lane, LaneGone } from '../../src/http/lane.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { tcpOrigin } from '../support/origin.ts';
import { until } from '../support/rig.ts';
import { closed } from '../support/socket-pair.ts';
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
  const permit = permitFor(`ok.test:${origin.port}`);
  const connection = await way.connect(await way.locate(permit));
  const gone: Lane[] = [];
  const lane = new Lane(`http://ok.test:${origin.port}`, connection, { ...DEFAULT_LIMITS, ...limits }, (one) =>
    gone.push(one),
  );
  onTestFinished(async () => {
    lane.destroy();
    await origin.close();
  });
  return { lane, far: await accepted.promise, gone };
}

interface Result {
  status?: number;
  body: string;
  error?: unknown;
}

function exchange(lane: Lane, path = '/'): Promise<Result> {
  return new Promise((resolve) => {
    const result: Result = { body: '' };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, status) => {
        result.status = status;
      },
      onResponseData: (_controller, chunk) => {
        result.body += chunk.toString();
      },
      onResponseEnd: () => resolve(result),
      onResponseError: (_controller, error) => resolve({ ...result, error }),
    };
    lane.dispatch({ method: 'GET', path, headers: ['Host', 'ok.test'] }, handler);
  });
}

/** Answers each request with its path. */
function echo(far: Socket): void {
  far.on('data', (chunk: Buffer) => {
    const path = /^GET (\S+)/.exec(chunk.toString())?.[1] ?? '';
    far.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
  });
}

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
  });

  test.each([
    ['ends', (far: Socket) => void far.end()],
    ['resets', (far: Socket) => void far.resetAndDestroy()],
    ['speaks unasked', (far: Socket) => void far.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')],
  ])('whose origin %s between two requests is gone', async (_name, behaviour) => {
    const { lane, far, gone } = await openLane();
    echo(far);
    await exchange(lane);
    behaviour(far);
    await until(() => gone.length === 1, 'the end of the lane');
    expect(lane.alive).toBe(false);
  });

  test('takes bytes behind the body of a reply for no reply to the next request', async () => {
    const { lane, far, gone } = await openLane();
    far.once('data', () =>
      far.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    );
    const first = await exchange(lane, '/a');
    const second = await exchange(lane, '/b');
    expect([first.body, second.body]).not.toContain('evil');
    expect(second.error).toBeInstanceOf(Error);
    await until(() => gone.length === 1, 'the end of the lane');
  });

  test('that is gone tells an exchange so, without dialling', async () => {
    const { lane, gone } = await openLane();
    lane.destroy();
    expect((await exchange(lane)).error).toBeInstanceOf(LaneGone);
    await until(() => gone.length === 1, 'the end of the lane');
  });

  test('that has carried an exchange and is gone tells the next one so', async () => {
    const { lane, far, gone } = await openLane();
    echo(far);
    await exchange(lane);
    far.destroy();
    await until(() => gone.length === 1, 'the end of the lane');
    expect((await exchange(lane)).error).toBeInstanceOf(LaneGone);
  });

  test('is closed when the origin says that the reply is its last', async () => {
    const { lane, far, gone } = await openLane();
    far.once('data', () => far.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'));
    expect(await exchange(lane)).toMatchObject({ body: 'ok' });
    await until(() => gone.length === 1, 'the end of the lane');
  });

  test('that is destroyed closes its connection, and the origin sees it', async () => {
    const { lane, far, gone } = await openLane();
    lane.destroy();
    far.resume();
    if (!far.readableEnded) await once(far, 'end');
    await until(() => gone.length === 1, 'the end of the lane');
  });

  test('gives up an origin that does not answer', async () => {
    const { lane } = await openLane({ responseTimeout: 300 });
    expect((await exchange(lane)).error).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
  });
});

describe('a lane that nobody uses', () => {
  test('is closed after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { lane } = await openLane();
    vi.advanceTimersByTime(9_999);
    expect(lane.alive).toBe(true);
    vi.advanceTimersByTime(1);
    expect(lane.alive).toBe(false);
    await closed(lane.connection.socket);
  });
});
