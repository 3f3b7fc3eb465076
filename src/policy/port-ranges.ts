// A set of ports written as `443` or `1025-65535`; rules, connectPorts and httpPorts are made of it.

import { parsePort } from '../core/authority.ts';
import { type Checked, sound, unsound } from './problem.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export class PortRanges {
  readonly #ranges: readonly PortRange[];

  constructor(ranges: readonly PortRange[]) {
    this.#ranges = ranges;
  }

  has(port: number): boolean {
    return this.#ranges.some(({ first, last }) => first <= port && port <= last);
  }

  overlaps(other: PortRanges): boolean {
    return this.#ranges.some((a) => other.#ranges.some((b) => a.first <= b.last && b.first <= a.last));
  }

  /** As in the config: `80, 443, 1025-65535`; `none` when there is no port in it. */
  toString(): string {
    if (this.#ranges.length === 0) return 'none';
    return this.#ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
  }
}

/** Parses one entry: a port as number or text, or `first-last`, both ends included. */
export function parsePortRange(entry: number | string): Checked<PortRange> {
  const [from = '', to = from, ...more] = String(entry).split('-');
  const first = parsePort(from);
  const last = parsePort(to);
  if (!first.ok || !last.ok || more.length > 0) {
    return unsound(`"${entry}" is not a port from 1 to 65535, nor a range of ports such as 1025-65535`);
  }
  if (first.value > last.value) {
    return unsound(`the port range "${entry}" runs backwards`, `write "${last.value}-${first.value}"`);
  }
  return sound({ first: first.value, last: last.value });
}
