// The MD5 hash of htpasswd (`$apr1$`) and of old crypt(3) (`$1$`): a thousand rounds. Called by password-hash.

import { createHash } from 'node:crypto';
import { cryptBase64 } from './crypt-base64.ts';

const ROUNDS = 1_000;
const ORDER = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]];

/** `magic` is `$apr1$` or `$1$`. Returns the last field of the hash, 22 characters. */
export function md5Crypt(password: Buffer, salt: string, magic: string): string {
  const alternate = md5(password, salt, password);
  const first = createHash('md5').update(password).update(magic).update(salt);
  for (let left = password.length; left > 0; left -= 16) first.update(alternate.subarray(0, Math.min(16, left)));
  // As it was written in 1994: a zero byte for each bit that is set, else the first byte of the password.
  for (let bits = password.length; bits > 0; bits >>= 1) {
    first.update((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1));
  }
  let digest = first.digest();
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = (round & 1) === 1;
    const next = createHash('md5').update(odd ? password : digest);
    if (round % 3 !== 0) next.update(salt);
    if (round % 7 !== 0) next.update(password);
    digest = next.update(odd ? digest : password).digest();
  }
  return cryptBase64(digest, ORDER);
}

function md5(...parts: (Buffer | string)[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
