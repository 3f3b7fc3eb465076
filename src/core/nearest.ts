// "Did you mean": the known word that is nearest to a mistyped one. config/ and policy/ call it when they explain a mistake.

/** Longer input is no slip of the finger, and the distance costs length times length. */
const MAX_LENGTH = 64;

/**
 * The candidate nearest to `word`, or undefined when none is near: one slip per three letters, at least one. Letter
 * case, hyphens and underscores do not count, since other programs spell the same keys with them.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const allowed = Math.max(1, Math.floor(fold(word).length / 3));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(fold(word), fold(candidate));
    if (distance <= allowed && distance < fold(candidate).length && distance < (best?.distance ?? Infinity)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

const fold = (word: string): string => word.toLowerCase().replace(/[-_\s]/g, '');

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const cells = new Array<number>((a.length + 1) * width).fill(0);
  const at = (row: number, column: number): number => cells[row * width + column] ?? 0;
  for (let row = 0; row <= a.length; row += 1) {
    for (let column = 0; column <= b.length; column += 1) {
      cells[row * width + column] = step(row, column);
    }
  }
  return at(a.length, b.length);

  function step(row: number, column: number): number {
    if (row === 0 || column === 0) return row + column;
    const replaced = at(row - 1, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
    const shortest = Math.min(replaced, at(row - 1, column) + 1, at(row, column - 1) + 1);
    const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
    return swapped ? Math.min(shortest, at(row - 2, column - 2) + 1) : shortest;
  }
}
