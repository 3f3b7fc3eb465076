// Many streams on one connection of HTTP/2: small ones beside a bulk one, and how many bytes of it they wait for, which says
// the same on a machine that has much else to do; one that stands still; and a hundred at once.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const pair = ca.leaf({ san: 'DNS:ok.test' });
afterAll(() => rmSync(ca.folder, { recursive: true }));

const SMALL = 200;
const BLOCK = Buffer.alloc(1 << 18);

/** `/bulk` never ends, `/sink` reads nothing of what it is sent, all else is small. */
function serve(stream: ServerHttp2Stream, { ':path': path }: IncomingHttpHeaders): void {
  if (path === '/sink') return;
  stream.respond({ ':status': 200 });
  if (path !== '/bulk') return void stream.end('small');
  const more = (): void => {
    while (!stream.destroyed && stream.write(BLOCK));
  };
  stream.on('drain', more);
  more();
}

const rigFor = (): Promise<Rig> =>
  startRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
  });

/** `window`: bytes that a client takes unread, on a stream and in all. */
async function connect(window = 65_535): Promise<ClientHttp2Session> {
  const origin = await h2Origin(pair, serve);
  onTestFinished(() => origin.close());
  const session = await h2Through(await rigFor(), `ok.test:${origin.port}`, {
    settings: { initialWindowSize: window },
  });
  session.setLocalWindowSize(window);
  return session;
}

test.each([
  ['the least windows there are', 65_535, 1 << 18],
  ['windows as browsers have', 16 << 20, 1 << 20],
])('a small reply waits for few bytes of a bulk one, to a client with %s', async (_name, window, most) => {
  const session = await connect(window);
  const bulk = session.request({ ':path': '/bulk' });
  let bytes = 0;
  bulk.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  await once(bulk, 'data');
  const waits: number[] = [];
  for (let at = 0; at < SMALL; at += 1) {
    const before = bytes;
    expect(String((await ask(session, { ':path': '/' })).body)).toBe('small');
    waits.push(bytes - before);
  }
  // One of a hundred may have been late for another reason.
  expect(waits.sort((a, b) => a - b)[SMALL * 0.99]).toBeLessThan(most);
  // The bulk went on beside them.
  expect(bytes).toBeGreaterThan(SMALL << 10);
  bulk.close();
});

test.each([
  ['a download that its client does not take', '/bulk', 'GET'],
  ['an upload that its origin does not take', '/sink', 'POST'],
])('%s stops no other', async (_name, path, method) => {
  const session = await connect();
  const bulk = session.request({ ':path': path, ':method': method }, { endStream: method === 'GET' });
  if (method === 'GET') {
    await once(bulk, 'response');
    bulk.pause();
  } else {
    for (let at = 0; at < 8; at += 1) bulk.write(BLOCK);
    // As much as fits on the way; the rest never goes.
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let at = 0; at < SMALL; at += 1) {
    expect(String((await ask(session, { ':path': '/' })).body)).toBe('small');
  }
  expect(bulk.destroyed).toBe(false);
  bulk.close();
});

test.each<[string, () => Promise<Origin>]>([
  ['HTTP/2', () => h2Origin(pair, (stream) => void stream.pipe(stream))],
  ['HTTP/1', () => httpsOrigin(pair, (request, response) => void request.pipe(response))],
])('a hundred streams at once each have back what they sent, from an origin of %s', async (_name, start) => {
  const origin = await start();
  onTestFinished(() => origin.close());
  const rig = await rigFor();
  // What it has yet to send counts for a client of Node.js, which then takes no replies.
  const session = await h2Through(rig, `ok.test:${origin.port}`, { maxSessionMemory: 100 });
  const bodies = Array.from({ length: 100 }, () => randomBytes(200_000));
  const replies = await Promise.all(bodies.map((body) => ask(session, { ':path': '/', ':method': 'POST' }, body)));
  expect(replies.map(({ status, body }) => `${status} ${hashOf(body)}`)).toEqual(
    bodies.map((body) => `200 ${hashOf(body)}`),
  );
  const forwarded = (await rig.entries(101)).filter(({ outcome }) => outcome === 'forwarded');
  expect(forwarded.map(({ bytes_in }) => bytes_in)).toEqual(bodies.map((body) => body.length));
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
