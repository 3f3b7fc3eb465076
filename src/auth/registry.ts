// What the files say of users, tokens and groups, as one value that is replaced as a whole. Made by the authenticator.

import type { Identity } from '../core/identity.ts';
import { type Groups, groupsByUser, parseGroups } from './groups.ts';
import { parseHtpasswd } from './htpasswd.ts';
import type { AuthOptions } from './options.ts';
import type { PasswordHash } from './password-hash.ts';
import { readTextFile } from './text-file.ts';
import { parseTokens, type Tokens } from './tokens.ts';

const NO_GROUPS: ReadonlySet<string> = new Set();
/** Identities of certificates remembered. */
const MAX_KNOWN = 4_096;

export class Registry {
  readonly hashes: ReadonlyMap<string, PasswordHash>;
  readonly tokens: Tokens;
  /** Names of all groups that there are. */
  readonly groupNames: ReadonlySet<string>;
  readonly #groups: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #certified = new Map<string, Identity>();

  constructor(hashes: ReadonlyMap<string, PasswordHash>, tokens: Tokens, groups: readonly Groups[]) {
    this.hashes = hashes;
    this.tokens = tokens;
    this.groupNames = new Set(groups.flatMap((source) => [...source.keys()]));
    this.#groups = groupsByUser(...groups);
  }

  /** Throws ProxyError `auth-unusable` that names file and line. */
  static async read({ basic, tokens, groups, groupFile }: AuthOptions): Promise<Registry> {
    const inConfig: Groups = new Map(Object.entries(groups));
    return new Registry(
      basic ? await readTextFile(basic.htpasswd, parseHtpasswd) : new Map(),
      tokens === undefined ? new Map() : await readTextFile(tokens, parseTokens),
      groupFile === undefined ? [inConfig] : [inConfig, await readTextFile(groupFile, parseGroups)],
    );
  }

  /** Certificates say themselves whom they name. */
  knows(user: string, by: Identity['by']): boolean {
    if (by === 'password') return this.hashes.has(user);
    return by === 'certificate' || [...this.tokens.values()].includes(user);
  }

  identity(user: string, by: Identity['by']): Identity {
    return { user, groups: this.#groups.get(user) ?? NO_GROUPS, by };
  }

  /** One and the same for each connection with a certificate for this name. */
  certified(user: string): Identity {
    const known = this.#certified.get(user);
    if (known) return known;
    const identity = this.identity(user, 'certificate');
    if (this.#certified.size >= MAX_KNOWN) this.#certified.clear();
    this.#certified.set(user, identity);
    return identity;
  }
}
