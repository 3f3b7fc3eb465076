// The token that makes an operator of who shows it over TCP. Read by the admin server when it opens, and at a reload.

import { hash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { messageOf, ProxyError } from '../core/errors.ts';

/** Characters: fewer could be guessed. */
const SHORTEST = 16;

export class OperatorToken {
  readonly #digest: Buffer;
  /** Whether every user of this machine may read its file. */
  readonly isOpen: boolean;

  private constructor(token: string, isOpen: boolean) {
    this.#digest = digestOf(token);
    this.isOpen = isOpen;
  }

  /** The first line of the file. Throws ProxyError `admin-failed`, which never quotes it. */
  static async read(file: string): Promise<OperatorToken> {
    let text: string;
    let isOpen: boolean;
    try {
      text = await readFile(file, 'utf8');
      isOpen = ((await stat(file)).mode & 0o004) !== 0;
    } catch (thrown) {
      throw new ProxyError('admin-failed', `${file}: the token cannot be read (${messageOf(thrown)}).`);
    }
    const [token = ''] = text.split(/\r?\n/, 1);
    if (token.length < SHORTEST || !/^[\x21-\x7e]+$/.test(token)) {
      const mend = 'make one by: openssl rand -hex 20';
      throw new ProxyError(
        'admin-failed',
        `${file}: the first line is no token of ${SHORTEST} characters or more; ${mend}`,
      );
    }
    return new OperatorToken(token, isOpen);
  }

  /** The value of an Authorization field, if there was one. How long it takes says nothing about how much of it is right. */
  fits(authorization: string | undefined): boolean {
    const shown = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    return shown !== undefined && timingSafeEqual(this.#digest, digestOf(shown));
  }
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
