// The password for a parent proxy, from a file of its own. Called by net/parents at start.

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { messageOf, ProxyError } from '../core/errors.ts';

const MAX_SIZE = 4_096;

/** The first line. Throws ProxyError `config-invalid` that names the file, never what is in it. */
export function readPasswordFile(path: string): string {
  const text = readSmallFile(path);
  const password = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  if (password === '') throw unusable(`${path} is empty; its first line is the password.`);
  return password;
}

function readSmallFile(path: string): string {
  let file: number | undefined;
  try {
    // Without O_NONBLOCK the open of a pipe would wait for its writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) throw unusable(`${path} is not a file.`);
    // A group may be how a secret is handed to a service; everybody is a mistake.
    if ((stats.mode & 0o007) !== 0) throw unusable(`${path} is open to everybody; run: chmod o= ${path}`);
    if (stats.size > MAX_SIZE)
      throw unusable(`${path} is larger than ${MAX_SIZE} bytes; its first line is the password.`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw unusable(`${path} cannot be read (${messageOf(error)}); make it readable for this user.`, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function unusable(detail: string, cause?: unknown): ProxyError {
  return new ProxyError('config-invalid', `The password file ${detail}`, { cause });
}
