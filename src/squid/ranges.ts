// Sets of whole numbers as sorted ranges, with what the translation needs of sets: both, all but, is all of it in there.
// Ports are such a set, and so are the addresses of each family.

export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** Sorted, disjoint, and no two of them touch. */
export type Ranges = readonly Range[];

export function normalRanges(ranges: readonly Range[]): Ranges {
  const sorted = [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Range[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before && range.first <= before.last + 1n) {
      if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last };
    } else merged.push(range);
  }
  return merged;
}

export function bothRanges(a: Ranges, b: Ranges): Ranges {
  const out: Range[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [one, other] = [a[i], b[j]];
    if (!one || !other) return out;
    const first = one.first > other.first ? one.first : other.first;
    const last = one.last < other.last ? one.last : other.last;
    if (first <= last) out.push({ first, last });
    if (one.last < other.last) i += 1;
    else j += 1;
  }
}

/** What of `whole` is not in `ranges`. */
export function otherRanges(ranges: Ranges, whole: Range): Ranges {
  const out: Range[] = [];
  let next = whole.first;
  for (const { first, last } of ranges) {
    if (first > next) out.push({ first: next, last: first - 1n });
    if (last + 1n > next) next = last + 1n;
  }
  if (next <= whole.last) out.push({ first: next, last: whole.last });
  return out;
}

export function hasRanges(outer: Ranges, inner: Ranges): boolean {
  return inner.every((one) => outer.some(({ first, last }) => first <= one.first && one.last <= last));
}
