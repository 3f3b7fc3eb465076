// What is known of one client and one host whose certificate of ours it has rejected: the evidence, and the exception if
// there is one. ledger.ts keeps them, ledger-file.ts reads them from disk, cli/ shows them.

import { type Authority, formatAuthority, parseHost } from '../core/authority.ts';
import { nameProblem } from '../core/identity.ts';

/** How a client let us know; features.md section P. */
export type Confidence = 'certain' | 'likely' | 'suspected';

/** Whom it is about. `client` as it is logged, `host` and `port` in canonical form. */
export interface Pair {
  readonly client: string;
  readonly host: string;
  readonly port: number;
}

/** One rejection; times in milliseconds since the epoch. */
export interface Rejection {
  readonly time: number;
  /** TLS alert as OpenSSL names it, or `none`, `reset`, `closed`. */
  readonly alert: string;
  readonly confidence: Confidence;
}

export interface Entry extends Pair {
  /** The rule that let the client go to the host. */
  readonly rule: string;
  /** The users whose programs they were, where the rule is for users: what is suggested is for no others. */
  readonly users?: readonly string[] | undefined;
  /** The latest, the oldest of them first; those that overlapped an earlier one are counted only. */
  readonly recent: readonly Rejection[];
  readonly count: number;
  /** When the client last took our certificate for this host. */
  readonly accepted?: number;
  /** When the service log last said which rule would help. */
  readonly suggested?: number;
  readonly made?: number;
  readonly expires?: number;
  /** Until then no exception is made, since somebody has revoked one. */
  readonly revokedUntil?: number;
}

/** An exception that was made and has not been revoked. */
export type Exempted = Entry & { readonly made: number; readonly expires: number };

export function isExempted(entry: Entry): entry is Exempted {
  return entry.made !== undefined && entry.expires !== undefined;
}

export const pairKey = ({ client, host, port }: Pair): string => `${client} ${host} ${port}`;

export function pairOf(client: string, { host, port }: Authority): Pair {
  return { client, host, port };
}

/** `host:port`, as the log has it. */
export function formatTarget({ host, port }: Pair): string {
  return formatAuthority({ kind: host.includes(':') ? 'ipv6' : 'name', host, port });
}

/** An entry as it was written; undefined when it is none. Whatever else stands in it is dropped. */
export function readEntry(value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { client, host, port, rule, recent, count } = value;
  if (typeof client !== 'string' || !isAddress(client)) return undefined;
  if (typeof host !== 'string' || !isCanonical(host)) return undefined;
  if (!isWhole(port) || port < 1 || port > 65_535 || typeof rule !== 'string' || rule.length > 64) return undefined;
  if (!isWhole(count) || !Array.isArray(recent)) return undefined;
  const rejections = recent.map(readRejection);
  const known = rejections.filter((one) => one !== undefined);
  if (known.length < rejections.length) return undefined;
  const users = readUsers(value['users']);
  return { client, host, port, rule, ...(users ? { users } : {}), recent: known, count, ...times(value) };
}

/** Users of one entry, at most. */
export const MOST_USERS = 8;

function readUsers(value: unknown): readonly string[] | undefined {
  const isName = (name: unknown): name is string => typeof name === 'string' && nameProblem(name) === undefined;
  return Array.isArray(value) && value.length > 0 && value.every(isName) ? value.slice(0, MOST_USERS) : undefined;
}

const TIMES = ['accepted', 'suggested', 'made', 'expires', 'revokedUntil'] as const;

function times(value: Readonly<Record<string, unknown>>): Pick<Entry, (typeof TIMES)[number]> {
  return Object.fromEntries(TIMES.flatMap((key) => (isWhole(value[key]) ? [[key, value[key]]] : [])));
}

const CONFIDENCES: readonly Confidence[] = ['certain', 'likely', 'suspected'];

function readRejection(value: unknown): Rejection | undefined {
  if (!isRecord(value)) return undefined;
  const { time, alert } = value;
  const confidence = CONFIDENCES.find((one) => one === value['confidence']);
  if (!isWhole(time) || typeof alert !== 'string' || !/^[a-z_]{1,32}$/.test(alert) || !confidence) return undefined;
  return { time, alert, confidence };
}

function isAddress(text: string): boolean {
  const bare = text.replace(/%[\w.-]{1,32}$/, '');
  const host = parseHost(bare.includes(':') ? `[${bare}]` : bare);
  return host.ok && host.value.kind !== 'name';
}

/** Only what our own parser would make of it: a state file is no way around it. */
function isCanonical(text: string): boolean {
  const host = parseHost(text.includes(':') ? `[${text}]` : text);
  return host.ok && host.value.text === text;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
