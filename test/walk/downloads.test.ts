// Downloads one after another on one connection, and side by side, through a whole proxy: each reply is what the origin sent,
// byte for byte, however fast the client takes it.

import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Agent, type ClientRequest, type IncomingMessage, type RequestListener, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectNothingLeft } from '../support/leaks.ts';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { type Rig, startRig, tlsThrough } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

expectNothingLeft();

const HOST = 'files.test';
const SIZE = 8 << 20;
const IN_A_ROW = 6;
/** Milliseconds that a download may take; one takes some 50. */
const STALLED = 8_000;
const TIMEOUT = 60_000;
const MEGABYTE = 1 << 20;

const ca = new TestCa();
const leaf = ca.leaf({ san: `DNS:${HOST}` });
afterAll(() => rmSync(ca.folder, { recursive: true }));

type Scheme = 'http' | 'https';
type Framing = 'with a length' | 'chunked';
type Reader = (reply: IncomingMessage, take: (piece: Buffer) => void) => Promise<void>;

/** A client's way of taking a reply. */
const READERS: Readonly<Record<string, Reader>> = {
  'that takes all at once': async (reply, take) => {
    for await (const piece of reply) take(piece);
  },
  'that pauses for a moment after each megabyte': (reply, take) => pausing(reply, take, 1),
  'that pauses until all on the way is full': (reply, take) => pausing(reply, take, 60),
};

/** Pauses after each megabyte for so many turns of the loop. */
function pausing(reply: IncomingMessage, take: (piece: Buffer) => void, turns: number): Promise<void> {
  let due = MEGABYTE;
  return new Promise((resolve, reject) => {
    const resumeAfter = (left: number): void => {
      if (left === 0) reply.resume();
      else setImmediate(resumeAfter, left - 1);
    };
    reply.on('data', (piece: Buffer) => {
      take(piece);
      due -= piece.length;
      if (due > 0) return;
      due += MEGABYTE;
      reply.pause();
      resumeAfter(turns);
    });
    reply.once('end', resolve).once('error', reject);
  });
}

interface Files {
  readonly origin: Origin;
  readonly rig: Rig;
  readonly scheme: Scheme;
  readonly authority: string;
  /** What the origin has sent, by its path. */
  readonly digests: ReadonlyMap<string, string>;
}

/** An origin that answers each path with bytes of its own, and a proxy before it. */
async function open(scheme: Scheme, framing: Framing): Promise<Files> {
  const digests = new Map<string, string>();
  const answer: RequestListener = ({ url = '' }, response) => {
    // Not all of one length, so that none ends where the one before did.
    const body = randomBytes(SIZE + digests.size * 1_001);
    digests.set(url, createHash('sha256').update(body).digest('hex'));
    if (framing === 'with a length') {
      response.setHeader('Content-Length', body.length);
      response.end(body);
    } else void pipeline(Readable.from(uneven(body)), response).catch(() => undefined);
  };
  const origin = await (scheme === 'https' ? httpsOrigin(leaf, answer) : httpOrigin(answer));
  onTestFinished(() => origin.close());
  const rig = await startRig({
    hosts: { [HOST]: '127.0.0.1' },
    trust: [ca.rootFile],
    policy: { rules: [{ name: 'files', hosts: [HOST], action: 'allow', tls: 'bump' }] },
  });
  return { origin, rig, scheme, authority: `${HOST}:${origin.port}`, digests };
}

/** Pieces from a few bytes to more than our buffers. */
function* uneven(body: Buffer): Generator<Buffer> {
  for (let at = 0, length = 7; at < body.length; at += length, length = (length * 31) % 150_001) {
    yield body.subarray(at, at + length);
  }
}

interface Client {
  /** Reads one file to its end; gives back the digest of what came. */
  download(path: string, read: Reader): Promise<string>;
  /** Connections it has opened. */
  readonly connections: number;
}

/** A client with one connection, which it keeps. */
async function openClient({ rig, scheme, authority }: Files): Promise<Client> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const tls = scheme === 'https' ? await tlsThrough(rig.port, authority, { ca: rig.ca }) : undefined;
  const used = new Set<unknown>();
  const headers = { Host: authority };
  const ask = (path: string, signal: AbortSignal): ClientRequest =>
    tls
      ? request({ agent: handOut(agent, tls), path, headers, signal })
      : request({ agent, host: '127.0.0.1', port: rig.port, path: `http://${authority}${path}`, headers, signal });
  return {
    async download(path, read) {
      const signal = AbortSignal.timeout(STALLED);
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        const asked = ask(path, signal);
        asked.once('socket', (socket) => used.add(socket));
        const reply = await answered(asked);
        await read(reply, (piece) => {
          hash.update(piece);
          bytes += piece.length;
        });
      } catch (cause) {
        throw new Error(`${path} ${signal.aborted ? 'stalled' : 'broke off'} after ${bytes} bytes`, { cause });
      }
      return hash.digest('hex');
    },
    get connections() {
      return used.size;
    },
  };
}

/** The agent, which uses this connection and no other. */
function handOut(agent: Agent, tls: TLSSocket): Agent {
  return Object.assign(agent, { createConnection: () => tls });
}

/** The reply, once its header is there; one that is not from the origin fails the test. */
function answered(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.on('error', reject).once('response', (reply: IncomingMessage) => {
      if (reply.statusCode === 200) return resolve(reply);
      reject(new Error(`${reply.statusCode} ${reply.statusMessage} ${reply.headers['proxy-status']}`));
      return void reply.destroy();
    });
    asked.end();
  });
}

describe.each(['https', 'http'] as const)('downloads by %s', (scheme) => {
  describe.each(['with a length', 'chunked'] as const)('%s', (framing) => {
    test.each(Object.keys(READERS))(
      'come whole one after another on one connection, to a client %s',
      { timeout: TIMEOUT },
      async (reader) => {
        const read = READERS[reader];
        if (!read) throw new Error(reader);
        const files = await open(scheme, framing);
        const client = await openClient(files);
        for (let at = 0; at < IN_A_ROW; at += 1) {
          const path = `/${at}`;
          const got = await client.download(path, read);
          expect(`${path} ${got}`).toBe(`${path} ${files.digests.get(path)}`);
        }
        expect(new Set(files.digests.values()).size).toBe(IN_A_ROW);
        // Else it would be no test of what one reply leaves to the next.
        expect(client.connections).toBe(1);
        expect(files.origin.accepted).toBe(1);
      },
    );

    test('come whole to two clients at the same time, of which one is slow', { timeout: TIMEOUT }, async () => {
      const files = await open(scheme, framing);
      const clients = await Promise.all([openClient(files), openClient(files)]);
      const ways = ['that takes all at once', 'that pauses for a moment after each megabyte'];
      const downloads = clients.map(async (client, who) => {
        const read = READERS[ways[who] ?? ''];
        if (!read) throw new Error('no such way');
        for (let at = 0; at < 4; at += 1) {
          const path = `/${who}/${at}`;
          const got = await client.download(path, read);
          expect(`${path} ${got}`).toBe(`${path} ${files.digests.get(path)}`);
        }
      });
      await Promise.all(downloads);
      expect(files.origin.accepted).toBe(2);
    });
  });
});
