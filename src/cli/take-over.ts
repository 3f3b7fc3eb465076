// The proxy that runs with a config, for one that is to take its place: whether there is one, and that it lets nobody in any
// more once the next one does. Called by run.ts.

import { readFileSync } from 'node:fs';
import { askAdmin } from '../admin/admin-client.ts';
import { messageOf } from '../core/errors.ts';
import type { ServiceLog } from '../log/service-log.ts';

/** Milliseconds for an answer. */
const PATIENCE = 10_000;

/** Whether clients who wait at a port that closes go to another process that listens on it; Linux 5.14, networking/ip-sysctl.rst. */
const MIGRATE = '/proc/sys/net/ipv4/tcp_migrate_req';

/** Its process id; undefined: nobody is there. Rejects when somebody is, and does not answer. */
export async function findRunning(socket: string): Promise<number | undefined> {
  try {
    const { status, body } = await askAdmin(socket, 'GET', '/v1/status', PATIENCE);
    const told: unknown = JSON.parse(body);
    const pid = typeof told === 'object' && told !== null && 'pid' in told ? Number(told.pid) : Number.NaN;
    if (status === 200 && Number.isInteger(pid)) return pid;
    throw new Error('what answers is no proxy of this kind');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw thrown;
  }
}

/** From here on all new clients are ours. Never rejects: we are there, whatever becomes of the one before. */
export async function retire(socket: string, pid: number, service: ServiceLog, kernel = MIGRATE): Promise<void> {
  if (!migrates(kernel))
    service.warn(
      {},
      'clients who come in the moment that the proxy before closes its port may be broken off: "sysctl net.ipv4.tcp_migrate_req=1" has them come to this one',
    );
  try {
    await askAdmin(socket, 'POST', '/v1/retire', PATIENCE);
    service.info({ before: pid }, 'taken over: the proxy before lets nobody in any more');
  } catch (thrown) {
    service.error(
      { before: pid, error: messageOf(thrown) },
      'the proxy before does not answer: it may still let clients in',
    );
  }
}

/** A file that is not there means that the system has no such thing. */
function migrates(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').trim() !== '0';
  } catch {
    return false;
  }
}
