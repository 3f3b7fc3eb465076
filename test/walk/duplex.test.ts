// A request whose body and reply go on at once, as long as both sides like: what has begun to be answered is no upload any
// more, and its silence is that of a tunnel.

import { rmSync } from 'node:fs';
import { connect as connectH2 } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { h2Origin } from '../support/h2.ts';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { openRig, type Rig, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const SHORT = { bodyTimeout: 300, responseTimeout: 300, tunnelIdleTimeout: 1_500 };
const QUIET = 700;

const ca = new TestCa();
const origins: Record<string, Origin> = {};
let rig: Rig;
let before = 0;

beforeAll(async () => {
  const pair = ca.leaf({ san: 'DNS:ok.test' });
  origins['h2'] = await h2Origin(pair, (stream) => {
    stream.respond();
    stream.on('data', (piece: Buffer) => stream.write(piece)).on('end', () => stream.end());
  });
  origins['h1'] = await httpsOrigin(pair, (request, response) => {
    request.on('error', () => undefined);
    response.flushHeaders();
    request.pipe(response);
  });
  rig = await openRig({
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
    limits: SHORT,
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  for (const origin of Object.values(origins)) await origin.close();
  rmSync(ca.folder, { recursive: true });
});
beforeEach(async () => {
  before = (await rig.entries(0)).length;
});

interface Talk {
  say(text: string): void;
  end(): void;
  /** All of the reply that has come. */
  readonly heard: () => string;
  readonly over: () => boolean;
}

function onH2(tls: TLSSocket, authority: string): Talk {
  const session = connectH2(`https://${authority}`, { createConnection: () => tls });
  session.on('error', () => undefined);
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
  let heard = '';
  stream.setEncoding('latin1').on('error', () => undefined);
  stream.on('data', (text: string) => {
    heard += text;
  });
  stream.on('close', () => session.destroy());
  const say = (text: string): void => void stream.write(text);
  return { say, end: () => void stream.end(), heard: () => heard, over: () => stream.closed || stream.destroyed };
}

function onH1(tls: TLSSocket, authority: string): Talk {
  tls.write(`POST / HTTP/1.1\r\nHost: ${authority}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  let all = '';
  let over = false;
  tls.setEncoding('latin1').on('error', () => undefined);
  tls.on('data', (text: string) => {
    all += text;
  });
  tls.on('end', () => {
    over = true;
  });
  tls.on('close', () => {
    over = true;
  });
  const heard = (): string =>
    all
      .slice(all.indexOf('\r\n\r\n') + 4)
      .split('\r\n')
      .filter((_, at) => at % 2 === 1)
      .join('');
  const say = (text: string): void => void tls.write(`${text.length.toString(16)}\r\n${text}\r\n`);
  return { say, end: () => void tls.write('0\r\n\r\n'), heard, over: () => over };
}

async function begin(client: string, kind: string): Promise<Talk> {
  const authority = `ok.test:${origins[kind]?.port}`;
  const tls = await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: [client] });
  const talk = client === 'h2' ? onH2(tls, authority) : onH1(tls, authority);
  talk.say('begin ');
  await until(() => talk.heard() === 'begin ', 'the first answer');
  return talk;
}

describe.each([
  ['h2', 'h2'],
  ['h2', 'h1'],
  ['http/1.1', 'h1'],
  ['http/1.1', 'h2'],
])('a body by %s to an origin of %s that answers meanwhile', (client, kind) => {
  test('may pause for longer than a body or a reply may', async () => {
    const talk = await begin(client, kind);
    await wait(QUIET);
    talk.say('more');
    await until(() => talk.heard() === 'begin more', 'the second answer');
    talk.end();
    const entry = (await rig.entries(before + 2)).at(before + 1);
    expect(entry).toMatchObject({ status: 200, outcome: 'forwarded' });
  });

  test('may come a byte at a time', async () => {
    const talk = await begin(client, kind);
    for (let at = 0; at < 12; at += 1) {
      talk.say('x');
      await wait(80);
    }
    await until(() => talk.heard() === `begin ${'x'.repeat(12)}`, 'all of them');
    talk.end();
    const entry = (await rig.entries(before + 2)).at(before + 1);
    expect(entry).toMatchObject({ status: 200, outcome: 'forwarded' });
  });

  test('is cut when it has been silent for as long as a tunnel may', async () => {
    const talk = await begin(client, kind);
    const since = performance.now();
    await until(talk.over, 'its end');
    expect(performance.now() - since).toBeGreaterThan(SHORT.tunnelIdleTimeout - 50);
    const entry = (await rig.entries(before + 2)).at(before + 1);
    expect(entry).toMatchObject({ status: 200, outcome: 'aborted' });
    expect(['request-timeout', 'response-timeout']).toContain(entry?.['error']);
  });
});
