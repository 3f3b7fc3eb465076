// A client's connection of HTTP/2: how long it is kept, and how it is given up.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { fields, frame, RawH2, requestFields, TYPE } from '../support/h2-frames.ts';
import { startRig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const OWN = 'sallyport.internal:443';

test('one that rests too long is told goodbye, and closed though it does not answer', async () => {
  const rig = await startRig({ limits: { keepAliveTimeout: 50 } });
  const session = await h2Through(rig, OWN);
  expect((await ask(session, { ':path': '/', ':authority': 'sallyport.internal' })).status).toBe(200);
  const [code] = await once(session, 'goaway');
  expect(code).toBe(0);
  await until(() => rig.proxy.connections === 0, 'the end of the connection');
});

test('the uploads of one have more room together than each of them', async () => {
  const rig = await startRig();
  const session = await h2Through(rig, OWN);
  await ask(session, { ':path': '/', ':authority': 'sallyport.internal' });
  await until(
    () => (session.state.remoteWindowSize ?? 0) > 1_000_000,
    'the window',
    () => String(session.state.remoteWindowSize),
  );
  expect(session.remoteSettings.initialWindowSize).toBe(65_535);
});

test('one that never asks is closed at the deadline of a header', async () => {
  const rig = await startRig({ limits: { headerTimeout: 100 } });
  const raw = await RawH2.through(rig, OWN);
  await raw.untilClosed();
  expect(raw.goaway).toBe(0);
  expect((await rig.entries(1))[0]).toMatchObject({ outcome: expect.stringMatching(/bumped|client_rejected/) });
});

test('at a drain, one whose first request is on its way has it answered, and then goodbye', async () => {
  const rig = await startRig();
  const raw = await RawH2.through(rig, OWN);
  const echo = async (count: number): Promise<void> => {
    raw.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
    await until(() => raw.closed || raw.of(TYPE.ping, 0).length === count, 'an echo');
  };
  await echo(1);
  const closed = rig.proxy.close(10_000);
  // Whoever rests has been told meanwhile.
  for (const count of [2, 3, 4]) await echo(count);
  expect([raw.closed, raw.goaway]).toEqual([false, undefined]);
  raw.request(1, fields(requestFields('sallyport.internal')));
  await raw.untilClosed();
  expect([raw.of(TYPE.headers, 1).length, raw.goaway]).toEqual([1, 0]);
  await closed;
});

test('a client that says goodbye is closed', async () => {
  const rig = await startRig();
  const raw = await RawH2.through(rig, OWN);
  raw.send(frame(TYPE.goaway, 0, 0, Buffer.alloc(8)));
  await raw.untilClosed();
  await until(() => rig.proxy.connections === 0, 'the end of the connection');
});

describe('a head that nghttp2 refuses', () => {
  const host = 'sallyport.internal';
  const bad = fields([...requestFields(host), [':path', '/b']]);

  test('leaves a line, inside its tunnel', async () => {
    const rig = await startRig();
    const raw = await RawH2.through(rig, OWN);
    raw.request(1, bad);
    await until(() => raw.resetOf(1) !== undefined, 'the reset');
    raw.socket.end();
    const [connect, entry] = await rig.entries(2);
    expect(connect).toMatchObject({ outcome: 'bumped', method: 'CONNECT' });
    expect(entry).toMatchObject({
      ...{ outcome: 'malformed', error: 'request-malformed', status: 0, url: 'error:invalid-request' },
      error_detail: 'A stream was reset at a head that is none.',
      tunnel: connect?.['tunnel'],
    });
    expect((await rig.lines(2))[1]).toBe('NONE_NONE/000 0 - error:invalid-request - HIER_NONE/- -');
  });

  test('leaves one while others go on, also as the last', async () => {
    const rig = await startRig();
    const raw = await RawH2.through(rig, OWN);
    raw.request(1, bad);
    raw.request(3, fields(requestFields(host, [['connection', 'x']])));
    raw.request(5, fields(requestFields(host)));
    raw.request(7, bad);
    const details = (await rig.entries(4)).map(({ error_detail: detail }) => detail);
    expect(details.filter((detail) => detail !== undefined)).toEqual([
      '2 streams were reset at a head that is none.',
      'A stream was reset at a head that is none.',
    ]);
    expect(raw.of(TYPE.headers, 5)).toHaveLength(1);
  });

  test('is not one whose rest is still on its way', async () => {
    const rig = await startRig({ limits: { headerTimeout: 20_000 } });
    const raw = await RawH2.through(rig, OWN);
    const good = fields(requestFields(host));
    raw.answers = false;
    raw.send(frame(TYPE.headers, 1, 1, good.subarray(0, 5)));
    await until(() => raw.of(TYPE.ping, 0).length === 1, 'the question');
    // In the next second it is not told either.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    raw.send(frame(TYPE.more, 4, 1, good.subarray(5)));
    raw.answerPings();
    await until(() => raw.of(TYPE.headers, 1).length === 1, 'the answer');
    raw.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
    await until(() => raw.of(TYPE.ping, 0).length === 2, 'an echo');
    expect((await rig.entries(2)).map(({ error, status }) => [error, status])).toEqual([
      [undefined, 200],
      [undefined, 200],
    ]);
  });
});

describe('a head that never comes to its end, beside a stream that is under way', () => {
  const ca = new TestCa();
  afterAll(() => rmSync(ca.folder, { recursive: true }));
  const host = 'ok.test';

  async function beside(headerTimeout: number) {
    const origin = await h2Origin(ca.leaf({ san: `DNS:${host}` }), (stream) => stream.respond());
    onTestFinished(() => origin.close());
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { [host]: '127.0.0.1' },
      policy: { rules: [{ name: 'ok', hosts: [host], action: 'allow' }] },
      limits: { headerTimeout },
    });
    const authority = `${host}:${origin.port}`;
    const raw = await RawH2.through(rig, authority);
    const head = fields(requestFields(authority));
    raw.request(1, head);
    await until(() => raw.of(TYPE.headers, 1).length === 1, 'the head of the other');
    return { rig, raw, head };
  }

  test.each<[string, (head: Buffer) => Buffer]>([
    ['within HEADERS', (head) => frame(TYPE.headers, 5, 3, head)],
    [
      'within CONTINUATION',
      (head) =>
        Buffer.concat([frame(TYPE.headers, 1, 3, head.subarray(0, 5)), frame(TYPE.more, 4, 3, head.subarray(5))]),
    ],
  ])('has the time of a header, and then its connection ends with a line: byte by byte %s', async (_, framed) => {
    const { rig, raw, head } = await beside(300);
    raw.answers = false;
    const whole = framed(head);
    raw.send(whole.subarray(0, 25));
    let at = 25;
    const more = setInterval(() => {
      raw.send(whole.subarray(at, at + 1));
      at += 1;
    }, 100);
    onTestFinished(() => clearInterval(more));
    await raw.untilClosed();
    expect(raw.goaway).toBe(11);
    const entries = await rig.entries(3);
    expect(entries.map(({ outcome, error }) => [outcome, error])).toEqual([
      ['bumped', undefined],
      ['timed_out', 'request-timeout'],
      ['aborted', 'client-aborted'],
    ]);
    expect(entries[1]).toMatchObject({ error_detail: 'The rest of a head did not come.', status: 0 });
    expect((await rig.lines(3))[1]).toBe('NONE_NONE/000 0 - error:invalid-request - HIER_NONE/- -');
  });
});
