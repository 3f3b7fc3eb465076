// Finds what is filed under the host patterns that match a host, in time that does not grow with their number: one
// look into a map per label of the host. policy.ts files its rules here, shadow.ts asks it what covers what.

import type { Authority, HostKind } from '../core/authority.ts';
import { Memo } from '../core/memo.ts';
import { type HostPattern, matchLabels } from './host-pattern.ts';

/** What hangs at one suffix, or at one whole host. */
interface Shelf<T> {
  exact: T[] | undefined;
  tree: T[] | undefined;
  below: T[] | undefined;
  /** Patterns with a star in a label, by their fixed suffix. */
  starred: { readonly pattern: HostPattern; readonly value: T }[] | undefined;
}

type Lists<T> = readonly (readonly T[])[];

interface Found<T> {
  readonly kind: HostKind;
  readonly lists: Lists<T>;
}

/** Hosts that are asked for again and again. */
const MOST_FOUND = 512;

export class HostMatcher<T> {
  readonly #shelves = new Map<string, Shelf<T>>();
  readonly #any: T[] = [];
  readonly #starredByText = new Map<string, T>();
  /** What was found for a host before, from the first look on. */
  #found: Memo<Found<T>> | undefined;

  /** Values under one pattern keep the order in which they were added. */
  add(pattern: HostPattern, value: T): void {
    this.#found?.clear();
    if (pattern.scope === 'any') {
      this.#any.push(value);
      return;
    }
    let shelf = this.#shelves.get(pattern.suffix);
    if (!shelf) {
      shelf = { exact: undefined, tree: undefined, below: undefined, starred: undefined };
      this.#shelves.set(pattern.suffix, shelf);
    }
    const list = shelf[pattern.scope];
    if (pattern.labels.length > 0) {
      if (!this.#starredByText.has(pattern.text)) this.#starredByText.set(pattern.text, value);
      if (shelf.starred) shelf.starred.push({ pattern, value });
      else shelf.starred = [{ pattern, value }];
    } else if (list) list.push(value);
    else shelf[pattern.scope] = [value];
  }

  /** One list per matching place, none of them empty, each in the order of `add`. */
  find(wanted: Pick<Authority, 'kind' | 'host'>): Lists<T> {
    this.#found ??= new Memo(MOST_FOUND);
    const known = this.#found.get(wanted.host);
    if (known?.kind === wanted.kind) return known.lists;
    const lists = this.#search(wanted);
    this.#found.set(wanted.host, { kind: wanted.kind, lists });
    return lists;
  }

  #search({ kind, host }: Pick<Authority, 'kind' | 'host'>): Lists<T> {
    const lists: (readonly T[])[] = [];
    if (this.#any.length > 0) lists.push(this.#any);
    const own = this.#shelves.get(host);
    if (own?.exact) lists.push(own.exact);
    if (own?.tree) lists.push(own.tree);
    // An address has no labels: `.1` is not above 10.0.0.1.
    if (kind !== 'name') return lists;
    let end = host.indexOf('.');
    while (end >= 0) {
      this.#findBelow(lists, host, end, host.slice(end + 1));
      end = host.indexOf('.', end + 1);
    }
    this.#findBelow(lists, host, host.length, '');
    return lists;
  }

  /** What hangs at `suffix` and matches a name of which the first `end` characters stand in front of it. */
  #findBelow(lists: (readonly T[])[], name: string, end: number, suffix: string): void {
    const shelf = this.#shelves.get(suffix);
    if (shelf?.tree) lists.push(shelf.tree);
    if (shelf?.below) lists.push(shelf.below);
    if (!shelf?.starred) return;
    const before = name.slice(0, end).split('.');
    const values = shelf.starred.filter(({ pattern }) => matchLabels(pattern, before)).map(({ value }) => value);
    if (values.length > 0) lists.push(values);
  }

  /** The value of a pattern that matches every host that `pattern` matches; the first that comes to hand. */
  cover(pattern: HostPattern): T | undefined {
    const known = this.#any[0] ?? this.#starredByText.get(pattern.text);
    if (known !== undefined || pattern.scope === 'any') return known;
    if (pattern.scope === 'exact' && pattern.labels.length === 0) {
      return this.find({ kind: pattern.kind, host: pattern.suffix })[0]?.[0];
    }
    let suffix = pattern.suffix;
    let isBelow = pattern.scope === 'below' || pattern.labels.length > 0;
    while (suffix !== '') {
      const shelf = this.#shelves.get(suffix);
      const value = shelf?.tree?.[0] ?? (isBelow ? shelf?.below?.[0] : undefined);
      if (value !== undefined) return value;
      const dot = suffix.indexOf('.');
      suffix = dot < 0 ? '' : suffix.slice(dot + 1);
      isBelow = true;
    }
    return undefined;
  }
}
