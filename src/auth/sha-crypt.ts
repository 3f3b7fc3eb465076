// SHA-256 and SHA-512 of crypt(3) (`$5$`, `$6$`), by the specification of their author. Called by password-hash.

import { createHash } from 'node:crypto';
import { cryptBase64 } from './crypt-base64.ts';

export type ShaName = 'sha256' | 'sha512';

const SIZE: Readonly<Record<ShaName, number>> = { sha256: 32, sha512: 64 };

/** Returns the last field of the hash. */
export function shaCrypt(password: Buffer, salt: string, rounds: number, name: ShaName): string {
  const size = SIZE[name];
  const digest = (...parts: (Buffer | string)[]): Buffer => {
    const hash = createHash(name);
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const alternate = digest(password, salt, password);
  const first = createHash(name).update(password).update(salt).update(repeat(alternate, password.length));
  for (let bits = password.length; bits > 0; bits >>= 1) first.update((bits & 1) === 1 ? alternate : password);
  let current = first.digest();
  const p = repeat(digest(Buffer.concat(Array.from({ length: password.length }, () => password))), password.length);
  const salts = Array.from({ length: 16 + (current[0] ?? 0) }, () => salt);
  const s = repeat(digest(salts.join('')), Buffer.byteLength(salt));
  for (let round = 0; round < rounds; round += 1) {
    const odd = (round & 1) === 1;
    const next = createHash(name).update(odd ? p : current);
    if (round % 3 !== 0) next.update(s);
    if (round % 7 !== 0) next.update(p);
    current = next.update(odd ? current : p).digest();
  }
  return cryptBase64(current, size === 32 ? ORDER_256 : ORDER_512);
}

/** The first `length` bytes of the bytes said again and again. */
function repeat(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

const ORDER_256 = [
  ...Array.from({ length: 10 }, (_, at) => rotated([at, at + 10, at + 20], (3 - (at % 3)) % 3)),
  [31, 30],
];
const ORDER_512 = [...Array.from({ length: 21 }, (_, at) => rotated([at, at + 21, at + 42], at % 3)), [63]];

/** Turned to the left. */
function rotated(group: readonly number[], by: number): readonly number[] {
  return [...group.slice(by), ...group.slice(0, by)];
}
