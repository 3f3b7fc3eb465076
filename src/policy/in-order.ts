// Walks several sorted lists as if they were one; policy.ts reads the candidates of a host with it, in rule order.

/**
 * The first item, by ascending `order`, that `accept` takes. Each list is sorted already. Items of one order come in
 * the order of the lists. Only what is looked at costs anything.
 */
export function firstInOrder<T>(
  lists: readonly (readonly T[])[],
  order: (item: T) => number,
  accept: (item: T) => boolean,
): T | undefined {
  const positions = lists.map(() => 0);
  for (;;) {
    let next: T | undefined;
    let from = -1;
    for (let index = 0; index < lists.length; index += 1) {
      const item = lists[index]?.[positions[index] ?? 0];
      if (item !== undefined && (next === undefined || order(item) < order(next))) {
        next = item;
        from = index;
      }
    }
    if (next === undefined || accept(next)) return next;
    positions[from] = (positions[from] ?? 0) + 1;
  }
}
