// One hash of a password as it stands in an htpasswd file: which kind it is, what it costs, and whether a password fits.
// Read at load by htpasswd, compared in the thread of hash-pool.

import { createHash, timingSafeEqual } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import type { Parsed } from '../core/authority.ts';
import { md5Crypt } from './md5-crypt.ts';
import { shaCrypt } from './sha-crypt.ts';

/** Plain data: it goes to the thread as it is. */
export type PasswordHash =
  | { readonly kind: 'bcrypt'; readonly text: string }
  | { readonly kind: 'md5'; readonly magic: '$apr1$' | '$1$'; readonly salt: string; readonly digest: string }
  | { readonly kind: 'sha1'; readonly digest: string }
  | {
      readonly kind: 'sha256' | 'sha512';
      readonly salt: string;
      readonly rounds: number;
      readonly digest: string;
    };

/** Each step doubles the time: 14 takes over a second here, 17 (as far as htpasswd goes) ten. */
export const MAX_BCRYPT_COST = 14;
/** Rounds of SHA-crypt: half a second. */
export const MAX_SHA_ROUNDS = 500_000;
/** bcrypt looks at no more bytes than these, and would take any ending for the right one. */
const MAX_BCRYPT_PASSWORD = 72;
const SHA_ROUNDS = 5_000;

const bad = (reason: string): Parsed<never> => ({ ok: false, reason });
const ok = (value: PasswordHash): Parsed<PasswordHash> => ({ ok: true, value });

/** The reason never quotes the text, which may be a password. */
export function parsePasswordHash(text: string): Parsed<PasswordHash> {
  const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text);
  if (bcrypt) {
    const cost = Number(bcrypt[1]);
    if (cost < 4 || cost > MAX_BCRYPT_COST) return bad(`its bcrypt cost is ${cost}; 4 to ${MAX_BCRYPT_COST} are taken`);
    return ok({ kind: 'bcrypt', text });
  }
  const md5 = /^(\$apr1\$|\$1\$)([^$:\s]{1,8})\$([./A-Za-z0-9]{22})$/.exec(text);
  if (md5) {
    const [, magic, salt = '', digest = ''] = md5;
    return ok({ kind: 'md5', magic: magic === '$1$' ? '$1$' : '$apr1$', salt, digest });
  }
  if (/^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(text)) return ok({ kind: 'sha1', digest: text.slice(5) });
  const sha = /^\$([56])\$(?:rounds=([1-9]\d{0,9})\$)?([^$:\s]{1,16})\$([./A-Za-z0-9]+)$/.exec(text);
  if (sha) return parseSha(sha);
  if (/^[./A-Za-z0-9]{13}$/.test(text)) {
    return bad('its password is hashed by DES, which looks at 8 characters only (or it stands there in plain text)');
  }
  if (/^\$[\w-]{1,16}\$/.test(text) || /^\{\w{1,16}\}/.test(text))
    return bad('its hash is of a kind that is not taken');
  return bad('its password stands there in plain text, or its hash is damaged');
}

function parseSha([, digit, given, salt = '', digest = '']: RegExpExecArray): Parsed<PasswordHash> {
  const kind = digit === '5' ? 'sha256' : 'sha512';
  // The specification raises what is less, so that no hash of fewer rounds is to be found.
  const rounds = given === undefined ? SHA_ROUNDS : Math.max(1_000, Number(given));
  if (rounds > MAX_SHA_ROUNDS) return bad(`its hash takes ${rounds} rounds; ${MAX_SHA_ROUNDS} are taken`);
  if (digest.length !== (kind === 'sha256' ? 43 : 86)) return bad('its hash is damaged');
  return ok({ kind, salt, rounds, digest });
}

/** Whether it takes so long that it must not be done between two requests. */
export function isSlow({ kind }: PasswordHash): boolean {
  return kind !== 'sha1';
}

/** Blocks for as long as the hash takes: up to a second and more. */
export function fits(hash: PasswordHash, password: string): boolean {
  const bytes = Buffer.from(password);
  switch (hash.kind) {
    case 'bcrypt':
      return bytes.length <= MAX_BCRYPT_PASSWORD && compareSync(password, hash.text);
    case 'md5':
      return sameText(md5Crypt(bytes, hash.salt, hash.magic), hash.digest);
    case 'sha1':
      return sameText(createHash('sha1').update(bytes).digest('base64'), hash.digest);
    case 'sha256':
    case 'sha512':
      return sameText(shaCrypt(bytes, hash.salt, hash.rounds, hash.kind), hash.digest);
  }
}

function sameText(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
