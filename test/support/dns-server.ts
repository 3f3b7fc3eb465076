// A name server of the tests' own on a port of loopback, by UDP, and by TCP what is too long for that. A script says for
// each question what is answered, how late, or that nothing is; every question is remembered.

import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { portOf } from './socket-pair.ts';

export type QuestionType = 'A' | 'AAAA';

export interface Question {
  readonly name: string;
  readonly type: QuestionType;
}

export interface Reply {
  /** Addresses in the form of the question's type. */
  readonly addresses?: readonly string[];
  /** Seconds. */
  readonly ttl?: number;
  readonly code?: 'NOERROR' | 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED';
  /** Milliseconds. */
  readonly delay?: number;
  /** Bytes behind the answer, where it goes by TCP. */
  readonly excess?: number;
}

/** `silence`: the question is never answered. */
export type Script = (question: Question) => Reply | 'silence';

export interface DnsServer {
  /** As the resolver's option `servers` takes it. */
  readonly address: string;
  readonly questions: readonly Question[];
}

const CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const TYPES = { A: 1, AAAA: 28 } as const;

/** Bytes that go by UDP; of a longer answer only the word that it is cut (RFC 1035 section 4.2.1). */
const MAX_DATAGRAM = 1_232;
const TRUNCATED = 0x02;

/** Closed when the test that called this has ended. */
export async function startDnsServer(script: Script): Promise<DnsServer> {
  const questions: Question[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();
  const answer = (message: Buffer, send: (bytes: Buffer, excess: number) => void): void => {
    const asked = readQuestion(message);
    if (!asked) return;
    questions.push(asked.question);
    const reply = script(asked.question);
    if (reply === 'silence') return;
    const bytes = writeReply(message, asked.end, asked.question.type, reply);
    const timer = setTimeout(() => {
      timers.delete(timer);
      send(bytes, reply.excess ?? 0);
    }, reply.delay ?? 0);
    timers.add(timer);
  };
  const datagrams = createSocket('udp4');
  datagrams.on('message', (message, from) =>
    answer(message, (bytes) => {
      datagrams.send(bytes.length > MAX_DATAGRAM ? cut(bytes) : bytes, from.port, from.address);
    }),
  );
  const streams = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    let held = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let end = wholeAt(held); end > 0; end = wholeAt(held)) {
        answer(held.subarray(2, end), (bytes, excess) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(bytes.length);
          socket.write(Buffer.concat([length, bytes, Buffer.alloc(excess, 0xff)]));
        });
        held = held.subarray(end);
      }
    });
  });
  const port = await listenOnBoth(datagrams, streams);
  onTestFinished(async () => {
    for (const timer of timers) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    streams.close();
    datagrams.close();
    await Promise.all([once(datagrams, 'close'), once(streams, 'close')]);
  });
  return { address: `127.0.0.1:${port}`, questions };
}

/** A port that both protocols have free: the one that TCP got may be taken in UDP. */
async function listenOnBoth(datagrams: DatagramSocket, streams: Server): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    streams.listen(0, '127.0.0.1');
    await once(streams, 'listening');
    const port = portOf(streams);
    try {
      datagrams.bind(port, '127.0.0.1');
      await once(datagrams, 'listening');
      return port;
    } catch (error) {
      if (tries === 10) throw error;
      streams.close();
      await once(streams, 'close');
    }
  }
}

/** Where the first message of a stream ends (RFC 1035 section 4.2.2); 0 while it is not whole. */
function wholeAt(held: Buffer): number {
  const end = held.length < 2 ? Number.POSITIVE_INFINITY : 2 + held.readUInt16BE(0);
  return held.length >= end ? end : 0;
}

/** Header and question alone. */
function cut(reply: Buffer): Buffer {
  const end = readQuestion(reply)?.end ?? 12;
  const bytes = Buffer.from(reply.subarray(0, end));
  bytes.writeUInt8((bytes[2] ?? 0) | TRUNCATED, 2);
  bytes.writeUInt16BE(0, 6);
  return bytes;
}

/** RFC 1035 section 4.1.2: one question behind a header of twelve bytes. */
function readQuestion(message: Buffer): { question: Question; end: number } | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let size = message[at] ?? 0; size > 0; size = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + size));
    at += 1 + size;
  }
  const type = message.readUInt16BE(at + 1);
  const known = type === TYPES.A ? 'A' : type === TYPES.AAAA ? 'AAAA' : undefined;
  return known && { question: { name: labels.join('.').toLowerCase(), type: known }, end: at + 5 };
}

function writeReply(message: Buffer, end: number, type: QuestionType, reply: Reply): Buffer {
  const records = (reply.addresses ?? []).map((address) => {
    const data = type === 'A' ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xc00c, 0); // the name of the question, by pointer
    head.writeUInt16BE(TYPES[type], 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(reply.ttl ?? 300, 6);
    head.writeUInt16BE(data.length, 10);
    return Buffer.concat([head, data]);
  });
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | CODES[reply.code ?? 'NOERROR'], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, message.subarray(12, end), ...records]);
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const out = Buffer.alloc(16);
  for (const [index, group] of [...left, ...zeros, ...right].entries()) {
    out.writeUInt16BE(Number.parseInt(group, 16), 2 * index);
  }
  return out;
}
