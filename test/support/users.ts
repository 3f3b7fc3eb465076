// Users, tokens and groups in files of their own, for proxies that ask who is asking.

import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';

/** The cheapest that bcrypt has. */
const COST = 4;

export interface UserFiles {
  readonly folder: string;
  readonly htpasswd: string;
  readonly tokens: string;
}

/** `users`: passwords by user; `tokens` likewise. */
export function writeUsers(
  users: Readonly<Record<string, string>>,
  tokens: Readonly<Record<string, string>> = {},
): UserFiles {
  const folder = mkdtempSync(join(tmpdir(), 'users-'));
  const files = { folder, htpasswd: join(folder, 'users.htpasswd'), tokens: join(folder, 'tokens.txt') };
  writeFileSync(
    files.htpasswd,
    linesOf(users, (password) => hashSync(password, COST)),
  );
  writeFileSync(
    files.tokens,
    linesOf(tokens, (token) => createHash('sha256').update(token).digest('hex')),
  );
  return files;
}

function linesOf(secrets: Readonly<Record<string, string>>, hide: (secret: string) => string): string {
  return Object.entries(secrets)
    .map(([user, secret]) => `${user}:${hide(secret)}\n`)
    .join('');
}

/** The field, with its line end. */
export function basic(user: string, password: string): string {
  return `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
}
