// The evidence against decrypting, and what follows from it: when a suggestion is due, when an exception is made, when it
// ends. Pure: rejections.ts tells it what happens, ledger-file.ts keeps it. Times in milliseconds since the epoch.

import {
  type Entry,
  type Exempted,
  isExempted,
  MOST_USERS,
  type Pair,
  pairKey,
  type Rejection,
  readEntry,
} from './entry.ts';

/** So many rejections, one after the other, within such a time, and never a success. */
export const NEEDED = 3;
export const WINDOW = 10 * 60_000;
/** What an exception lives, and how long one that was revoked is not made again. */
export const LIFE = 12 * 3_600_000;
/** A suggestion for a client and a host, at most. */
const SUGGEST_EVERY = 3_600_000;
/** What nobody has added to for so long is forgotten. */
const FORGET = 24 * 3_600_000;
/** Entries, all together and of one client: nobody pushes out what others have. */
const MOST = 1_024;
const MOST_OF_CLIENT = 64;

/** A change of what is spliced; each is written to the audit log. */
export interface Change {
  readonly change: 'made' | 'expired' | 'revoked';
  /** Whose doing it was. */
  readonly by: string;
  readonly entry: Exempted;
}

/** A rejection as the proxy has seen it. */
export interface Seen extends Pair, Rejection {
  /** When the attempt began: one that overlaps an earlier one is no further evidence. */
  readonly begin: number;
  readonly rule: string;
  /** Who it was, where the rule is for users. */
  readonly user?: string | undefined;
  /** The policy allows the host by its name, and by nothing that is inside. */
  readonly byName: boolean;
  /** The client has taken our certificate for this host before. */
  readonly accepted?: number | undefined;
}

export interface Verdict {
  readonly made?: Change;
  /** It is time to say which rule would help. */
  readonly suggest?: Entry;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();

  /** `damaged`: not all of it could be read; what could is there. */
  static parse(text: string): { readonly ledger: Ledger; readonly damaged: boolean } {
    const ledger = new Ledger();
    const items = itemsIn(text);
    if (!items) return { ledger, damaged: true };
    let damaged = items.length > MOST;
    for (const item of items.slice(0, MOST)) {
      const entry = readEntry(item);
      if (entry) ledger.#put(bounded(entry));
      else damaged = true;
    }
    return { ledger, damaged };
  }

  format(): string {
    return `${JSON.stringify({ version: 1, entries: [...this.#entries.values()] }, undefined, 1)}\n`;
  }

  /** The latest rejection last. */
  get entries(): readonly Entry[] {
    return [...this.#entries.values()].sort((a, b) => lastOf(a) - lastOf(b));
  }

  get size(): number {
    return this.#entries.size;
  }

  find(pair: Pair): Entry | undefined {
    return this.#entries.get(pairKey(pair));
  }

  exemption(pair: Pair, now: number): Exempted | undefined {
    const entry = this.find(pair);
    return entry && isExempted(entry) && now < entry.expires ? entry : undefined;
  }

  /** `mayExempt`: an exception may come of it. */
  reject(seen: Seen, mayExempt: boolean): Verdict {
    const { time: now, alert, confidence } = seen;
    const known = this.find(seen);
    if (!known && !this.#makeRoom(seen.client)) return {};
    const before = known?.recent ?? [];
    const overlaps = seen.begin < (before.at(-1)?.time ?? 0);
    const added = overlaps ? before : [...before, { time: now, alert, confidence }];
    const accepted = seen.accepted ?? known?.accepted;
    const entry: Entry = {
      ...(known ?? { client: seen.client, host: seen.host, port: seen.port }),
      rule: seen.rule,
      ...usersOf(known?.users ?? [], seen.user),
      recent: added.filter(({ time }) => time > now - WINDOW).slice(-NEEDED),
      count: (known?.count ?? 0) + 1,
      ...(accepted === undefined ? {} : { accepted }),
    };
    if (mayExempt && seen.byName && isDue(entry, now)) {
      const exempted = { ...entry, made: now, expires: now + LIFE };
      this.#put(exempted);
      return { made: { change: 'made', by: 'the proxy', entry: exempted } };
    }
    // Who has taken our certificate before, and once more closes without a word, may only have changed its mind.
    const isClear = confidence === 'certain' || (entry.recent.length > 1 && accepted === undefined);
    const isTime = now - (entry.suggested ?? Number.NEGATIVE_INFINITY) >= SUGGEST_EVERY;
    if (!isClear || !isTime || isExempted(entry)) {
      this.#put(entry);
      return {};
    }
    const suggested = { ...entry, suggested: now };
    this.#put(suggested);
    return { suggest: suggested };
  }

  /** The client has taken our certificate: its rejections had another reason. An exception that was made ends. */
  accept(pair: Pair, now: number): readonly Change[] {
    const entry = this.find(pair);
    if (!entry) return [];
    const taken = { ...entry, accepted: now };
    this.#put(taken);
    return isExempted(taken) ? this.#end(taken, now, 'the proxy: the client has accepted our certificate') : [];
  }

  /** Ends what fits. Throws nothing, ends nothing twice. `by` goes into the audit log. */
  revoke(fits: (pair: Pair) => boolean, now: number, by: string): readonly Change[] {
    const exempted = [...this.#entries.values()].filter(isExempted);
    return exempted.filter((entry) => now < entry.expires && fits(entry)).flatMap((entry) => this.#end(entry, now, by));
  }

  /** Ends what is over its time, and forgets what nobody adds to. */
  sweep(now: number): readonly Change[] {
    const changes: Change[] = [];
    for (const [key, entry] of this.#entries) {
      if (isExempted(entry)) {
        if (now < entry.expires) continue;
        this.#entries.delete(key);
        changes.push({ change: 'expired', by: 'time', entry });
      } else if (Math.max(lastOf(entry), entry.accepted ?? 0, entry.revokedUntil ?? 0) < now - FORGET) {
        this.#entries.delete(key);
      }
    }
    return changes;
  }

  #end(entry: Exempted, now: number, by: string): readonly Change[] {
    const { made: _made, expires: _expires, ...rest } = entry;
    this.#put({ ...rest, recent: [], revokedUntil: now + LIFE });
    return [{ change: 'revoked', by, entry }];
  }

  #put(entry: Entry): void {
    this.#entries.set(pairKey(entry), entry);
  }

  /** Exceptions stay; of the rest, the one that has rested longest goes. */
  #makeRoom(client: string): boolean {
    const own = [...this.#entries.values()].filter((entry) => entry.client === client);
    const among = own.length >= MOST_OF_CLIENT ? own : this.#entries.size >= MOST ? [...this.#entries.values()] : [];
    if (among.length === 0) return true;
    const [oldest] = among.filter((entry) => !isExempted(entry)).sort((a, b) => lastOf(a) - lastOf(b));
    return oldest !== undefined && this.#entries.delete(pairKey(oldest));
  }
}

/** The latest of them, once each. */
function usersOf(before: readonly string[], user: string | undefined): Pick<Entry, 'users'> {
  const users = user === undefined ? before : [...before.filter((one) => one !== user), user].slice(-MOST_USERS);
  return users.length > 0 ? { users } : {};
}

function isDue(entry: Entry, now: number): boolean {
  const isFree = entry.made === undefined && entry.accepted === undefined && now >= (entry.revokedUntil ?? 0);
  return isFree && entry.recent.length >= NEEDED;
}

const lastOf = (entry: Entry): number => entry.recent.at(-1)?.time ?? entry.revokedUntil ?? 0;

/** No exception lives longer than one that we make, whoever wrote the file. */
function bounded(entry: Entry): Entry {
  const { made, expires, ...rest } = entry;
  if (made === undefined || expires === undefined) return rest;
  return { ...rest, made, expires: Math.min(expires, made + LIFE) };
}

function itemsIn(text: string): readonly unknown[] | undefined {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== 'object' || data === null || !('version' in data) || data.version !== 1) return undefined;
    return 'entries' in data && Array.isArray(data.entries) ? data.entries : undefined;
  } catch {
    return undefined;
  }
}
