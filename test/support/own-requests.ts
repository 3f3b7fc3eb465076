// Requests to the proxy itself, each with a path of its own that is logged: lines without an origin, told apart.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Asker {
  /** Resolves with the status of the answer; 0 where there was none. */
  ask(path: string): Promise<number>;
  close(): void;
}

/** On connections that are kept, and made anew where the proxy has closed one. */
export function openAsker(port: number): Asker {
  let socket: Socket | undefined;
  const dial = async (): Promise<Socket> => {
    const made = connect({ port, host: '127.0.0.1', noDelay: true });
    made.on('error', () => undefined);
    await once(made, 'connect');
    return made;
  };
  return {
    ask: async (path) => {
      if (!socket || socket.destroyed || socket.readableEnded) socket = await dial();
      const on = socket;
      return new Promise((resolve) => {
        let text = '';
        const finish = (status: number): void => {
          on.off('data', onData).off('close', onClose).off('end', onClose);
          resolve(status);
        };
        const onClose = (): void => {
          on.destroy();
          finish(statusOf(text));
        };
        const onData = (piece: Buffer): void => {
          text += piece.toString('latin1');
          const head = text.indexOf('\r\n\r\n');
          const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
          if (head < 0 || text.length < head + 4 + length) return;
          if (/\r\nconnection: close/i.test(text.slice(0, head + 2))) on.destroy();
          finish(statusOf(text));
        };
        on.on('data', onData).once('close', onClose).once('end', onClose);
        on.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      });
    },
    close: () => socket?.destroy(),
  };
}

const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
