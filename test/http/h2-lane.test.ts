// One connection to an origin: what it bears of a hostile one.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Http2Session } from 'node:http2';
import { Socket } from 'node:net';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { lifeOf } from '../../src/http/h2-lane.ts';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { startRig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const }] };

test('an origin that floods with settings loses its connection, and its exchanges fail', async () => {
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream) => {
    for (let at = 0; at < 100; at += 1) stream.session?.settings({ initialWindowSize: 65_535 + at });
  });
  onTestFinished(() => origin.close());
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy });
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  const reply = await ask(session, { ':path': '/' });
  expect(reply).toMatchObject({ status: 502, headers: { 'x-squid-error': 'ERR_READ_ERROR 0' } });
});

test('an origin that is silent is answered for at the deadline, and gets no further exchange there', async () => {
  let streams = 0;
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream) => {
    streams += 1;
    if (streams === 1) return;
    stream.respond();
    stream.end('second');
  });
  onTestFinished(() => origin.close());
  const limits = { responseTimeout: 200 };
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy, limits });
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  expect(await ask(session, { ':path': '/' })).toMatchObject({ status: 504 });
  expect((await ask(session, { ':path': '/' })).body.toString()).toBe('second');
  expect(origin.accepted).toBe(2);
});

test('all streams together have more room than one, so that a far origin can fill them', async () => {
  let seen: Http2Session | undefined;
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream) => {
    seen = stream.session;
    stream.respond();
    stream.end('ok');
  });
  onTestFinished(() => origin.close());
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy });
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  await ask(session, { ':path': '/' });
  await until(
    () => (seen?.state.remoteWindowSize ?? 0) > 8_000_000,
    'the window',
    () => String(seen?.state.remoteWindowSize),
  );
  // Each stream has no more than before: that is what bounds our memory.
  expect(seen?.remoteSettings.initialWindowSize).toBe(262_144);
});

test('an origin that answers others meanwhile keeps its connection, though one exchange is late', async () => {
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream, headers) => {
    if (headers[':path'] === '/never') return;
    stream.respond();
    if (headers[':path'] !== '/beat') {
      stream.end('ok');
      return;
    }
    const beat = setInterval(() => stream.write('.'), 50);
    stream.on('close', () => clearInterval(beat));
  });
  onTestFinished(() => origin.close());
  const limits = { responseTimeout: 300 };
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy, limits });
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  const beating = session.request({ ':path': '/beat' }).on('error', () => undefined);
  await once(beating, 'data');
  expect(await ask(session, { ':path': '/never' })).toMatchObject({ status: 504 });
  await once(beating, 'data');
  expect((await ask(session, { ':path': '/' })).body.toString()).toBe('ok');
  expect(origin.accepted).toBe(1);
});

test('one takes exchanges until the certificate of its origin runs out, and those under way may end', async () => {
  const rig = await startRig({ trust: [ca.rootFile], hosts: { 'ok.test': '127.0.0.1' }, policy });
  const soon = new Date(Date.now() + 3_000);
  const notAfter = `${soon.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test', notBefore: '20200101000000Z', notAfter }), (stream) => {
    stream.respond();
    stream.write('begin');
    setTimeout(() => stream.end(' end'), 5_000);
  });
  onTestFinished(() => origin.close());
  const session = await h2Through(rig, `ok.test:${origin.port}`);
  const first = ask(session, { ':path': '/' });
  await expect.poll(() => Date.now(), { timeout: 6_000 }).toBeGreaterThan(soon.getTime() + 500);
  // It is dialled anew, and what it shows is not good any more.
  expect((await ask(session, { ':path': '/' })).status).toBe(503);
  expect((await first).body.toString()).toBe('begin end');
}, 15_000);

test('one that could go on for ever takes exchanges for an hour', () => {
  const socket = new Socket();
  expect(lifeOf(socket, Date.now())).toBe(3_600_000);
  socket.destroy();
});
