// What the proxy is busy with now: rates, and the busiest hosts, clients, rules, refusals. Fed with every entry of the
// access log, and asleep unless somebody has asked of late. Made by proxy.ts, asked by whoever supervises.

import { type TopEntry, TopList } from '../core/top-list.ts';
import type { AccessLogEntry } from './access-log-entry.ts';

/** Plain data, that travels between processes. */
export interface Activity {
  /** By kind (`requests`, `tunnels`, …): how many in a second, and the bytes to clients. */
  readonly rates: readonly TopEntry[];
  readonly hosts: readonly TopEntry[];
  readonly clients: readonly TopEntry[];
  readonly rules: readonly TopEntry[];
  /** By the reason that the log gives. */
  readonly refusals: readonly TopEntry[];
  /** What failed, by error code. */
  readonly failures: readonly TopEntry[];
  /** Clients that rejected our certificate, the latest first. */
  readonly rejections: readonly SeenRejection[];
}

export interface SeenRejection {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly client: string;
  readonly host: string;
  /** TLS alert, or `none`, `closed`, `reset`. */
  readonly alert: string;
}

export type Kind = 'requests' | 'tunnels' | 'refused' | 'failed' | 'rejected' | 'would be denied' | 'uploads';

/** Words that are counted in each list, and of these, told. */
const MOST_COUNTED = 256;
export const MOST_TOLD = 50;
const MOST_REJECTIONS = 20;
const MOST_LENGTH = 200;
/** Milliseconds after the last question that it goes on counting. */
const ATTENTION = 15_000;

export const IDLE: Activity = {
  rates: [],
  hosts: [],
  clients: [],
  rules: [],
  refusals: [],
  failures: [],
  rejections: [],
};

export class ActivityMeter {
  #lists: Lists | undefined;
  #askedAt = 0;

  /** Called for every transaction: does nothing while nobody watches. */
  note(entry: AccessLogEntry): void {
    if (this.#lists === undefined) return;
    if (entry.time - this.#askedAt > ATTENTION) this.#lists = undefined;
    else this.#lists.note(entry);
  }

  /** The first question finds nothing: counting begins with it. `now` in milliseconds since the epoch. */
  read(now = Date.now()): Activity {
    if (now - this.#askedAt > ATTENTION) this.#lists = undefined;
    this.#askedAt = now;
    this.#lists ??= new Lists(now);
    return this.#lists.read(now);
  }
}

class Lists {
  readonly #rates: TopList;
  readonly #hosts: TopList;
  readonly #clients: TopList;
  readonly #rules: TopList;
  readonly #refusals: TopList;
  readonly #failures: TopList;
  #rejections: SeenRejection[] = [];

  constructor(now: number) {
    const list = (): TopList => new TopList(MOST_COUNTED, now);
    this.#rates = list();
    this.#hosts = list();
    this.#clients = list();
    this.#rules = list();
    this.#refusals = list();
    this.#failures = list();
  }

  note(entry: AccessLogEntry): void {
    const { time, bytes, outcome, client, error, rule, reason } = entry;
    const kinds = kindsOf(entry);
    for (const kind of kinds) this.#rates.add(kind, time, bytes);
    if (entry.bytesIn) this.#rates.add('uploads' satisfies Kind, time, entry.bytesIn);
    const host = hostOf(entry.url);
    if (outcome === 'client_rejected_certificate') {
      const seen = { time, client, host: cut(host), alert: entry.alert ?? 'none' };
      this.#rejections = [seen, ...this.#rejections].slice(0, MOST_REJECTIONS);
    }
    if (rule !== undefined) this.#rules.add(cut(rule), time, bytes);
    if (kinds.includes('refused')) this.#refusals.add(cut(reason ?? error ?? outcome), time, bytes);
    else if (error !== undefined && kinds.includes('failed')) this.#failures.add(error, time, bytes);
    // The requests inside have lines of their own.
    if (outcome === 'bumped' || outcome === 'no_request') return;
    this.#hosts.add(cut(host), time, bytes);
    this.#clients.add(cut(client), time, bytes);
  }

  read(now: number): Activity {
    return {
      rates: this.#rates.read(MOST_TOLD, now),
      hosts: this.#hosts.read(MOST_TOLD, now),
      clients: this.#clients.read(MOST_TOLD, now),
      rules: this.#rules.read(MOST_TOLD, now),
      refusals: this.#refusals.read(MOST_TOLD, now),
      failures: this.#failures.read(MOST_TOLD, now),
      rejections: this.#rejections,
    };
  }
}

const NOBODY_TO_BLAME: ReadonlySet<string> = new Set(['denied', 'terminated', 'client_rejected_certificate']);

function kindsOf({ method, outcome, error, wouldDeny }: AccessLogEntry): Kind[] {
  const kinds: Kind[] = [];
  if (method === 'CONNECT' || outcome === 'tunnelled') kinds.push('tunnels');
  else if (method !== undefined) kinds.push('requests');
  if (outcome === 'denied' || outcome === 'terminated') kinds.push('refused');
  if (outcome === 'client_rejected_certificate') kinds.push('rejected');
  if (wouldDeny) kinds.push('would be denied');
  // The page that tells a failure inside a tunnel has a line of its own.
  if (error !== undefined && !NOBODY_TO_BLAME.has(outcome) && outcome !== 'bumped') kinds.push('failed');
  return kinds;
}

/** The host of what stands in the log: `host:443`, an absolute URL, or `error:…` as it is. */
function hostOf(url: string): string {
  const inUrl = /^\w+:\/\/([^/?#]*)/.exec(url)?.[1] ?? url;
  return inUrl.replace(/:443$/, '');
}

function cut(text: string): string {
  return text.length > MOST_LENGTH ? text.slice(0, MOST_LENGTH) : text;
}

/** That of several processes as one. */
export function joinActivities(all: readonly Activity[]): Activity {
  const [first = IDLE, ...others] = all;
  if (others.length === 0) return first;
  const lists = (key: Exclude<keyof Activity, 'rejections'>): TopEntry[] => joinTops(all.map((one) => one[key]));
  return {
    rates: lists('rates'),
    hosts: lists('hosts'),
    clients: lists('clients'),
    rules: lists('rules'),
    refusals: lists('refusals'),
    failures: lists('failures'),
    rejections: all
      .flatMap(({ rejections }) => rejections)
      .sort((a, b) => b.time - a.time)
      .slice(0, MOST_REJECTIONS),
  };
}

function joinTops(lists: readonly (readonly TopEntry[])[]): TopEntry[] {
  const sums = new Map<string, TopEntry>();
  for (const { key, rate, bytesRate } of lists.flat()) {
    const before = sums.get(key);
    sums.set(key, { key, rate: rate + (before?.rate ?? 0), bytesRate: bytesRate + (before?.bytesRate ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.rate - a.rate).slice(0, MOST_TOLD);
}
