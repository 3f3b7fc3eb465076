// One exchange with an origin: replies that are none.

import { rmSync } from 'node:fs';
import type { ServerHttp2Stream } from 'node:http2';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { H2Lane } from '../../src/http/h2-lane.ts';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { readUntil, startRig, tlsThrough, WORKERS } from '../support/rig.ts';
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
