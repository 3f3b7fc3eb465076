// Clients of a proxy of several workers that know which of them each of their connections has fallen to. A connection begins
// with a request that is denied, and the id of a denial, like each in the log, begins with what only one process has
// (core/session.ts); which process that is, the system says.

import { KeptConnection } from './kept-connection.ts';
import { childrenOf, holderOf } from './proxy-process.ts';
import type { Entry } from './rig.ts';

/** A request, and what has become of it. */
export interface Asked {
  readonly path: string;
  readonly begin: number;
  readonly end: number;
  /** The status of an answer that came whole, or why there is none. */
  readonly outcome: number | string;
  /** What the ids of its worker begin with; undefined: its connection was cut before that was known, and it was never sent. */
  readonly worker: string | undefined;
}

interface Known {
  readonly connection: KeptConnection;
  readonly worker: string;
}

/** Connections that are kept, at least: some of each worker. */
const KEPT = 24;
/** Denied, and told in JSON. */
const who = (path: string): string =>
  `GET http://denied.test${path} HTTP/1.1\r\nHost: denied.test\r\nAccept: application/json\r\n\r\n`;

const workerIn = (id: string): string => id.slice(0, id.lastIndexOf('-'));

export class WorkerClients {
  readonly asked: Asked[] = [];
  /** The processes of the workers, by what their ids begin with. */
  readonly pids = new Map<string, number>();
  readonly #supervisor: number;
  readonly #port: number;
  readonly #origin: string;
  #idle: Known[] = [];

  constructor(supervisor: number, port: number, origin: string) {
    this.#supervisor = supervisor;
    this.#port = port;
    this.#origin = origin;
  }

  /** A POST whose body is its path, on a connection that is kept or on one of its own. Never rejects. */
  async post(path: string, keep: boolean): Promise<void> {
    const begin = performance.now();
    const tell = (outcome: number | string, worker?: string): void =>
      void this.asked.push({ path, begin, end: performance.now(), outcome, worker });
    let known: Known;
    try {
      known = (keep ? this.#takeIdle() : undefined) ?? (await this.#open(path));
    } catch (error) {
      tell(error instanceof Error ? error.message : 'no connection');
      return;
    }
    const { connection, worker } = known;
    const head = `POST http://${this.#origin}${path} HTTP/1.1\r\nHost: ${this.#origin}\r\n`;
    const { status, whole } = await connection.ask(`${head}Content-Length: ${path.length}\r\n\r\n${path}`);
    tell(whole ? status : 'cut', worker);
    if (keep) this.#idle.push(known);
    else connection.close();
  }

  close(): void {
    for (const { connection } of this.#idle) connection.close();
  }

  /** None as long as there are few: then another is opened, and kept. */
  #takeIdle(): Known | undefined {
    this.#idle = this.#idle.filter(({ connection }) => connection.isOpen);
    return this.#idle.length < KEPT ? undefined : this.#idle.shift();
  }

  /** For this request, which its first one is named after. */
  async #open(path: string): Promise<Known> {
    const connection = await KeptConnection.open(this.#port);
    const { body, whole } = await connection.ask(who(path));
    if (!whole) throw new Error('cut before its worker was known');
    const { id }: { id: string } = JSON.parse(body);
    const worker = workerIn(id);
    if (!this.pids.has(worker)) {
      const pid = holderOf(connection.localPort, this.#port, childrenOf(this.#supervisor));
      if (pid === undefined) throw new Error('its worker was gone before it was known');
      this.pids.set(worker, pid);
    }
    return { connection, worker };
  }
}

export interface Told {
  readonly method: unknown;
  readonly worker: string;
  readonly status: unknown;
}

/** What a log in JSON says, by the path of each request. Throws where a line is torn. */
export function linesByPath(log: string): Map<string, Told[]> {
  if (!log.endsWith('\n')) throw new Error(`the last line is torn: ${log.slice(log.lastIndexOf('\n') + 1)}`);
  const entries = log
    .split('\n')
    .slice(0, -1)
    .map((line): Entry => JSON.parse(line));
  const told = entries.flatMap(({ method, url, exchange, status }) =>
    // Who is cut before it has asked has a line without a method.
    method === undefined
      ? []
      : { path: new URL(String(url)).pathname, method, worker: workerIn(String(exchange)), status },
  );
  return Map.groupBy(told, ({ path }) => path);
}
