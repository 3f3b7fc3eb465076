// A tunnel on a stream and its place among the connections.

import { expect, onTestFinished, test } from 'vitest';
import { connectOn, h2ToProxy } from '../support/h2-proxy.ts';
import { tcpOrigin } from '../support/origin.ts';
import { startRig, WORKERS } from '../support/rig.ts';

/** A client has all its streams on one connection, which is one worker's, and each worker has its share of the places. */
const start = async (limits: object) => {
  const origin = await tcpOrigin((socket) => void socket.pipe(socket));
  onTestFinished(() => origin.close());
  const rig = await startRig({
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow', tls: 'tunnel' }] },
    limits,
  });
  return { rig, session: await h2ToProxy(rig), authority: `ok.test:${origin.port}` };
};

test('a client that has all of its share is told so on the stream, with a line', async () => {
  const { rig, session, authority } = await start({ connectionsPerClient: 2 * WORKERS });
  await connectOn(session, authority);
  const { status, headers } = await connectOn(session, authority);
  expect([status, headers['retry-after']]).toEqual([429, '5']);
  expect(await rig.lines(1)).toContain(`NONE_NONE/429 N CONNECT ${authority} - HIER_NONE/- text/html`);
});

test('a stream waits for a place that becomes free, and is told where none does', async () => {
  const { rig, session, authority } = await start({ connections: 2 * WORKERS, connectTimeout: 300 });
  const { stream } = await connectOn(session, authority);
  const waiting = connectOn(session, authority);
  stream.resume().end();
  expect((await waiting).status).toBe(200);
  expect((await connectOn(session, authority)).status).toBe(503);
  expect((await rig.entries(2)).map(({ error }) => error)).toContain('overloaded');
});

test('one that is reset while it waits leaves its line, and its place to others', async () => {
  const { rig, session, authority } = await start({ connections: 2 * WORKERS });
  const { stream } = await connectOn(session, authority);
  const waiting = session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false });
  waiting.on('error', () => undefined);
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  waiting.close(8);
  expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'aborted', error: 'client-aborted', status: 0 });
  stream.resume().end();
  expect((await connectOn(session, authority)).status).toBe(200);
});
