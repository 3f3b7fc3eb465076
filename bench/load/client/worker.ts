// Does one operation of a plan after the other.

import { askToBeRefused, type Client, Connection } from './connection.ts';
import { createH2Worker } from './h2-worker.ts';

export interface Worker {
  /** One operation; bytes of the bodies it got. */
  operate(): Promise<number>;
  /** Fetches a path again and again on its connection, where that can carry it beside; the bytes so far, when it is told to stop. */
  pour?(path: string): () => number;
  end(): void;
}

export async function createWorker(client: Client): Promise<Worker> {
  switch (client.plan.operation) {
    case 'connection':
      return { operate: () => oneConnection(client), end: () => undefined };
    case 'refusal':
      return { operate: () => askToBeRefused(client), end: () => undefined };
    case 'stream':
      return createH2Worker(client);
    case 'request':
    case 'download': {
      const worker = new KeptConnection(client);
      await worker.operate();
      return worker;
    }
  }
}

/** Workers of these operations hold nothing, so that there may be as many as an open loop needs. */
export function isUnbound(client: Client): boolean {
  return client.plan.operation === 'connection' || client.plan.operation === 'refusal';
}

async function oneConnection(client: Client): Promise<number> {
  const connection = await Connection.open(client);
  try {
    return await connection.get();
  } finally {
    connection.close();
  }
}

/** A connection that is kept, and opened anew where the proxy closes it after a reply. */
class KeptConnection implements Worker {
  readonly #client: Client;
  #connection: Connection | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  async operate(): Promise<number> {
    if (!this.#connection?.usable) {
      this.end();
      this.#connection = await Connection.open(this.#client);
    }
    return this.#connection.get();
  }

  end(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
