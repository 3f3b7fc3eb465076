// The ledger on disk, shared by all workers and the command line: read whole, replaced whole, changed by one at a time.
// Every change of what is spliced stands in the audit log before it holds. Made by rejections.ts and cli/exceptions.

import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { auditLine } from './audit-line.ts';
import { type Change, Ledger } from './ledger.ts';

export interface LedgerPaths {
  /** Absolute paths; the folders are made where they are not there. */
  readonly state: string;
  readonly audit: string;
}

export interface Opened {
  readonly ledger: Ledger;
  /** What was wrong with the file, as one sentence; then the ledger holds what could be read. */
  readonly damage: string | undefined;
  /** Of the very file that the ledger was read from, or written to: what `stamp` says until somebody changes it. */
  readonly stamp: string;
}

/** A thousand entries take a third of it. */
const MAX_FILE = 1024 * 1024;
/** Milliseconds to wait for whoever holds the lock, and after which whoever holds it is taken for dead. */
const PATIENCE = 2_000;
const STALE = 10_000;
const LOOK_AGAIN = 20;
const NO_FILE = '';

export class LedgerFile {
  readonly paths: LedgerPaths;

  constructor(paths: LedgerPaths) {
    this.paths = paths;
  }

  /** Where there is no file, the ledger is empty. Throws what the system says when it cannot be read. */
  async read(): Promise<Opened> {
    const { state } = this.paths;
    let own: { readonly stamp: string; readonly text: string | undefined };
    try {
      own = await readOwn(state);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { ledger: new Ledger(), damage: undefined, stamp: NO_FILE };
      throw error;
    }
    const { stamp, text } = own;
    if (text === undefined)
      return { ledger: new Ledger(), damage: `${state} is not a file of this user's alone`, stamp };
    const { ledger, damaged } = Ledger.parse(text);
    const damage = damaged ? `${state} is damaged; what could not be read in it is dropped` : undefined;
    return { ledger, damage, stamp };
  }

  /** Which file it is now, as a text that is another one after every change; empty: there is none. */
  async stamp(): Promise<string> {
    try {
      return stampOf(await stat(this.paths.state));
    } catch {
      return NO_FILE;
    }
  }

  async #record(changes: readonly Change[]): Promise<void> {
    const { audit } = this.paths;
    if (changes.length === 0) return;
    await mkdir(dirname(audit), { recursive: true });
    const handle = await open(audit, 'a', 0o640);
    try {
      // After a rotation it may be root, at the command line, who makes it anew.
      if ((await handle.stat()).size === 0) await leaveToOwner(handle, dirname(audit));
      await handle.appendFile(changes.map((change) => `${auditLine(change, new Date())}\n`).join(''));
    } finally {
      await handle.close();
    }
  }

  /**
   * `edit` changes the ledger, alone, and says what it has changed of what is spliced. `use` has what came of it as soon as
   * it is kept: to give back the lock may take a busy disk its time. Throws; then nothing is changed.
   */
  async update(
    edit: (ledger: Ledger) => readonly Change[],
    use: (opened: Opened) => void = () => undefined,
  ): Promise<void> {
    const { state } = this.paths;
    await mkdir(dirname(state), { recursive: true, mode: 0o700 });
    const release = await lock(`${state}.lock`);
    try {
      const opened = await this.read();
      const before = opened.ledger.format();
      const changes = edit(opened.ledger);
      const after = opened.ledger.format();
      if (after === before && opened.damage === undefined) {
        use(opened);
        return;
      }
      // What could not be read may be of use to somebody.
      if (opened.damage !== undefined) await rename(state, `${state}.damaged`);
      // All that can fail comes before the change is written down, and that before it holds.
      const stamp = await replace(state, after, () => this.#record(changes));
      use({ ...opened, stamp });
    } finally {
      await release();
    }
  }
}

function stampOf({ ino, mtimeMs, size }: Stats): string {
  return `${ino} ${mtimeMs} ${size}`;
}

/** Text of a file that nobody but this user and root can have written; undefined: it may be another's. */
async function readOwn(path: string): Promise<{ readonly stamp: string; readonly text: string | undefined }> {
  // Without O_NONBLOCK the open of a pipe would wait for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    const isOwn = stats.isFile() && isOurs(stats) && (stats.mode & 0o022) === 0 && stats.size <= MAX_FILE;
    return { stamp: stampOf(stats), text: isOwn ? await handle.readFile('utf8') : undefined };
  } finally {
    await handle.close();
  }
}

function isOurs({ uid }: Stats): boolean {
  const us = process.geteuid?.();
  return us === undefined || us === 0 || uid === us || uid === 0;
}

/**
 * A reader has the old one or the new one, whole; `record` is done in between. Root, at the command line, leaves it to the
 * user of the proxy. Resolves with the new one's stamp.
 */
async function replace(path: string, text: string, record: () => Promise<void>): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    let stamp: string;
    try {
      await leaveToOwner(handle, dirname(path));
      await handle.writeFile(text);
      await handle.sync();
      stamp = stampOf(await handle.stat());
    } finally {
      await handle.close();
    }
    await record();
    await rename(temporary, path);
    return stamp;
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** What root makes, the proxy must be able to change: it belongs to whom the folder belongs to. */
async function leaveToOwner(handle: FileHandle, folder: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await handle.chown(uid, gid);
}

/** Resolves with what gives it back. A lock is a file that only one can make. */
async function lock(path: string): Promise<() => Promise<void>> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    try {
      const handle = await open(path, 'wx', 0o600);
      await handle.close();
      return () => unlink(path).catch(() => undefined);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (await isStale(path)) await unlink(path).catch(() => undefined);
      else if (performance.now() > end) throw error;
      else await wait(LOOK_AGAIN);
    }
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs > STALE;
  } catch {
    return false;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
