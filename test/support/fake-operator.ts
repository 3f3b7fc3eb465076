// Something that answers at the control socket of a config as a proxy would, with whatever a test wants it to say.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export type Answers = Readonly<Record<string, unknown>>;

export const STATUS = {
  pid: 4711,
  version: '1.2.3',
  /** In an answer, the config that it is asked by. */
  config: '/etc/sallyport.yaml',
  started: '2027-01-01T00:00:00.000Z',
  state: 'running',
  generation: 1,
  addresses: [{ address: '127.0.0.1', port: 3128 }],
  workers: 2,
  connections: 3,
  ca: { sha256: 'AA:BB', notAfter: '2036-01-01T00:00:00.000Z' },
};

export const ACTIVITY = {
  rates: [{ key: 'requests', rate: 12.3, bytesRate: 4_500 }],
  hosts: [{ key: 'ok.test', rate: 12.3, bytesRate: 4_500 }],
  clients: [],
  rules: [],
  refusals: [],
  failures: [],
  rejections: [],
};

export interface Operated {
  /** Path of the config whose socket it is. */
  readonly config: string;
  /** From now on. */
  answer(answers: Answers): void;
  readonly asked: string[];
  close(): Promise<void>;
}

export interface Place {
  /** Name of the config, and what stands in it. */
  readonly file?: string;
  readonly text?: string;
  /** Relative to the config. */
  readonly socket?: string;
}

/** `answers`: by path; a text is sent as it is, all else as JSON, a number is a status; what is not there is 404. */
export async function fakeOperator(answers: Answers, place: Place = {}): Promise<Operated> {
  const { file = 'proxy.yaml', text = 'version: 1\n', socket = 'run/sallyport.sock' } = place;
  const folder = mkdtempSync(join(tmpdir(), 'op-'));
  const config = join(folder, file);
  writeFileSync(config, text);
  mkdirSync(dirname(join(folder, socket)), { recursive: true });
  let known = answers;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const answer = known[path];
    const status = answer === undefined ? 404 : typeof answer === 'number' ? answer : 200;
    const own = (key: string, value: unknown): unknown =>
      key === 'config' && value === STATUS.config ? config : value;
    response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? null, own));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, socket), resolve));
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  onTestFinished(() => void server.close());
  return {
    config,
    answer: (next) => {
      known = next;
    },
    asked,
    close,
  };
}

/** A config that nobody serves. */
export function unservedConfig(text = ''): string {
  const config = join(mkdtempSync(join(tmpdir(), 'op-')), 'proxy.yaml');
  writeFileSync(config, `version: 1\n${text}\n`);
  return config;
}
