// One connection to the proxy, on which one request follows another and nothing is ever asked on another in its place: what
// becomes of its requests tells what becomes of it.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  /** 0 where there was none. */
  readonly status: number;
  /** As far as it has come. */
  readonly body: string;
  /** As long as its head says. */
  readonly whole: boolean;
}

export class KeptConnection {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<KeptConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return new KeptConnection(socket);
  }

  /** Whether another request can be sent on it, as far as is known here. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Resolves with what has come when the answer is whole, or the connection has ended. One at a time. */
  ask(request: string): Promise<Answer> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      let text = '';
      const finish = (): void => {
        socket.off('data', onData).off('close', onClose).off('end', onClose);
        resolve(answerIn(text));
      };
      const onClose = (): void => {
        socket.destroy();
        finish();
      };
      const onData = (piece: Buffer): void => {
        text += piece.toString('latin1');
        if (!answerIn(text).whole) return;
        if (fieldOf(text, 'connection') === 'close') socket.destroy();
        finish();
      };
      if (!this.isOpen) {
        finish();
        return;
      }
      socket.on('data', onData).once('close', onClose).once('end', onClose);
      socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A value in a head that is complete. */
function fieldOf(text: string, name: string): string | undefined {
  const head = text.slice(0, text.indexOf('\r\n\r\n') + 2);
  return new RegExp(`\\r\\n${name}: (.*)\\r\\n`, 'i').exec(head)?.[1];
}

function answerIn(text: string): Answer {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return { status, body: '', whole: false };
  const body = text.slice(end + 4);
  return { status, body, whole: body.length >= Number(fieldOf(text, 'content-length') ?? Number.POSITIVE_INFINITY) };
}
