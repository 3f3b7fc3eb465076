// HTTP/2 by hand: frames as bytes, fields as HPACK has them without any compression, and a client of the proxy that reads
// what comes back, so that a test can say what no library would.

import type { TLSSocket } from 'node:tls';
import { type Rig, tlsThrough, until } from './rig.ts';

/** RFC 9113 section 6. */
export const TYPE = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, more: 9 };
export const END_STREAM = 1;
export const END_HEADERS = 4;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One setting (RFC 9113 section 6.5.1). */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

export type Field = readonly [name: string, value: string];

/** Literals without an index (RFC 7541 section 6.2.2), in Latin-1; `first`: the bits of another form. */
export function fields(list: readonly Field[], first = 0): Buffer {
  return Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([first]), text(name), text(value)]));
}

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length, 7), Buffer.from(value, 'latin1')]);
}

/** RFC 7541 section 5.1. */
function integer(value: number, bits: number): Buffer {
  const most = (1 << bits) - 1;
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

export function requestFields(authority: string, extra: readonly Field[] = [], method = 'GET', path = '/'): Field[] {
  return [[':method', method], [':scheme', 'https'], [':authority', authority], [':path', path], ...extra];
}

interface Came {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export class RawH2 {
  readonly socket: TLSSocket;
  readonly came: Came[] = [];
  #held: Buffer = Buffer.alloc(0);
  closed = false;
  /** Whether pings are answered, as they have to be. */
  answers = true;
  #answered = 0;
  #wake: () => void = () => undefined;

  constructor(socket: TLSSocket, settings: Uint8Array = Buffer.alloc(0)) {
    this.socket = socket;
    socket.on('error', () => undefined).on('data', (bytes: Buffer) => this.#read(bytes));
    // It may stay half open, as the one below it does.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    this.send(PREFACE, frame(TYPE.settings, 0, 0, settings));
  }

  static async through(rig: Pick<Rig, 'port' | 'ca'>, authority: string, settings?: Uint8Array): Promise<RawH2> {
    return new RawH2(await tlsThrough(rig.port, authority, { ca: rig.ca, ALPNProtocols: ['h2'] }), settings);
  }

  send(...frames: readonly Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  /** A request without a body on a stream, its header block as it is given. */
  request(stream: number, block: Uint8Array, flags = END_STREAM | END_HEADERS): void {
    this.send(frame(TYPE.headers, flags, stream, block));
  }

  /** Those that have come and were not answered yet. */
  answerPings(): void {
    const asked = this.of(TYPE.ping, 0).filter(({ flags }) => flags === 0);
    for (const { payload } of asked.slice(this.#answered)) this.send(frame(TYPE.ping, 1, 0, payload));
    this.#answered = asked.length;
  }

  /** Of one stream, or of the connection for 0. */
  of(type: number, stream: number): Came[] {
    return this.came.filter((one) => one.type === type && one.stream === stream);
  }

  /** The code of the reset of a stream; undefined as long as there is none. */
  resetOf(stream: number): number | undefined {
    return this.of(TYPE.reset, stream)[0]?.payload.readUInt32BE();
  }

  /** Of the last GOAWAY; undefined as long as there is none. */
  get goaway(): number | undefined {
    return this.of(TYPE.goaway, 0).at(-1)?.payload.readUInt32BE(4);
  }

  untilClosed(limit = 10_000): Promise<void> {
    return until(
      () => this.closed,
      'the end of the connection',
      () => `${this.came.length} frames`,
      limit,
    );
  }

  /** Sends the same again and again until the connection ends, never more than `most` bytes; gives back how many. */
  async flood(bytes: Uint8Array, most: number): Promise<number> {
    let sent = 0;
    while (!this.socket.destroyed && sent < most) {
      sent += bytes.length;
      if (!this.socket.write(bytes)) {
        await new Promise<void>((resolve) => {
          this.socket.once('drain', resolve);
          this.#wake = resolve;
        });
      }
    }
    return sent;
  }

  #read(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    while (this.#held.length >= 9) {
      const length = this.#held.readUIntBE(0, 3);
      if (this.#held.length < 9 + length) return;
      const [type, flags, stream] = [this.#held.readUInt8(3), this.#held.readUInt8(4), this.#held.readUInt32BE(5)];
      this.came.push({ type, flags, stream, payload: Buffer.from(this.#held.subarray(9, 9 + length)) });
      this.#held = this.#held.subarray(9 + length);
      if (type === TYPE.ping && flags === 0 && this.answers) this.answerPings();
    }
  }
}
