// One exchange with an origin: replies that are none.

import { rmSync } from 'node:fs';
import type { ServerHttp2Stream } from 'node:http2';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { ask, h2Origin, h2Through } from '../support/h2.ts';
import { startRig } from '../support/rig.ts';
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
