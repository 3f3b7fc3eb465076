// The path of the control socket: who has it, and how it changes hands. A socket is made beside it and moved over it, so
// that the path leads to a proxy that answers at every moment, also where the next one takes it from the one before.

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, stat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import { besideSocket, socketProblem } from '../core/admin-options.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import { askAdmin } from './admin-client.ts';

/** Milliseconds for a living process to say who it is. */
const PATIENCE = 2_000;

export interface HeldSocket {
  readonly path: string;
  /** Takes the path away, unless it is somebody else's by now. */
  release(): Promise<void>;
}

/**
 * Listens at `path`, for this user only. What a dead process has left there is replaced; a living one is an error that names
 * it, unless its path is to be taken from it. Throws ProxyError `admin-failed`.
 */
export async function holdSocket(server: Server, path: string, take: boolean): Promise<HeldSocket> {
  const tooLong = socketProblem(path);
  if (tooLong !== undefined) throw new ProxyError('admin-failed', `${path}: ${tooLong}`);
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!take) await refuseLiving(path);
    const temporary = besideSocket(path, randomBytes(3).toString('hex'));
    await listen(server, temporary);
    try {
      await chmod(temporary, 0o600);
      await rename(temporary, path);
    } catch (thrown) {
      server.close();
      await unlink(temporary).catch(() => undefined);
      throw thrown;
    }
  } catch (thrown) {
    if (thrown instanceof ProxyError) throw thrown;
    throw new ProxyError('admin-failed', `${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const own = await inodeOf(path);
  return {
    path,
    release: async () => {
      if (own !== undefined && (await inodeOf(path)) === own) await unlink(path).catch(() => undefined);
    },
  };
}

async function refuseLiving(path: string): Promise<void> {
  let who: string;
  try {
    const { status, body } = await askAdmin(path, 'GET', '/v1/status', PATIENCE);
    who = (status === 200 && nameOf(body)) || 'another program';
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      if (code === 'ENOENT' || (await isSocket(path))) return;
      throw new ProxyError('admin-failed', `${path} is no socket: remove it, or name another path under admin.socket.`);
    }
    who = `a process that does not answer (${messageOf(thrown)})`;
  }
  throw new ProxyError('admin-failed', `${path} belongs to ${who}: stop it first, or take over from it.`);
}

function nameOf(body: string): string | undefined {
  try {
    const status: unknown = JSON.parse(body);
    if (typeof status !== 'object' || status === null || !('pid' in status) || !('config' in status)) return undefined;
    return `the proxy that runs as process ${Number(status.pid)} with ${String(status.config)}`;
  } catch {
    return undefined;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function isSocket(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isSocket() ?? true;
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats?.ino;
}
