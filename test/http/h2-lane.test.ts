// One connection to an origin: what it bears of a hostile one.

import { rmSync } from 'node:fs';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { startRig } from '../support/rig.ts';
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
