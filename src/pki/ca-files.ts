// The two files of the CA on disk: who may read and write them, and how they are made so that a crash leaves them whole
// or absent. Called by certificate-authority.

import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, ProxyError } from '../core/errors.ts';

/** Far above any chain of certificates; a device or a log named by mistake is not read to its end. */
const MAX_FILE = 1024 * 1024;
/** In a folder with this bit only the owner of a file, or of the folder, may rename or delete it. */
const STICKY = 0o1000;

export interface CaPaths {
  readonly cert: string;
  readonly key: string;
}

export interface Present {
  readonly cert: boolean;
  readonly key: boolean;
}

/** `detail` names the file and the mend, in one sentence. */
export function unusable(detail: string, cause?: unknown): ProxyError {
  return new ProxyError('ca-unusable', detail, { cause });
}

/** Which of the two are there, as a file or as anything else. Throws `ca-unusable` when it cannot be told. */
export async function presentFiles(paths: CaPaths): Promise<Present> {
  return { cert: await exists(paths.cert), key: await exists(paths.key) };
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw unusable(`${path} cannot be looked up (${messageOf(error)}); make its folder accessible.`, error);
  }
}

/** Text of the certificate file. It is public, so anybody may read it. */
export async function readCertificateFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE) throw unusable(`${path} is larger than 1 MiB; name the PEM file of the CA certificate.`);
    return await readFile(path, 'latin1');
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw unusable(`${path} cannot be read (${messageOf(error)}); make it readable for this user.`, error);
  }
}

/**
 * Text of a file that holds a secret. Refuses what anybody but this user and root could read or put in its place:
 * checked on the open file, so that it cannot be exchanged between the look and the read.
 */
export async function readSecretFile(path: string): Promise<string> {
  await checkFolder(dirname(path));
  // Without O_NONBLOCK the open of a pipe would wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch((error: unknown) => {
    throw codeOf(error) === 'ELOOP'
      ? unusable(`${path} is a symbolic link; name the file itself.`, error)
      : unusable(`${path} cannot be read (${messageOf(error)}); make it readable for this user.`, error);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw unusable(`${path} is not a file; name the PEM file of the key.`);
    if (!ownedByUsOrRoot(stats)) {
      throw unusable(`${path} belongs to another user (uid ${stats.uid}); chown it to the user of the proxy.`);
    }
    if ((stats.mode & (isCredential(path, stats) ? 0o037 : 0o077)) !== 0) {
      throw unusable(`${path} is open to group or others (mode ${octal(stats)}); run: chmod 600 ${path}`);
    }
    if (stats.size > MAX_FILE) throw unusable(`${path} is larger than 1 MiB; name the PEM file of the key.`);
    return await handle.readFile('latin1');
  } finally {
    await handle.close();
  }
}

/** Whoever may write to a folder may exchange its files. The sticky bit keeps others' hands off in our own folder only. */
async function checkFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: unknown) => {
    throw unusable(`${folder} cannot be looked up (${messageOf(error)}); make it accessible.`, error);
  });
  if (!stats.isDirectory()) throw unusable(`${folder} is not a folder; name a file in a folder.`);
  if (!ownedByUsOrRoot(stats)) {
    throw unusable(
      `${folder} belongs to another user (uid ${stats.uid}); keep the key in a folder of the proxy's user.`,
    );
  }
  const sticky = (stats.mode & STICKY) !== 0 && stats.uid === process.geteuid?.();
  if ((stats.mode & 0o022) !== 0 && !sticky) {
    throw unusable(`${folder} is writable for group or others (mode ${octal(stats)}); run: chmod go-w ${folder}`);
  }
}

/**
 * Writes both files where neither is, the key for this user alone whatever the umask; the key first, so that there
 * is never a certificate that nobody can sign for. False when one of them has appeared meanwhile: nothing is ever
 * overwritten.
 */
export async function writeCaFiles(paths: CaPaths, content: CaPaths): Promise<boolean> {
  const temporary: string[] = [];
  try {
    await makeFolder(dirname(paths.key), 0o700);
    await makeFolder(dirname(paths.cert), 0o755);
    await closeToGroup(dirname(paths.key));
    await checkFolder(dirname(paths.key));
    if (paths.cert === paths.key) {
      const both = await writeTemporary(paths.key, content.key + content.cert, 0o600, temporary);
      return await linkOne(both, paths.key);
    }
    const key = await writeTemporary(paths.key, content.key, 0o600, temporary);
    const cert = await writeTemporary(paths.cert, content.cert, 0o644, temporary);
    return await linkBoth({ key, cert }, paths);
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw unusable(
      `${paths.key} and ${paths.cert} cannot be made (${messageOf(error)}); make their folder writable.`,
      error,
    );
  } finally {
    await Promise.all(temporary.map((path) => unlink(path).catch(ignoreAbsent)));
  }
}

/** A hard link appears whole or not at all, and unlike a rename it never replaces a file. */
async function linkBoth(from: CaPaths, to: CaPaths): Promise<boolean> {
  if (!(await linkOne(from.key, to.key))) return false;
  try {
    await link(from.cert, to.cert);
  } catch (error) {
    await unlink(to.key);
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  await syncFolder(dirname(to.key));
  await syncFolder(dirname(to.cert));
  return true;
}

/** One file may hold both, as Squid has it; then it is as secret as the key in it. */
async function linkOne(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  await syncFolder(dirname(to));
  return true;
}

async function writeTemporary(path: string, text: string, mode: number, made: string[]): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  made.push(temporary);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}

async function makeFolder(folder: string, mode: number): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode });
  // A umask may have taken away our own rights too.
  if (first !== undefined) await chmod(folder, mode);
}

/** A checkout under umask 002 leaves its folders writable for the group: that of a key about to be made must not stay so. */
async function closeToGroup(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder);
  const isOurs = uid === process.geteuid?.() && (mode & STICKY) === 0;
  if (isOurs && (mode & 0o022) !== 0) await chmod(folder, mode & 0o7755);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * A secret that systemd has put into a folder of this service alone. Where it gives us the right to read by a list on a file
 * of root's, the mask of that list stands where the rights of the group would.
 */
function isCredential(path: string, stats: Stats): boolean {
  return stats.uid === 0 && stats.gid === 0 && dirname(path) === process.env['CREDENTIALS_DIRECTORY'];
}

/** Where there are no user ids, the system keeps its own lists of who may read what. */
function ownedByUsOrRoot(stats: Stats): boolean {
  const us = process.geteuid?.();
  return us === undefined || stats.uid === us || stats.uid === 0;
}

function ignoreAbsent(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

const octal = (stats: Stats): string => (stats.mode & 0o7777).toString(8).padStart(4, '0');
const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
