// One stream: its body as it comes, or does not.

import { rmSync } from 'node:fs';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { h2Origin, h2Through, replyOf } from '../support/h2.ts';
import { startRig } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
afterAll(() => rmSync(ca.folder, { recursive: true }));
const policy = { rules: [{ name: 'all', hosts: ['.test'], action: 'allow' as const }] };

async function started(bodyTimeout: number) {
  const trailers: unknown[] = [];
  const origin = await h2Origin(ca.leaf({ san: 'DNS:ok.test' }), (stream) => {
    stream.resume();
    stream.on('trailers', (headers) => trailers.push(headers['x-end']));
    stream.on('end', () => {
      if (stream.destroyed || stream.closed) return;
      stream.respond();
      stream.end('thanks');
    });
  });
  onTestFinished(() => origin.close());
  const hosts = { 'ok.test': '127.0.0.1' };
  const rig = await startRig({ trust: [ca.rootFile], hosts, policy, limits: { bodyTimeout } });
  return { rig, trailers, session: await h2Through(rig, `ok.test:${origin.port}`) };
}

test('a body that stalls is answered 408 at its deadline, and the connection goes on', async () => {
  const { rig, session } = await started(200);
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
  const asked = replyOf(stream);
  stream.write('begin');
  expect(await asked).toMatchObject({ status: 408 });
  const next = session.request({ ':path': '/' });
  expect((await replyOf(next)).body.toString()).toBe('thanks');
  expect((await rig.entries(3)).map(({ error }) => error)).toContain('request-timeout');
});

test('trailers of a request reach the origin', async () => {
  const { session, trailers } = await started(5_000);
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false, waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
  const asked = replyOf(stream);
  stream.end('body');
  expect((await asked).body.toString()).toBe('thanks');
  expect(trailers).toEqual(['yes']);
});
