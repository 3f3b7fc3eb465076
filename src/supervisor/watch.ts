// Finds the worker whose event loop does not turn any more: it holds its port, and is dealt clients that it never answers.
// Made by crew.ts.

export interface Watched {
  /** How often in a row it was asked here and nothing had been heard of it meanwhile. */
  look(): number;
}

/** Many times what the longest turn of an event loop takes, and less than people wait before they give up. */
export const SILENCE = 10_000;
/** Looks at each within that time. */
const LOOKS = 10;

/**
 * Calls `onSilent` once for each of `all` that has given no sign of life for `silence` milliseconds. It is looks that are
 * counted, not time: where we ourselves stood still, perhaps with the whole machine, that makes one look.
 * Returns what ends it.
 */
export function watch<T extends Watched>(all: Iterable<T>, silence: number, onSilent: (one: T) => void): () => void {
  const lookAtAll = (): void => {
    for (const one of all) if (one.look() === LOOKS + 1) onSilent(one);
    timer.refresh();
  };
  const timer = setTimeout(lookAtAll, silence / LOOKS).unref();
  return () => clearTimeout(timer);
}
