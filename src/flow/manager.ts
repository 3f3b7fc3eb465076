// Who may ask for the manager's reports, and who prints them. Made by proxy.ts, asked by flow/answer-manager.

import { createHash, timingSafeEqual } from 'node:crypto';
import { parseAuthority } from '../core/authority.ts';
import type { ManagerOptions } from '../core/manager-options.ts';
import { valuesOf } from '../http/admission.ts';
import type { ManagerTarget } from '../http/manager-target.ts';
import { readPasswordFile } from '../net/password-file.ts';
import { TrustedSources } from '../policy/trusted-sources.ts';

/** `password`: it has not shown the right one. `why`: one sentence. */
export type ManagerAdmission = 'in' | 'password' | { readonly why: string };

export class Manager {
  readonly #clients: TrustedSources;
  readonly #password: Buffer | undefined;
  readonly #names: ReadonlySet<string>;
  /** The text of a report; undefined: there is none of this name. */
  readonly report: (name: string) => Promise<string | undefined>;

  /** `names`: ours, as clients know us. Throws ProxyError `config-invalid`, for a password file too. */
  constructor(
    { clients, password, passwordFile }: ManagerOptions,
    names: readonly string[],
    report: (name: string) => Promise<string | undefined>,
  ) {
    const secret = passwordFile === undefined ? password : readPasswordFile(passwordFile);
    this.#clients = new TrustedSources(clients);
    this.#password = secret === undefined ? undefined : digest(secret);
    this.#names = new Set(['localhost', ...names]);
    this.report = report;
  }

  admit(client: string, target: ManagerTarget, rawHeaders: readonly string[]): ManagerAdmission {
    if (!this.#clients.has(client)) return { why: `The manager does not answer ${client}.` };
    const foreign = this.#foreign(target, rawHeaders);
    if (foreign !== undefined) return { why: foreign };
    if (!this.#password) return 'in';
    const shown = [target.password, ...passwordsOf(rawHeaders)];
    // Digests, so that the time it takes says nothing, not even the length.
    const fits = shown.some((one) => one !== undefined && this.#fits(one));
    return fits ? 'in' : 'password';
  }

  #fits(password: string): boolean {
    return this.#password !== undefined && timingSafeEqual(digest(password), this.#password);
  }

  /**
   * A page in a browser on this machine must not read it: neither as itself, which Origin tells, nor under a name that its
   * owner has turned to our address (DNS rebinding). No browser asks for a `cache_object:`.
   */
  #foreign({ url }: ManagerTarget, rawHeaders: readonly string[]): string | undefined {
    if (valuesOf(rawHeaders, 'origin').length > 0) return 'The manager does not answer web pages.';
    if (!url.startsWith('/')) return undefined;
    const host = parseAuthority(valuesOf(rawHeaders, 'host')[0] ?? 'localhost', 80);
    if (host.ok && (host.value.kind !== 'name' || this.#names.has(host.value.host))) return undefined;
    return 'The manager is asked by address, or by a name of this proxy.';
  }
}

/** Of Basic credentials (RFC 7617), whatever the user; Squid's own programs send either field. */
function passwordsOf(rawHeaders: readonly string[]): string[] {
  const values = [...valuesOf(rawHeaders, 'authorization'), ...valuesOf(rawHeaders, 'proxy-authorization')];
  return values.flatMap((value) => {
    const encoded = /^Basic +([A-Za-z0-9+/]{1,1024}={0,2})$/i.exec(value)?.[1];
    const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
    const colon = text.indexOf(':');
    return colon < 0 ? [] : [text.slice(colon + 1)];
  });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
