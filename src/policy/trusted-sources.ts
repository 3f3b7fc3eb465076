// The addresses whose word is taken for whose connection they pass on. net/proxy-headers asks for each connection; config/
// reads the list to find mistakes.

import { ProxyError } from '../core/errors.ts';
import { parseAllowAddresses } from './address-guard.ts';
import { type AddressSet, parseAddress } from './address-set.ts';

export class TrustedSources {
  readonly #set: AddressSet;

  /** Throws ProxyError('config-invalid') when an entry is no address or range; `parseAllowAddresses` tells which. */
  constructor(entries: readonly string[]) {
    const parsed = parseAllowAddresses(entries);
    if (!parsed.ok) throw new ProxyError('config-invalid', parsed.problems.map(({ message }) => message).join('; '));
    this.#set = parsed.value;
  }

  /** `address` as Node spells it. */
  has(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed !== undefined && this.#set.has(parsed);
  }
}
