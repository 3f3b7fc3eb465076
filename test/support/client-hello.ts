// ClientHellos to test with: real ones, caught on a raw server, and made ones, field by field.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { readClientHello } from '../../src/wire/client-hello.ts';

const u16 = (number: number): number[] => [(number >> 8) & 0xff, number & 0xff];

/** A vector: its length in `lengthBytes` bytes, then its bytes. */
export function vector(lengthBytes: 1 | 2 | 3, bytes: Iterable<number>): number[] {
  const all = [...bytes];
  return [...[16, 8, 0].slice(3 - lengthBytes).map((shift) => (all.length >> shift) & 0xff), ...all];
}

export const numbers = (...list: number[]): number[] => list.flatMap(u16);

export const extension = (type: number, data: Iterable<number>): number[] => [...u16(type), ...vector(2, data)];

export const hostNames = (...names: (string | Uint8Array)[]): number[] =>
  vector(
    2,
    names.flatMap((name) => [0, ...vector(2, Buffer.from(name))]),
  );

export interface HelloParts {
  version?: number;
  sessionId?: Iterable<number>;
  /** Numbers of cipher suites. */
  cipherSuites?: number[];
  compressions?: number[];
  /** Each as `extension` makes it; null leaves even the length of the list out. */
  extensions?: number[][] | null;
  /** Bytes behind the extensions. */
  rest?: number[];
}

/** The body of a ClientHello, without the header of the message. */
export function helloBody(parts: HelloParts = {}): number[] {
  const extensions = parts.extensions === undefined ? [] : parts.extensions;
  return [
    ...u16(parts.version ?? 0x0303),
    ...Array.from({ length: 32 }, (_, at) => at),
    ...vector(1, parts.sessionId ?? []),
    ...vector(2, numbers(...(parts.cipherSuites ?? [0x1301, 0xc02b, 0xc02f]))),
    ...vector(1, parts.compressions ?? [0]),
    ...(extensions === null ? [] : vector(2, extensions.flat())),
    ...(parts.rest ?? []),
  ];
}

export const handshake = (type: number, body: Iterable<number>): Uint8Array =>
  Uint8Array.from([type, ...vector(3, body)]);

/** A handshake message in records of at most `size` bytes each. */
export function records(message: Uint8Array, size = 2 ** 14): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    out.push(0x16, 3, 1, ...vector(2, part));
  }
  return Uint8Array.from(out);
}

export const hello = (parts: HelloParts = {}, size?: number): Uint8Array =>
  records(handshake(1, helloBody(parts)), size);

/** The handshake message that whole records hold. */
export function messageIn(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + (bytes[at + 3] ?? 0) * 256 + (bytes[at + 4] ?? 0);
    parts.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** Starts a server, lets `dial` connect a TLS client to its port, and gives back what the client sent first. */
export async function catchHello(dial: (port: number) => void): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    return await new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      server.on('connection', (socket) => {
        socket.on('error', reject);
        socket.on('end', () => reject(new Error('the client left before its hello was whole')));
        socket.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          const bytes = Buffer.concat(chunks);
          if (readClientHello(bytes).state === 'more') return;
          socket.removeAllListeners('error').on('error', () => undefined);
          socket.destroy();
          resolve(bytes);
        });
      });
      dial(address.port);
    });
  } finally {
    server.close();
  }
}
