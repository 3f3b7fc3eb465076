// What was worked out of a text the last time it came: the same clients ask for the same hosts, over and over. Kept by
// whoever reads addresses, heads and patterns.
//
// Of a fixed size and without a chain: a text that comes to the place of another takes it, so that nobody who sends ever
// new texts can fill it, or make it slow. A Map is dearer here: V8 looks each string that has just come from outside up
// among all those that it knows, for every Map anew. Texts are short, since each is read to its end.

export class Memo<T> {
  readonly #texts: (string | undefined)[];
  readonly #values: (T | undefined)[];
  readonly #mask: number;
  #isEmpty = true;

  /** `places`: a power of two. */
  constructor(places: number) {
    this.#texts = new Array<string | undefined>(places).fill(undefined);
    this.#values = new Array<T | undefined>(places).fill(undefined);
    this.#mask = places - 1;
  }

  get(text: string): T | undefined {
    const place = this.#placeOf(text);
    return this.#texts[place] === text ? this.#values[place] : undefined;
  }

  /** `value` is kept as it is: no slice of anything long. */
  set(text: string, value: T): void {
    const place = this.#placeOf(text);
    // A copy: V8 keeps what a slice was cut from, which may be a head of 64 KB with a password in it.
    this.#texts[place] = Buffer.from(text, 'utf16le').toString('utf16le');
    this.#values[place] = value;
    this.#isEmpty = false;
  }

  clear(): void {
    if (this.#isEmpty) return;
    this.#isEmpty = true;
    this.#texts.fill(undefined);
    this.#values.fill(undefined);
  }

  /** FNV-1a (draft-eastlake-fnv), over code units. */
  #placeOf(text: string): number {
    let hash = 0x811c9dc5;
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }
}
