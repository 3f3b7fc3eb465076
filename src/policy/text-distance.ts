// How far one spelling is from another, so that a misspelt word can be answered with the right one; method.ts asks.

/** Letters to add, drop, change, or swap with their neighbour (optimal string alignment). For short words. */
export function textDistance(a: string, b: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const dropped = (above[j] ?? 0) + 1;
      const added = (row[j - 1] ?? 0) + 1;
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(changed, dropped, added, swaps ? (twoAbove[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY));
    }
    twoAbove = above;
    above = row;
  }
  return above[b.length] ?? 0;
}

/** The first of `words` that is at most `limit` steps away and nearer than the others. */
export function nearest(text: string, words: readonly string[], limit: number): string | undefined {
  let best: string | undefined;
  let distance = limit + 1;
  for (const word of words) {
    const steps = textDistance(text, word);
    if (steps < distance) [best, distance] = [word, steps];
  }
  return best;
}
