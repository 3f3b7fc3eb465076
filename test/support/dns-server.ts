// A name server of the tests' own on a UDP port of loopback. A script says for each question what is answered, how late,
// or that nothing is; every question is remembered.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

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

/** Closed when the test that called this has ended. */
export async function startDnsServer(script: Script): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const questions: Question[] = [];
  const timers = new Set<NodeJS.Timeout>();
  socket.on('message', (message, from) => {
    const asked = readQuestion(message);
    if (!asked) return;
    questions.push(asked.question);
    const reply = script(asked.question);
    if (reply === 'silence') return;
    const bytes = writeReply(message, asked.end, asked.question.type, reply);
    const timer = setTimeout(() => {
      timers.delete(timer);
      socket.send(bytes, from.port, from.address);
    }, reply.delay ?? 0);
    timers.add(timer);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(async () => {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
    await once(socket, 'close');
  });
  return { address: `127.0.0.1:${socket.address().port}`, questions };
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
