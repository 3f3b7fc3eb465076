// What every proxy of a run stands on: a folder, certificates, the origin, a name server, and the names they serve.

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type Origin, startOrigin } from './origin.ts';
import { nextMessage, Processes } from './processes.ts';

export const DOMAIN = 'bench.test';
export const HOSTS = {
  bump: `known.${DOMAIN}`,
  plain: `known.${DOMAIN}`,
  splice: `spliced.${DOMAIN}`,
  /** No rule of any proxy allows it. */
  refuse: 'refused.example.test',
} as const;

/** An address of loopback that is this run's own; port 53 since most proxies cannot ask another one. */
const NAME_SERVER = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255}`;

export interface NameServer {
  readonly address: string;
  /** 53 where the bench may bind it; another port only Sallyport can ask. */
  readonly port: number;
}

export interface Ground {
  readonly processes: Processes;
  readonly certificates: Certificates;
  readonly origin: Origin;
  readonly nameServer: NameServer;
  /** One that nobody else uses, below that of the run. */
  newFolder(name: string): string;
  /** Stops everything and removes the folder. */
  clear(): Promise<void>;
}

/** Does the work on a ground of its own, and leaves nothing of it behind, also on Ctrl-C. */
export async function onGround(work: (ground: Ground) => Promise<void>): Promise<void> {
  const processes = new Processes();
  let ground: Ground | undefined;
  const clear = (): Promise<void> => ground?.clear() ?? processes.stopAll();
  const stop = (): void => void clear().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    ground = await layGround(processes);
    await work(ground);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await clear();
  }
}

async function layGround(processes: Processes): Promise<Ground> {
  const root = mkdtempSync(join(tmpdir(), 'bench-load-'));
  const clear = async (): Promise<void> => {
    await processes.stopAll();
    rmSync(root, { recursive: true, force: true });
  };
  // Squid's own user must reach its folder.
  chmodSync(root, 0o755);
  let folders = 0;
  const newFolder = (name: string): string => {
    const path = join(root, `${++folders}-${name}`);
    mkdirSync(path);
    return path;
  };
  try {
    const certificates = makeCertificates(newFolder('certificates'), DOMAIN);
    const origin = await startOrigin(processes, newFolder('origin'), certificates);
    const nameServer = (await serveNames(processes, 53)) ?? (await serveNames(processes, 0));
    if (!nameServer) throw new Error('the name server of the bench could not bind a port');
    return { processes, certificates, origin, nameServer, newFolder, clear };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function serveNames(processes: Processes, port: number): Promise<NameServer | undefined> {
  const child = processes.fork(join(import.meta.dirname, 'name-server.ts'), [NAME_SERVER, String(port)]);
  const said = await nextMessage(child);
  if (typeof said === 'object' && 'port' in said && typeof said.port === 'number') {
    return { address: NAME_SERVER, port: said.port };
  }
  await processes.stop(child);
  return undefined;
}
