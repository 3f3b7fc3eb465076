// Who is here now, where members come and go by the thousand: connections, tunnels, requests. Kept by whoever counts,
// lists or ends them.
//
// Not a Set. V8 gives a Set a new table every few changes, and once the Set is old its tables are made among the old
// objects, too: each table that was replaced holds on to whom it had, and all that hangs on them, until the next full
// collection. No collection of young objects frees anything then; each of them copies all that has passed.

/** The place of one member. */
export interface Seat {
  /** True once: the member is no longer here. */
  leave(): boolean;
}

export class Roster<T> implements Iterable<T> {
  #first: Chair<T> | undefined;
  #last: Chair<T> | undefined;
  #size = 0;

  add(member: T): Seat {
    const chair = new Chair(member, this.#last, this.#leave);
    if (this.#last) this.#last.after = chair;
    else this.#first = chair;
    this.#last = chair;
    this.#size += 1;
    return chair;
  }

  get size(): number {
    return this.#size;
  }

  /** Who has been here longest. */
  get oldest(): T | undefined {
    return this.#first?.member;
  }

  /** Those who are here now, in the order in which they came, whoever leaves or comes meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    const members: T[] = [];
    for (let chair = this.#first; chair; chair = chair.after) members.push(chair.member);
    return members.values();
  }

  readonly #leave = (chair: Chair<T>): void => {
    const { before, after } = chair;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    this.#size -= 1;
    // An old one that nobody has any more would hold on to all that came after it, as the tables of a Set do.
    chair.before = undefined;
    chair.after = undefined;
  };
}

class Chair<T> implements Seat {
  readonly member: T;
  before: Chair<T> | undefined;
  after: Chair<T> | undefined = undefined;
  #leave: ((chair: Chair<T>) => void) | undefined;

  constructor(member: T, before: Chair<T> | undefined, leave: (chair: Chair<T>) => void) {
    this.member = member;
    this.before = before;
    this.#leave = leave;
  }

  leave(): boolean {
    if (!this.#leave) return false;
    this.#leave(this);
    this.#leave = undefined;
    return true;
  }
}
