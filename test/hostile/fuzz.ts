// Mutated messages through a whole proxy: what an origin got must be what the log says was forwarded, and no reply may
// come to another request than its own. `npm run fuzz -- --seed 7` runs it, and the mutated chains, at length; fuzz.test.ts
// a slice of it.

import { closeSync, openSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { type Entry, openRig, type Rig, until } from '../support/rig.ts';
import { fuzzChains } from './mutated-chains.ts';
import { mutatedReply, mutatedRequests } from './mutations.ts';
import { readReplies, readRequests } from './read-messages.ts';
import { plainAnswer, type Recorder, record } from './recorder.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Connections with mutated requests, mutated replies, or mutated chains. */
  readonly runs: number;
  /** Milliseconds after which nothing further is begun. */
  readonly milliseconds: number;
}

export interface FuzzReport {
  readonly runs: number;
  /** Requests that reached the origin whole. */
  readonly forwarded: number;
  /** Lines in the log. */
  readonly told: number;
  /** What must not be; each with the seed that brings it back. */
  readonly mismatches: readonly string[];
}

/** Connections of a batch; what arrived and what was told are compared behind each. */
const BATCH = 64;
const AT_ONCE = 16;

interface Bench {
  readonly rig: Rig;
  readonly origin: Recorder;
  readonly authority: string;
  /** Lines written since the last call, once nothing is under way. */
  told(): Promise<Entry[]>;
  close(): Promise<void>;
}

async function openBench(): Promise<Bench> {
  const origin = await record('127.0.0.2');
  const rig = await openRig({
    hosts: { 'ok.test': '127.0.0.2' },
    policy: { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' }] },
    limits: { headerTimeout: 2_000, bodyTimeout: 2_000, responseTimeout: 150 },
  });
  const authority = `ok.test:${origin.port}`;
  const log = openSync(join(rig.folder, 'access.json'), 'r');
  let unread = '';
  let round = 0;
  return {
    rig,
    origin,
    authority,
    async told() {
      await until(() => rig.proxy.connections === 0, 'all connections to end');
      // Lines come in order: behind this one nothing of the batch is missing.
      round += 1;
      const mark = `http://no.test/round-${round}`;
      await talk(rig.port, [`GET ${mark} HTTP/1.1\r\nHost: no.test\r\nConnection: close\r\n\r\n`]);
      await until(() => {
        unread += readOn(log);
        // A reader may be faster than the writer of a line.
        return unread.includes(`"${mark}"`) && unread.endsWith('\n');
      }, mark);
      const entries = unread
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Entry => JSON.parse(line));
      unread = '';
      return entries.filter(({ url }) => url !== mark);
    },
    async close() {
      closeSync(log);
      await rig.proxy.close(0);
      await origin.close();
    },
  };
}

function readOn(file: number): string {
  const buffer = Buffer.alloc(1 << 20);
  let text = '';
  for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer))
    text += buffer.toString('latin1', 0, size);
  return text;
}

/** Sends the pieces one after another, ends, and gives back what came. */
function talk(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true }, async () => {
      for (const piece of pieces) {
        socket.write(piece, 'latin1');
        if (pieces.length > 1) await new Promise((next) => setImmediate(next));
      }
      socket.end();
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
  });
}

async function eachAtOnce<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let index = next++; index < items.length; index = next++) {
        const item = items[index];
        if (item !== undefined) await run(item, index);
      }
    }),
  );
}

/** For each batch: the requests at the origin are those that the log says were forwarded, to the byte of their bodies. */
export async function fuzzRequests({ seed, runs, milliseconds }: FuzzOptions): Promise<FuzzReport> {
  const bench = await openBench();
  const end = performance.now() + milliseconds;
  const mismatches: string[] = [];
  let done = 0;
  let forwarded = 0;
  let lines = 0;
  for (let batch = 0; done < runs && performance.now() < end; batch += 1) {
    const size = Math.min(BATCH, runs - done);
    const cases = fc.sample(mutatedRequests(bench.authority), { seed: seed + batch, numRuns: size });
    bench.origin.forget();
    await eachAtOnce(cases, async ({ pieces }) => void (await talk(bench.rig.port, pieces)));
    const entries = await bench.told();
    const { arrived, problems } = whatArrived(bench.origin);
    problems.push(...compare(arrived, entries), ...faults(entries));
    for (const problem of problems) mismatches.push(`seed ${seed + batch}, ${size} runs: ${problem}`);
    done += size;
    forwarded += arrived.length;
    lines += entries.length;
  }
  await bench.close();
  return { runs: done, forwarded, told: lines, mismatches };
}

/** The whole requests, each in a form that the log has too; what is no request is a problem. */
function whatArrived(origin: Recorder): { arrived: string[]; problems: string[] } {
  const problems: string[] = [];
  const arrived = origin.fresh().flatMap((conversation) => {
    const { messages, problem } = readRequests(conversation);
    if (problem !== undefined)
      problems.push(`the origin got ${problem} in ${JSON.stringify(conversation.slice(-300))}`);
    return messages.map(({ line, body }) => {
      const [method = '', target = ''] = line.split(' ');
      return `${method} ${target.replace(/\?.*/s, '?')} ${body.length}`;
    });
  });
  return { arrived, problems };
}

function compare(arrived: readonly string[], entries: readonly Entry[]): string[] {
  const key = (entry: Entry): string => {
    const path = /^http:\/\/[^/]*(.*)$/s.exec(String(entry['url']))?.[1] ?? '';
    return `${entry['method']} ${path} ${entry['bytes_in']}`;
  };
  const left = new Map<string, number>();
  for (const request of arrived) left.set(request, (left.get(request) ?? 0) + 1);
  const take = (name: string): boolean => {
    const count = left.get(name) ?? 0;
    if (count > 0) left.set(name, count - 1);
    return count > 0;
  };
  const missing = entries.filter(({ outcome }) => outcome === 'forwarded').filter((entry) => !take(key(entry)));
  // Cut off before its reply: the origin may have it whole, or in part, or not at all.
  for (const entry of entries)
    if (entry['outcome'] !== 'forwarded' && entry['hierarchy'] === 'HIER_DIRECT') take(key(entry));
  return [
    ...missing.map((entry) => `the log has ${key(entry)}, the origin has not`),
    ...[...left].filter(([, count]) => count > 0).map(([name]) => `the origin got ${name}, the log does not say so`),
  ];
}

/** Lines that tell of a fault of ours. */
function faults(entries: readonly Entry[]): string[] {
  const ours = entries.filter(({ error, status }) => error === 'internal' || status === 500);
  return ours.map((entry) => `a fault of ours: ${JSON.stringify(entry)}`);
}

/** For each reply: whoever asked for it gets it, whole or cut, or a page of ours; and nobody else gets a byte of it. */
export async function fuzzReplies({ seed, runs, milliseconds }: FuzzOptions): Promise<FuzzReport> {
  const bench = await openBench();
  const { origin, authority, rig } = bench;
  const end = performance.now() + milliseconds;
  const mismatches: string[] = [];
  let done = 0;
  let forwarded = 0;
  let lines = 0;
  for (let batch = 0; done < runs && performance.now() < end; batch += 1) {
    const size = Math.min(BATCH, runs - done);
    const cases = fc.sample(mutatedReply(), { seed: seed + batch, numRuns: size });
    origin.answer = (request, socket) => {
      const index = /^GET \/bad-(\d+) /.exec(request.line)?.[1];
      const reply = index === undefined ? undefined : cases[Number(index)]?.(`<mark-${index}>`);
      if (!reply) plainAnswer(request, socket);
      else if (reply.ends) socket.end(reply.bytes, 'latin1');
      else socket.write(reply.bytes, 'latin1');
    };
    await eachAtOnce(cases, async (_reply, index) => {
      const ask = (path: string, rest = ''): string =>
        `GET http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\n${rest}\r\n`;
      const text = await talk(rig.port, [ask(`/bad-${index}`), ask(`/own-${index}`, 'Connection: close\r\n')]);
      const wrong = wrongIn(text, index);
      if (wrong)
        mismatches.push(`seed ${seed + batch}, reply ${index} of ${size}: ${wrong} in ${JSON.stringify(text)}`);
    });
    const entries = await bench.told();
    for (const problem of faults(entries)) mismatches.push(`seed ${seed + batch}: ${problem}`);
    done += size;
    forwarded += entries.filter(({ outcome }) => outcome === 'forwarded').length;
    lines += entries.length;
  }
  await bench.close();
  return { runs: done, forwarded, told: lines, mismatches };
}

function wrongIn(text: string, index: number): string | undefined {
  const marks = [...text.matchAll(/<mark-(\d+)>/g)].map(([, mark]) => Number(mark));
  if (marks.some((mark) => mark !== index)) return 'the mark of another';
  const { messages, rest, problem } = readReplies(text, [], false);
  if (problem !== undefined) return problem;
  const [, own] = messages;
  if (messages.length > 2) return 'three replies to two requests';
  if (!own)
    return messages.length === 1 && rest === '' && !/^HTTP\/1\.1 5/.test(text) && !/connection: close/i.test(text)
      ? 'no second reply'
      : undefined;
  const isOwn = own.body === `/own-${index}` && !own.fields.some(([, value]) => value.includes('<mark'));
  return isOwn || /^HTTP\/1\.1 50\d /.test(own.line) ? undefined : 'another reply for the second request';
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      requests: { type: 'string', default: '100000' },
      replies: { type: 'string', default: '50000' },
      chains: { type: 'string', default: '10000' },
      minutes: { type: 'string', default: '30' },
    },
  });
  const seed = Number(values.seed);
  const end = performance.now() + Number(values.minutes) * 60_000;
  let failed = false;
  for (const [what, fuzz, runs] of [
    ['requests', fuzzRequests, Number(values.requests)],
    ['replies', fuzzReplies, Number(values.replies)],
    ['chains', fuzzChains, Number(values.chains)],
  ] as const) {
    const begin = performance.now();
    const report = await fuzz({ seed, runs, milliseconds: end - begin });
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const counts = Object.entries(report).flatMap(([name, count]) =>
      typeof count === 'number' ? [`${count} ${name}`] : [],
    );
    process.stdout.write(
      `${what}: seed ${seed}, ${seconds} s, ${counts.join(', ')}, ${report.mismatches.length} mismatches\n`,
    );
    for (const mismatch of report.mismatches.slice(0, 10)) process.stdout.write(`  ${mismatch}\n`);
    failed ||= report.mismatches.length > 0 || report.runs < runs;
  }
  process.exitCode = failed ? 1 : 0;
}

if (import.meta.main) await main();
