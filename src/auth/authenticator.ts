// Says who is asking: knows users, tokens and groups, keeps verdicts, has hashes compared in a thread, and takes the files
// anew when they change. Made by proxy.ts, asked by flow/identify for each CONNECT and each request on the plain side.

import { asProxyError, ProxyError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { HashPool } from './hash-pool.ts';
import { type AuthOptions, DEFAULT_REALM } from './options.ts';
import { fits, isSlow, type PasswordHash } from './password-hash.ts';
import { Registry } from './registry.ts';
import { stampOf, watchTextFiles } from './text-file.ts';
import { userOfToken } from './tokens.ts';
import { digestOf, Verdicts } from './verdicts.ts';

export type Verdict = { readonly identity: Identity } | { readonly error: ProxyError };

/** Lets a check that costs something begin; false: this client has asked for too many of them. */
export type Admit = () => Promise<boolean>;

export interface AuthenticatorReports {
  readonly reloaded: (file: string) => void;
  /** The file has changed and cannot be used: what it said before still holds. */
  readonly failed: (error: ProxyError) => void;
}

const RIGHT = { ceiling: 4_096, life: 600_000 };
/** Apart from the right ones, which a flood of wrong ones shall not push out. */
const WRONG = { ceiling: 1_024, life: 60_000 };

export class Authenticator {
  /** Value of Proxy-Authenticate; undefined where there are client certificates only. */
  readonly challenge: string | undefined;
  readonly #options: AuthOptions;
  readonly #pool = new HashPool();
  readonly #right = new Verdicts<Verdict>(RIGHT);
  readonly #wrong = new Verdicts<Verdict>(WRONG);
  /** Checks under way, by credentials and client: a browser opens six connections at once. */
  readonly #pending = new Map<string, Promise<Verdict>>();
  #registry: Registry;
  #stopWatching: (() => void) | undefined;

  private constructor(options: AuthOptions, registry: Registry) {
    this.#options = options;
    this.#registry = registry;
    const takesBasic = options.basic !== undefined || options.tokens !== undefined;
    const realm = (options.basic?.realm ?? DEFAULT_REALM).replace(/["\\]/g, '\\$&');
    this.challenge = takesBasic ? `Basic realm="${realm}", charset="UTF-8"` : undefined;
  }

  /** Throws ProxyError `auth-unusable` that names file and line. */
  static async open(options: AuthOptions, reports?: AuthenticatorReports): Promise<Authenticator> {
    const { basic, tokens, groupFile } = options;
    const files = [basic?.htpasswd, tokens, groupFile].filter((file) => file !== undefined);
    const stamps = await Promise.all(files.map(stampOf));
    const authenticator = new Authenticator(options, await Registry.read(options));
    if (reports) authenticator.#watch(files, stamps, reports);
    return authenticator;
  }

  /** Names of all groups that there are now. */
  get groupNames(): ReadonlySet<string> {
    return this.#registry.groupNames;
  }

  /** Verdicts kept now, for whoever wants to see that they have an end. */
  get kept(): number {
    return this.#right.size + this.#wrong.size;
  }

  /** Whoever has shown a certificate for this name. */
  certified(user: string): Identity {
    return this.#registry.certified(user);
  }

  /**
   * The verdict on the values of Proxy-Authorization, of which there is one at least; at once where it is known or costs
   * nothing. `client` is whom the work is counted for. Never rejects.
   */
  check(values: readonly string[], client: string, admit: Admit): Verdict | Promise<Verdict> {
    const [field = '', ...more] = values;
    const digest = digestOf(field);
    const known = more.length > 0 ? undefined : (this.#right.get(digest) ?? this.#wrong.get(digest));
    if (known) return known;
    const read = readCredentials(values);
    if (!read.ok) return { error: new ProxyError('auth-failed', `${sentence(read.reason)}.`) };
    const byToken = this.#checkToken(read.value, digest);
    if (byToken) return byToken;
    // That one client has asked for too much is no answer to another.
    const key = `${digest} ${client}`;
    const pending = this.#pending.get(key);
    if (pending) return pending;
    const begun = this.#checkPassword(read.value, digest, client, admit).finally(() => this.#pending.delete(key));
    this.#pending.set(key, begun);
    return begun;
  }

  /** The same user as it is known now; undefined: it is not any more. */
  current({ user, by }: Identity): Identity | undefined {
    return this.#registry.knows(user, by) ? this.#registry.identity(user, by) : undefined;
  }

  /** Another takes its place: closes once whoever has asked has its answer. */
  async retire(): Promise<void> {
    this.#stopWatching?.();
    await Promise.allSettled(this.#pending.values());
    await this.close();
  }

  async close(): Promise<void> {
    this.#stopWatching?.();
    await this.#pool.close();
  }

  /** A token stands alone in the place of the user, or as the password of the user whose it is. */
  #checkToken({ user, password }: Credentials, digest: string): Verdict | undefined {
    const owner = userOfToken(this.#registry.tokens, password === '' ? user : password);
    if (owner === undefined || (password !== '' && owner !== user)) return undefined;
    const verdict = { identity: this.#registry.identity(owner, 'token') };
    this.#right.set(digest, verdict);
    return verdict;
  }

  async #checkPassword(credentials: Credentials, digest: string, client: string, admit: Admit): Promise<Verdict> {
    if (!(await admit())) return { error: new ProxyError('client-limit', 'It has tried too many passwords.') };
    const registry = this.#registry;
    const { user, password } = credentials;
    // No hash is compared with nothing, and none in the place of a token.
    const own = password === '' ? undefined : registry.hashes.get(user);
    const compared = await this.#compare(client, own ?? decoyOf(registry), password);
    if (compared === 'busy') return { error: new ProxyError('auth-unavailable') };
    const fitting = compared === 'fits' && own !== undefined;
    const verdict = fitting ? { identity: registry.identity(user, 'password') } : { error: WRONG_CREDENTIALS };
    // The file may have changed meanwhile: then this one holds for the request that asked for it.
    if (registry === this.#registry) (fitting ? this.#right : this.#wrong).set(digest, verdict);
    return verdict;
  }

  async #compare(client: string, hash: PasswordHash | undefined, password: string): Promise<'fits' | 'wrong' | 'busy'> {
    if (!hash || password === '') return 'wrong';
    if (isSlow(hash)) return this.#pool.compare(client, hash, password);
    return fits(hash, password) ? 'fits' : 'wrong';
  }

  #watch(files: readonly string[], stamps: readonly string[], { reloaded, failed }: AuthenticatorReports): void {
    this.#stopWatching = watchTextFiles(files, stamps, async (file) => {
      try {
        this.#registry = await Registry.read(this.#options);
        this.#right.clear();
        this.#wrong.clear();
        reloaded(file);
      } catch (thrown) {
        failed(asProxyError(thrown, 'auth-unusable'));
      }
    });
  }
}

const WRONG_CREDENTIALS = new ProxyError('auth-failed', 'No user and no token is known by them.');

/** Compared in vain where there is no such user, so that the time it takes does not tell who there is. */
function decoyOf({ hashes }: Registry): PasswordHash | undefined {
  const [first] = hashes.values();
  return first;
}

const sentence = (reason: string): string => reason.charAt(0).toUpperCase() + reason.slice(1);
