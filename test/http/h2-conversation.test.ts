// A client's connection of HTTP/2: how long it is kept, and how it is given up.

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ask, h2Through } from '../support/h2.ts';
import { frame, RawH2, TYPE } from '../support/h2-frames.ts';
import { startRig, until } from '../support/rig.ts';

const OWN = 'sallyport.internal:443';

test('one that rests too long is told goodbye, and closed though it does not answer', async () => {
  const rig = await startRig({ limits: { keepAliveTimeout: 50 } });
  const session = await h2Through(rig, OWN);
  expect((await ask(session, { ':path': '/', ':authority': 'sallyport.internal' })).status).toBe(200);
  const [code] = await once(session, 'goaway');
  expect(code).toBe(0);
  await until(() => rig.proxy.connections === 0, 'the end of the connection');
});

test('one that never asks is closed at the deadline of a header', async () => {
  const rig = await startRig({ limits: { headerTimeout: 100 } });
  const raw = await RawH2.through(rig, OWN);
  await raw.untilClosed();
  expect(raw.goaway).toBe(0);
  expect((await rig.entries(1))[0]).toMatchObject({ outcome: expect.stringMatching(/bumped|client_rejected/) });
});

test('a client that says goodbye is closed', async () => {
  const rig = await startRig();
  const raw = await RawH2.through(rig, OWN);
  raw.send(frame(TYPE.goaway, 0, 0, Buffer.alloc(8)));
  await raw.untilClosed();
  await until(() => rig.proxy.connections === 0, 'the end of the connection');
});
