// The body of a request on its way: every byte once and in order, and no more of it than somebody takes.

import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { type BodySink, Request } from '../../src/http/request.ts';

const HEAD = { method: 'POST', url: '/', httpVersion: '1.1', rawHeaders: ['Host', 'a'] };

/** A request and what whoever reads it has got; `flow` counts how often the flow may have changed. */
function open(complete = false) {
  const got: string[] = [];
  let flow = 0;
  const request = new Request(HEAD, complete, () => {
    flow += 1;
  });
  const sink: BodySink = {
    onBody: (piece) => void got.push(piece.toString()),
    onBodyEnd: () => void got.push('<end>'),
    onBodyError: ({ code }) => void got.push(`<${code}>`),
  };
  const arrive = (text: string): void => request.arrive(Buffer.from(text));
  return { request, sink, got, arrive, flow: () => flow };
}

describe('a body', () => {
  test('that came before somebody reads it is there', () => {
    const { request, sink, got, arrive } = open();
    arrive('a');
    arrive('b');
    expect([request.bytes, request.wanted]).toEqual([0, 'yes']);
    request.read(sink);
    expect([got, request.bytes, request.wanted]).toEqual([['a', 'b'], 2, 'awaited']);
    arrive('c');
    request.finish();
    expect([got, request.bytes, request.wanted]).toEqual([['a', 'b', 'c', '<end>'], 3, 'no']);
  });

  test('that the client holds back is not awaited, and taken when it comes', () => {
    const { request, sink, got, arrive, flow } = open();
    request.read(sink);
    request.holdBack(true);
    const before = flow();
    request.holdBack(true);
    expect([request.wanted, flow()]).toEqual(['yes', before]);
    arrive('a');
    request.holdBack(false);
    expect([request.wanted, got, flow()]).toEqual(['awaited', ['a'], before + 1]);
  });

  test('that was whole before somebody reads it ends behind its last piece', () => {
    const { request, sink, got, arrive } = open();
    arrive('a');
    request.finish();
    request.read(sink);
    expect(got).toEqual(['a', '<end>']);
  });

  test('that there is not ends at once, and once for each who reads', () => {
    const { request, sink, got } = open(true);
    request.read(sink);
    request.resume();
    request.read(sink);
    expect(got).toEqual(['<end>', '<end>']);
  });

  test('waits while whoever reads it takes no more, and has its end behind that', () => {
    const { request, sink, got, arrive, flow } = open();
    request.read({
      ...sink,
      onBody: (piece) => {
        sink.onBody(piece);
        request.pause();
      },
    });
    arrive('a');
    const before = flow();
    arrive('b');
    arrive('c');
    request.finish();
    expect(got).toEqual(['a']);
    request.resume();
    expect(got).toEqual(['a', 'b']);
    request.resume();
    expect(got).toEqual(['a', 'b', 'c']);
    request.resume();
    expect(got).toEqual(['a', 'b', 'c', '<end>']);
    expect(flow()).toBeGreaterThan(before);
  });

  test('that nobody takes is wanted no more when 64 KB of it are here', () => {
    const { request, sink, arrive } = open();
    arrive('x'.repeat(65_000));
    expect(request.wanted).toBe('yes');
    arrive('x'.repeat(1_000));
    expect(request.wanted).toBe('no');
    request.read(sink);
    expect(request.wanted).toBe('awaited');
    request.pause();
    expect(request.wanted).toBe('yes');
  });

  test('in the smallest of pieces costs no more to hold', () => {
    const { request, sink, got, arrive } = open();
    let pieces = 0;
    while (request.wanted === 'yes') {
      arrive('x');
      pieces += 1;
    }
    expect(pieces).toBeLessThan(300);
    request.read(sink);
    expect([got.length, request.bytes]).toEqual([pieces, pieces]);
  });

  test('that is given up is told to nobody any more', () => {
    const { request, sink, got, arrive } = open();
    request.read(sink);
    arrive('a');
    request.stop();
    arrive('b');
    request.finish();
    expect(got).toEqual(['a']);
  });
});

describe('an error', () => {
  test('is told to whoever reads, once, and kept for who comes later', () => {
    const { request, sink, got } = open();
    request.read(sink);
    request.fail(new ProxyError('request-malformed'));
    request.fail(new ProxyError('client-aborted'));
    expect(got).toEqual(['<request-malformed>']);
    expect([request.error?.code, request.complete, request.wanted]).toEqual(['request-malformed', false, 'no']);
  });

  test('behind the end is none', () => {
    const { request } = open(true);
    request.fail(new ProxyError('client-aborted'));
    expect(request.error).toBeUndefined();
  });

  test('that outlasts an upload says so once, and not when it is whole', () => {
    const { request, flow } = open();
    expect(request.lasting).toBe(false);
    request.outlast();
    request.outlast();
    expect([request.lasting, flow()]).toEqual([true, 1]);
    const whole = open(true);
    whole.request.outlast();
    expect([whole.request.lasting, whole.flow()]).toEqual([false, 0]);
  });
});
