// Long polls: a GET that its origin holds until it has something to say, plain and bumped, across both protocols; and a client
// that leaves while its poll is held.

import { rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectH2 } from 'node:http2';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { h2Origin } from '../support/h2.ts';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { type Held, heldByH1, heldByH2, type Poll, pollByH1, pollByH2 } from '../support/polls.ts';
import { dialProxy, openRig, type Rig, readAll, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

/** All waits but that for a reply end long before a poll does. */
const SHORT = { headerTimeout: 1_000, bodyTimeout: 1_000, keepAliveTimeout: 200 };

interface Way {
  readonly name: string;
  readonly client: 'plain' | 'http/1.1' | 'h2';
  readonly origin: 'plain' | 'h1' | 'h2';
}

const WAYS: readonly Way[] = [
  { name: 'plain', client: 'plain', origin: 'plain' },
  { name: 'HTTP/1 to HTTP/1', client: 'http/1.1', origin: 'h1' },
  { name: 'HTTP/1 to HTTP/2', client: 'http/1.1', origin: 'h2' },
  { name: 'HTTP/2 to HTTP/1', client: 'h2', origin: 'h1' },
  { name: 'HTTP/2 to HTTP/2', client: 'h2', origin: 'h2' },
];

const held = new Map<string, PromiseWithResolvers<Held>>();

/** The poll of that path, once it is at its origin. */
function heldAt(path: string): PromiseWithResolvers<Held> {
  const known = held.get(path) ?? Promise.withResolvers<Held>();
  held.set(path, known);
  return known;
}

function hold(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/at-once') response.end('here');
  else heldAt(request.url ?? '').resolve(heldByH1(response));
}

const ca = new TestCa();
const origins = new Map<Way['origin'], Origin>();
let rig: Rig;

beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test' });
  origins.set('plain', await httpOrigin(hold));
  origins.set('h1', await httpsOrigin(pair, hold));
  const h2 = await h2Origin(pair, (stream, headers) => heldAt(String(headers[':path'])).resolve(heldByH2(stream)));
  origins.set('h2', h2);
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
    limits: SHORT,
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  for (const origin of origins.values()) await origin.close();
  rmSync(ca.folder, { recursive: true });
});

interface Polled {
  readonly poll: Poll;
  readonly origin: Held;
  readonly url: string;
}

/** A poll that is held. `why` makes its path its own. */
async function beginPoll({ client, origin, name }: Way, why: string): Promise<Polled> {
  const authority = `ok.test:${origins.get(origin)?.port}`;
  const path = `/${why}/${name.replaceAll(/\W/g, '-')}`;
  const url = `${client === 'plain' ? 'http' : 'https'}://${authority}${path}`;
  return { poll: await ask(client, authority, path, url), origin: await heldAt(path).promise, url };
}

async function ask(client: Way['client'], authority: string, path: string, url: string): Promise<Poll> {
  if (client === 'plain') return pollByH1(await dialProxy(rig.port), url, authority);
  const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: [client] });
  if (client === 'http/1.1') return pollByH1(tls, path, authority);
  const session = connectH2(`https://${authority}`, { createConnection: () => tls });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return pollByH2(session.request({ ':path': path }), () => tls.destroy());
}

/** Until the proxy has closed a connection that rests, by which time all the short waits are over. */
async function outlastTheShort(): Promise<void> {
  const socket = await dialProxy(rig.port);
  const authority = `ok.test:${origins.get('plain')?.port}`;
  socket.write(`GET http://${authority}/at-once HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*here$/);
}

/** What both logs tell of it, once they have so many lines. */
async function toldOf(url: string, count: number) {
  return {
    entry: (await rig.entries(count)).find((entry) => entry['url'] === url),
    line: (await rig.lines(count)).find((line) => line.includes(` ${url} `)),
  };
}

test.each(WAYS)('a poll by $name waits as long as its origin does, and has each byte as it arrives', async (way) => {
  const before = (await rig.entries(0)).length;
  const { poll, origin, url } = await beginPoll(way, 'answered');
  await outlastTheShort();
  expect(poll.got).toEqual({ status: 0, body: '', whole: false });
  origin.begin();
  await until(() => poll.got.status === 200, 'the head alone');
  origin.say('1');
  await until(
    () => poll.got.body === '1',
    'its first byte',
    () => poll.got.body,
  );
  expect(poll.got.whole).toBe(false);
  origin.say('2');
  origin.end();
  await until(() => poll.got.whole, 'its end');
  expect([poll.got.body, await origin.closed]).toEqual(['12', 'answered']);
  const { entry, line } = await toldOf(url, before + (way.client === 'plain' ? 2 : 3));
  expect(entry).toMatchObject({ outcome: 'forwarded', status: 200, tag: 'TCP_MISS' });
  expect(line).toBe(`TCP_MISS/200 N GET ${url} - HIER_DIRECT/127.0.0.1 -`);
});

/** Milliseconds until each has been found to be gone: one that closes looks for five seconds as if it had ended its half. */
const FOUND = 12_000;

test('a client that leaves while its poll is held has it broken off at the origin, and a line that says so', async () => {
  const before = (await rig.entries(0)).length;
  // All at once, for the sake of time.
  const leaving = WAYS.map((way) => ({ way, how: 'leave' as const }));
  const cancelling = WAYS.filter(({ client }) => client === 'h2').map((way) => ({ way, how: 'cancel' as const }));
  const all = await Promise.all(
    [...leaving, ...cancelling].map(async ({ way, how }) => ({ how, way, ...(await beginPoll(way, how)) })),
  );
  const ends: string[] = [];
  for (const { way, how, poll, origin } of all) {
    void origin.closed.then((end) => ends.push(`${way.name}, ${how}: ${end}`));
    poll[how]?.();
  }
  await until(
    () => ends.length === all.length,
    'the end of each at its origin',
    () => ends.join('\n'),
    FOUND,
  );
  expect(ends.sort()).toEqual(all.map(({ way, how }) => `${way.name}, ${how}: broken off`).sort());
  const count = before + all.length + all.filter(({ way }) => way.client !== 'plain').length;
  for (const { url } of all) {
    const { entry, line } = await toldOf(url, count);
    expect(entry).toMatchObject({ outcome: 'aborted', status: 0, error: 'client-aborted' });
    expect(line).toBe(`TCP_MISS_ABORTED/000 0 GET ${url} - HIER_DIRECT/127.0.0.1 -`);
  }
});
