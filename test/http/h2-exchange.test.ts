// One exchange with an origin: replies that are none.

import { rmSync } from 'node:fs';
import type { ServerHttp2Stream } from 'node:http2';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { H2Lane } from '../../src/http/h2-lane.ts';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { END_STREAM, fields, RawH2, requestFields, TYPE } from '../support/h2-frames.ts';
import { readUntil, startRig, tlsThrough, until, WORKERS } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const }] };
const fieldsOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, 'y']));

test.each<[string, (stream: ServerHttp2Stream) => void]>([
  ['more fields than there may be', (stream) => stream.respond(fieldsOf(120), { endStream: true })],
  [
    'interim replies without end',
    (stream) => {
      for (let at = 0; at < 60; at += 1) stream.additionalHeaders({ ':status': 103, link: `</${at}>` });
    },
  ],
])('%s are no reply', async (_, answer) => {
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), answer);
  onTestFinished(() => origin.close());
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy });
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  const reply = await ask(session, { ':path': '/' });
  expect(reply).toMatchObject({ status: 502, headers: { 'x-squid-error': 'ERR_INVALID_RESP 0' } });
  expect((await rig.entries(2))[1]).toMatchObject({ error: 'response-malformed' });
});

// What fails is made to within this process.
test.skipIf(WORKERS > 1)('a request that cannot be made leaves no place taken', async () => {
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream) => {
    stream.respond();
    stream.end('ok');
  });
  onTestFinished(() => origin.close());
  const limits = { keepAliveTimeout: 100 };
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy, limits });
  const authority = `ok.test:${origin.port}`;
  const request = vi.spyOn(H2Lane.prototype, 'request').mockImplementation(() => {
    throw new Error('no such field');
  });
  onTestFinished(() => request.mockRestore());
  // Of HTTP/1, whose reply ends without a word to whoever has made it.
  const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['http/1.1'] });
  onTestFinished(() => void tls.destroy());
  tls.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  expect(await readUntil(tls, '\r\n\r\n')).toMatch(/^HTTP\/1.1 500 /);
  // With nothing on it, it rests for its time and is closed.
  await expect.poll(() => origin.open, { timeout: 4_000 }).toBe(0);
});

/** What a client gets of the body that `answer` sends: each frame's bytes, and whether it is the last. */
async function framesOf(answer: (stream: ServerHttp2Stream) => void) {
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), answer);
  onTestFinished(() => origin.close());
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy });
  const authority = `ok.test:${origin.port}`;
  const raw = await RawH2.through(rig, authority);
  onTestFinished(() => void raw.socket.destroy());
  const frames = () =>
    raw.of(TYPE.data, 1).map(({ payload, flags }) => [payload.toString(), (flags & END_STREAM) !== 0] as const);
  raw.request(1, fields(requestFields(authority)));
  return { rig, frames, whole: () => until(() => frames().at(-1)?.[1] === true, 'the end') };
}

test('the last of a reply whose length is known goes out with its end, as one frame', async () => {
  const { rig, frames, whole } = await framesOf((stream) => {
    stream.respond({ 'content-length': 2 });
    stream.end('ok');
  });
  await whole();
  expect(frames()).toEqual([['ok', true]]);
  expect((await rig.entries(2))[1]).toMatchObject({ outcome: 'forwarded', status: 200 });
});

test('it does not wait for an end that is long in coming', async () => {
  let end: () => void = () => undefined;
  const { frames, whole } = await framesOf((stream) => {
    stream.respond({ 'content-length': 2 });
    stream.write('ok');
    end = () => void stream.end();
  });
  await until(() => frames().length > 0, 'the body');
  expect(frames()).toEqual([['ok', false]]);
  end();
  await whole();
  expect(frames()).toEqual([
    ['ok', false],
    ['', true],
  ]);
});
