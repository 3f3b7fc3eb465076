// Requests to the proxy itself, each with a path of its own that is logged: lines without an origin, told apart.

import { KeptConnection } from './kept-connection.ts';

export interface Asker {
  /** Resolves with the status of the answer; 0 where there was none. */
  ask(path: string): Promise<number>;
  close(): void;
}

/** On connections that are kept, and made anew where the proxy has closed one. */
export function openAsker(port: number): Asker {
  let connection: KeptConnection | undefined;
  return {
    ask: async (path) => {
      if (!connection?.isOpen) connection = await KeptConnection.open(port);
      return (await connection.ask(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)).status;
    },
    close: () => connection?.close(),
  };
}
