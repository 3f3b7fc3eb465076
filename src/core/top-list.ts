// The busiest of a stream of words, each with how often it comes, in bounded memory: Space-Saving (Metwally, 2005) over
// counts that fade, so that what was busy a minute ago makes room. log/activity has one for hosts, one for clients, and so on.

export interface TopEntry {
  readonly key: string;
  /** In a second, of late. */
  readonly rate: number;
  readonly bytesRate: number;
}

interface Counter {
  count: number;
  bytes: number;
  /** What it may have taken over from a word that it has put out. */
  error: number;
}

/** Milliseconds after which a count is down to a third: as quick as an eye, as steady as a number that is to be read. */
const FADE = 5_000;
/** Counts grow instead of fading, and are all cut at once before they are too long for a number. */
const MOST_GROWTH = 50;

export class TopList {
  readonly #most: number;
  readonly #counters = new Map<string, Counter>();
  readonly #begin: number;
  /** The time at which one event weighs one. */
  #origin: number;

  /** `most`: words held. `now` in milliseconds, by whatever clock all calls go by. */
  constructor(most: number, now: number) {
    this.#most = most;
    this.#begin = now;
    this.#origin = now;
  }

  get size(): number {
    return this.#counters.size;
  }

  add(key: string, now: number, bytes = 0): void {
    const weight = this.#weight(now);
    const known = this.#counters.get(key) ?? this.#take(key);
    known.count += weight;
    known.bytes += weight * bytes;
  }

  /** At most `most`, the busiest first; what may be another word's alone is left out. */
  read(most: number, now: number): TopEntry[] {
    // A list that is younger than its fading has seen less than it weighs.
    const span = (FADE / 1000) * (1 - Math.exp(-Math.max(1, now - this.#begin) / FADE));
    const scale = 1 / this.#weight(now) / span;
    return [...this.#counters]
      .map(([key, { count, bytes, error }]) => ({ key, rate: (count - error) * scale, bytesRate: bytes * scale }))
      .filter(({ rate }) => rate > LEAST)
      .sort((a, b) => b.rate - a.rate || (a.key < b.key ? -1 : 1))
      .slice(0, most);
  }

  #weight(now: number): number {
    const growth = (now - this.#origin) / FADE;
    if (growth > MOST_GROWTH) {
      const cut = Math.exp(-growth);
      for (const counter of this.#counters.values()) {
        counter.count *= cut;
        counter.bytes *= cut;
        counter.error *= cut;
      }
      this.#origin = now;
      return 1;
    }
    return Math.exp(growth);
  }

  /** A counter for a new word: where all are taken, that of the word which comes least. */
  #take(key: string): Counter {
    const fresh: Counter = { count: 0, bytes: 0, error: 0 };
    if (this.#counters.size >= this.#most) {
      let least: [string, Counter] | undefined;
      for (const entry of this.#counters) if (!least || entry[1].count < least[1].count) least = entry;
      if (least) {
        this.#counters.delete(least[0]);
        fresh.count = least[1].count;
        fresh.error = least[1].count;
      }
    }
    this.#counters.set(key, fresh);
    return fresh;
  }
}

/** In a second; what comes more seldom than once in an hour is not busy. */
const LEAST = 1 / 3_600;
