// What one worker makes of clients that reject our certificate: collects what it sees, has it kept where all workers have
// it, says which rule would help, and knows which connections are spliced by exception. Made by proxy.ts, told and asked
// by flow/.

import type { Authority } from '../core/authority.ts';
import { messageOf } from '../core/errors.ts';
import { type Entry, type Exempted, formatTarget, type Pair, pairKey, pairOf } from './entry.ts';
import { type Change, Ledger, type Seen } from './ledger.ts';
import { LedgerFile, type LedgerPaths, type Opened } from './ledger-file.ts';
import { signOf, spliceRule } from './wording.ts';

export interface RejectionOptions extends LedgerPaths {
  /** `suggest` says in the service log which rule would help; `splice` makes exceptions as well. */
  readonly onReject: 'off' | 'suggest' | 'splice';
}

/** Where it speaks: the service log. */
export interface Teller {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Milliseconds; the defaults are what all but tests have. */
export interface Rhythm {
  /** What is seen within this time is kept in one go. */
  readonly gather?: number;
  /** How often a worker looks what the others and the command line have changed. */
  readonly look?: number;
}

const GATHER = 100;
const LOOK = 1_000;
/** What waits to be kept; beyond it, evidence is dropped: there will be more. */
const MOST_WAITING = 256;
/** Clients and hosts of which we remember that they took our certificate. */
const MOST_ACCEPTED = 16_384;
/** Milliseconds between two complaints that the file cannot be written. */
const COMPLAIN_EVERY = 60_000;

type Waiting = { readonly kind: 'rejected'; readonly seen: Seen } | { readonly kind: 'accepted'; readonly pair: Pair };

export class Rejections {
  readonly #splices: boolean;
  readonly #teller: Teller;
  readonly #file: LedgerFile;
  readonly #gather: number;
  readonly #accepted = new Map<string, number>();
  #ledger = new Ledger();
  #hasExemptions = false;
  #stamp = '';
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #looks: NodeJS.Timeout | undefined;
  #complainedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: RejectionOptions, teller: Teller, { gather = GATHER }: Rhythm) {
    this.#splices = options.onReject === 'splice';
    this.#teller = teller;
    this.#file = new LedgerFile(options);
    this.#gather = gather;
  }

  /** Undefined where it is off. Never throws: a state that cannot be read holds no exceptions, and is complained of. */
  static async open(options: RejectionOptions, teller: Teller, rhythm: Rhythm = {}): Promise<Rejections | undefined> {
    if (options.onReject === 'off') return undefined;
    const rejections = new Rejections(options, teller, rhythm);
    if (options.onReject === 'splice') {
      rejections.#enqueue(() => rejections.#look());
      await rejections.#working;
      rejections.#looks = setInterval(() => rejections.#enqueue(() => rejections.#look()), rhythm.look ?? LOOK).unref();
    }
    return rejections;
  }

  /** The exception for this client and this host, if there is one now. */
  exemption(client: string, authority: Authority): Exempted | undefined {
    return this.#hasExemptions ? this.#ledger.exemption(pairOf(client, authority), Date.now()) : undefined;
  }

  /** `begin`: when the attempt began, in milliseconds since the epoch. */
  rejected(
    client: string,
    authority: Authority,
    how: Pick<Seen, 'alert' | 'confidence' | 'begin' | 'rule' | 'user' | 'byName'>,
  ): void {
    const pair = pairOf(client, authority);
    const accepted = this.#accepted.get(pairKey(pair));
    this.#put({ kind: 'rejected', seen: { ...pair, ...how, time: Date.now(), accepted } });
  }

  /** Something has come through a tunnel, if only how it speaks: this client takes our certificate for this host. */
  accepted(client: string, authority: Authority): void {
    if (!this.#splices && this.#ledger.size === 0) return;
    const pair = pairOf(client, authority);
    const key = pairKey(pair);
    if (this.#accepted.has(key)) return;
    const [oldest] = this.#accepted.keys();
    if (this.#accepted.size >= MOST_ACCEPTED && oldest !== undefined) this.#accepted.delete(oldest);
    this.#accepted.set(key, Date.now());
    if (this.#ledger.find(pair)) this.#put({ kind: 'accepted', pair });
  }

  /** What waits is kept; then nothing is left that would keep the process alive. */
  async close(): Promise<void> {
    clearInterval(this.#looks);
    clearTimeout(this.#timer);
    this.#enqueue(() => this.#keep());
    await this.#working;
  }

  #put(item: Waiting): void {
    if (this.#waiting.length >= MOST_WAITING) return;
    this.#waiting.push(item);
    if (this.#waiting.length === 1) this.#timer = setTimeout(() => this.#enqueue(() => this.#keep()), this.#gather);
  }

  /** One after the other, since each begins with what the one before has left. */
  #enqueue(work: () => Promise<void>): void {
    this.#working = this.#working.then(work).catch((error: unknown) => this.#complain(messageOf(error)));
  }

  async #keep(): Promise<void> {
    const items = this.#waiting;
    this.#waiting = [];
    if (items.length === 0) return;
    let outcome: Outcome = NOTHING;
    try {
      await this.#file.update((stored) => {
        outcome = apply(stored, items, this.#splices ? 'splice' : 'suggest');
        return outcome.changes;
      }, this.#use);
    } catch (error) {
      // An exception that could not be written down is none; to say which rule would help needs no file.
      outcome = apply(this.#ledger, items, 'unkept');
      this.#complain(messageOf(error));
    }
    for (const entry of outcome.suggestions) this.#suggest(entry);
    for (const change of outcome.changes) this.#tell(change);
  }

  /** What others have changed, and what is over its time. */
  async #look(): Promise<void> {
    if ((await this.#file.stamp()) !== this.#stamp) {
      this.#use(await this.#file.read());
      this.#contradict();
    }
    const now = Date.now();
    if (!this.#ledger.entries.some(({ expires }) => expires !== undefined && now >= expires)) return;
    let changes: readonly Change[] = [];
    await this.#file.update((stored) => {
      changes = stored.sweep(now);
      return changes;
    }, this.#use);
    for (const change of changes) this.#tell(change);
  }

  readonly #use = ({ ledger, damage, stamp }: Opened): void => {
    if (damage !== undefined) this.#complain(damage);
    this.#ledger = ledger;
    this.#hasExemptions = this.#splices && ledger.entries.some(({ made }) => made !== undefined);
    this.#stamp = stamp;
  };

  /** Another worker has evidence against what this one knows to have gone well. */
  #contradict(): void {
    for (const entry of this.#ledger.entries) {
      if (entry.accepted === undefined && this.#accepted.has(pairKey(entry)))
        this.#put({ kind: 'accepted', pair: entry });
    }
  }

  #suggest(entry: Entry): void {
    const { client, count, rule, accepted } = entry;
    this.#teller.warn(
      {
        client,
        host: formatTarget(entry),
        rejections: count,
        sign: signOf(entry),
        ...(accepted === undefined ? {} : { acceptedBefore: new Date(accepted).toISOString() }),
        rule: spliceRule(entry),
      },
      `client rejected our certificate: have that program trust our authority, or put this rule above "${rule}" to pass the host through unread`,
    );
  }

  #tell({ change, by, entry }: Change): void {
    const { client, count, made, expires } = entry;
    const fields = {
      audit: 'exception',
      change,
      by,
      client,
      host: formatTarget(entry),
      rejections: count,
      made: new Date(made).toISOString(),
      expires: new Date(expires).toISOString(),
    };
    if (change !== 'made')
      this.#teller.info(fields, `exception ${change}: this client's connections to the host are decrypted again`);
    else {
      this.#teller.warn(
        { ...fields, sign: signOf(entry), rule: spliceRule(entry) },
        'exception made: the client rejects our certificate, so its connections to the host pass unread until it expires; this rule would make it last, "exceptions revoke" ends it',
      );
    }
  }

  #complain(reason: string): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAIN_EVERY) return;
    this.#complainedAt = now;
    this.#teller.warn({ reason, file: this.#file.paths.state }, 'the state of exceptions cannot be kept');
  }
}

interface Outcome {
  readonly changes: readonly Change[];
  readonly suggestions: readonly Entry[];
}

const NOTHING: Outcome = { changes: [], suggestions: [] };

/** `unkept`: nothing that is spliced may change, since it could not be written down. */
function apply(ledger: Ledger, items: readonly Waiting[], mode: 'splice' | 'suggest' | 'unkept'): Outcome {
  const isKept = mode !== 'unkept';
  const changes: Change[] = isKept ? [...ledger.sweep(Date.now())] : [];
  const suggestions: Entry[] = [];
  for (const item of items) {
    if (item.kind === 'accepted') changes.push(...(isKept ? ledger.accept(item.pair, Date.now()) : []));
    else {
      const { made, suggest } = ledger.reject(item.seen, mode === 'splice');
      if (made) changes.push(made);
      if (suggest) suggestions.push(suggest);
    }
  }
  return { changes, suggestions };
}
