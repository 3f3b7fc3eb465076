// Says whether an address may be dialled: global unicast only, unless the config opens a range, and never our own
// listeners. net/ asks for the very address it is about to dial, so no spelling and no rebinding gets around it.

import { isIP } from 'node:net';
import { ProxyError } from '../core/errors.ts';
import { classifyAddress, embeddedIPv4 } from './address-class.ts';
import { AddressSet, parseAddress, parseAddressRange } from './address-set.ts';
import { compileEach, type Problem } from './problem.ts';

export interface AddressGuardOptions {
  /** Addresses and CIDR ranges that may be dialled although they are not global. */
  readonly allowAddresses: readonly string[];
  /** Whether something of this proxy listens there; asked with the address and with the IPv4 address inside it. */
  readonly isOwn?: (address: string, port: number) => boolean;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export class AddressGuard {
  readonly #allowed: AddressSet;
  readonly #isOwn: (address: string, port: number) => boolean;
  readonly #judged = new Map<string, Judged>();

  /** Throws ProxyError('config-invalid') when a range cannot be read; `parseAllowAddresses` tells where. */
  constructor({ allowAddresses, isOwn = () => false }: AddressGuardOptions) {
    const allowed = parseAllowAddresses(allowAddresses);
    if (!allowed.ok) throw new ProxyError('config-invalid', allowed.problems.map(({ message }) => message).join('; '));
    this.#allowed = allowed.value;
    this.#isOwn = isOwn;
  }

  /** `address` is an IP address as Node spells it. The reason names the class of what is refused. */
  check(address: string, port: number): Verdict {
    const { inside, verdict } = this.#judged.get(address) ?? this.#remember(address);
    const isLoop = this.#isOwn(address, port) || (inside !== undefined && this.#isOwn(inside, port));
    return isLoop ? { ok: false, reason: `loop: ${address} port ${port} is this proxy itself` } : verdict;
  }

  #remember(address: string): Judged {
    const judged = this.#judge(address);
    if (this.#judged.size >= MAX_JUDGED) this.#judged.clear();
    this.#judged.set(address, judged);
    return judged;
  }

  #judge(address: string): Judged {
    const parsed = parseAddress(address);
    if (!parsed || isIP(address) === 0) return refused(`"${address}" is not an IP address`);
    if (address.includes('%')) return refused(`address with a zone id ${address}`);
    const inside = embeddedIPv4(address);
    if (this.#allowed.has(parsed)) {
      // An opened translation prefix (NAT64) opens the way, not the private addresses at its other end.
      return { inside, verdict: inside === undefined || parsed.family === 4 ? OK : this.#judge(inside).verdict };
    }
    const reason = classifyAddress(address);
    return reason === undefined ? { inside, verdict: OK } : { inside, verdict: { ok: false, reason } };
  }
}

/** What can be said of an address whatever the port. */
interface Judged {
  /** The IPv4 address inside an IPv6 one. */
  readonly inside: string | undefined;
  readonly verdict: Verdict;
}

function refused(reason: string): Judged {
  return { inside: undefined, verdict: { ok: false, reason } };
}

/** Addresses whose judgement is kept: origins come again, and to judge one takes longer than to decide on its host. */
const MAX_JUDGED = 4_096;

const OK: Verdict = { ok: true };

/** The opened ranges; the paths of the problems start inside the list. */
export function parseAllowAddresses(
  entries: readonly string[],
): { readonly ok: true; readonly value: AddressSet } | { readonly ok: false; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const ranges = compileEach(entries, parseAddressRange, [], problems);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: new AddressSet(ranges) };
}
