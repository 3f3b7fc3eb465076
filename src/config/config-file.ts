// The bytes of a config file as text, or one sentence why there is none. load.ts calls it.

import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { messageOf, ProxyError } from '../core/errors.ts';

/** 4 MiB: a hundred thousand rules of the shortest kind; more than that is some other file, named by mistake. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

const SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file, since a part of its path is not a directory',
  EISDIR: 'this is a directory; name the file in it',
  EACCES: 'this user may not read the file',
  EPERM: 'this user may not read the file',
  ELOOP: 'its symbolic links lead in a circle',
};

/** The text without a byte order mark; throws ProxyError `config-invalid`. */
export async function readConfigFile(file: string): Promise<string> {
  const bytes = await readBytes(file);
  if (bytes.length > MAX_CONFIG_BYTES) throw refuse(file, 'the file is larger than 4 MiB');
  const text = decode(file, bytes);
  if (text.trim() === '') throw refuse(file, 'the file is empty; the least it can hold is "version: 1"');
  return text;
}

/** At most one byte more than allowed, so that a device or a pipe without end is noticed and not read on. */
async function readBytes(file: string): Promise<Buffer> {
  try {
    return await buffer(createReadStream(file, { end: MAX_CONFIG_BYTES }));
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    throw refuse(file, SENTENCES[code] ?? `the file cannot be read (${messageOf(thrown)})`, thrown);
  }
}

function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw refuse(file, 'the file is not UTF-8 text', thrown);
  }
}

function refuse(file: string, sentence: string, cause?: unknown): ProxyError {
  return new ProxyError('config-invalid', `${file}: ${sentence}`, { cause });
}
