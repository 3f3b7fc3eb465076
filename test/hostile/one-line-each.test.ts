// Whatever becomes of a transaction, it leaves exactly one line, with the status that the client saw and the bytes that
// it got.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpsOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { connectThrough, dialProxy, get, openRig, type Rig, readAll, say, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ROUNDS = 100;
const ca = new TestCa();
let secure: Origin;
let plain: Origin;
let rig: Rig;

beforeAll(async () => {
  secure = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (request, response) => {
    response.end('x'.repeat(Number(request.url?.slice(1)) || 0));
  });
  plain = await tcpOrigin((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain'));
  });
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1', 'spliced.test': '127.0.0.1' },
    policy: {
      rules: [
        { name: 'ok', hosts: ['ok.test'], action: 'allow' },
        { name: 'spliced', hosts: ['spliced.test'], action: 'allow', tls: 'splice' },
      ],
    },
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  await Promise.all([secure.close(), plain.close()]);
});

/** One transaction or two; gives the lines it must leave: `METHOD status bytes`, the bytes where the client can tell. */
type Kind = (round: number) => Promise<string[]>;

const statusOf = (reply: string): string => /^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1] ?? '000';

const kinds: Readonly<Record<string, Kind>> = {
  'a request in the clear': async () => {
    const authority = `ok.test:${plain.port}`;
    const reply = await say(
      rig.port,
      `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
    );
    return [`GET ${statusOf(reply)} ${reply.length}`];
  },
  'a decrypted one': async (round) => {
    const authority = `ok.test:${secure.port}`;
    const reply = await get(await tlsThrough(rig.port, authority, { ca: rig.ca }), authority, `/${round * 10}`);
    return ['CONNECT 200 0', `GET ${statusOf(reply)} ${reply.length}`];
  },
  'a refused tunnel': async () => {
    const reply = await say(rig.port, 'CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\n\r\n');
    return [`CONNECT ${statusOf(reply)} ${reply.length}`];
  },
  'a refused request': async () => {
    const reply = await say(rig.port, 'GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\nConnection: close\r\n\r\n');
    return [`GET ${statusOf(reply)} ${reply.length}`];
  },
  'a malformed one': async () => {
    const reply = await say(rig.port, 'GET / HTTP/1.1\r\nHost : x\r\n\r\n');
    return [`- ${statusOf(reply)} ${reply.length}`];
  },
  'a connection without a byte': async () => {
    const socket = await dialProxy(rig.port);
    socket.end();
    await readAll(socket);
    return ['- 000 0'];
  },
  'a tunnel left before a hello': async () => {
    const { socket } = await connectThrough(rig.port, `ok.test:${secure.port}`);
    socket.end();
    await readAll(socket);
    return ['CONNECT 200 0'];
  },
  'a client that does not trust us': async () => {
    await tlsThrough(rig.port, `ok.test:${secure.port}`, { ca: ca.root }).catch(() => undefined);
    return ['CONNECT 200 0'];
  },
};

test(`LOG-04: ${ROUNDS * Object.keys(kinds).length} transactions of every end leave one line each, with status and bytes`, async () => {
  const expected: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await Promise.all(Object.values(kinds).map((kind) => kind(round)));
    expected.push(...lines.flat());
  }
  const entries = await rig.entries(expected.length);
  const told = entries.map(
    ({ method, status, bytes }) => `${method ?? '-'} ${String(status).padStart(3, '0')} ${bytes}`,
  );
  expect(told.sort()).toEqual(expected.sort());
  // And the native log has as many, each of ten fields.
  expect((await rig.lines(expected.length)).filter((line) => line.split(' ').length !== 7)).toEqual([]);
});
