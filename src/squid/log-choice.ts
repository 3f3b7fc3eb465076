// The ACLs behind an `access_log`: which transactions a log wants to have, as `when` and `unless` of a log of ours. Called by
// logs.ts.

import { compileSelection } from '../flow/log-selection.ts';
import type { LogSelection } from '../log/log-options.ts';
import type { Acl, AclSet } from './acl-set.ts';
import { oneOfAddresses, parseAddresses, toCidrs } from './addresses.ts';
import type { Value } from './draft.ts';
import { hostPattern } from './hosts.ts';

type Key = Extract<keyof LogSelection, 'clients' | 'hosts' | 'methods' | 'statuses' | 'users'>;
/** All keys must fit, by one item each. */
type Lists = Readonly<Partial<Record<Key, readonly string[]>>>;

export interface LogChoice {
  readonly when: Lists;
  readonly unless: Lists;
}

export const EVERY_LINE: LogChoice = { when: {}, unless: {} };

/** Undefined where it cannot be said: `terms` are the names of ACLs, all of which must fit, some with `!`. */
export function choiceOf(terms: readonly string[], acls: AclSet): LogChoice | undefined {
  let { when, unless } = EVERY_LINE;
  for (const term of terms) {
    const isNegated = term.startsWith('!');
    const acl = acls.get(term.replace(/^!/, ''));
    if (!isNegated && acl?.type === 'src' && acl.values.includes('all')) continue;
    const list = acl && listOf(acl);
    if (!list) return undefined;
    const more = isNegated ? eitherOf(unless, list) : bothOf(when, list);
    if (!more) return undefined;
    if (isNegated) unless = more;
    else when = more;
  }
  return { when, unless };
}

/** Without what an `access_log none` above has taken; undefined where that cannot be said. */
export function without({ when, unless }: LogChoice, taken: LogChoice): LogChoice | undefined {
  if (keysOf(taken.unless).length > 0) return undefined;
  const both = eitherOf(unless, taken.when);
  return both && { when, unless: both };
}

/** As the keys of a log in a config. */
export function choiceValue({ when, unless }: LogChoice): { readonly [key: string]: Value } {
  const isSaid = (lists: Lists): boolean => keysOf(lists).length > 0;
  return { ...(isSaid(when) ? { when } : {}), ...(isSaid(unless) ? { unless } : {}) };
}

const bothOf = (a: Lists, b: Lists): Lists | undefined =>
  keysOf(b).some((key) => key in a) ? undefined : { ...a, ...b };

/** What is in one or the other: lists of one key can be put together, and no others. */
function eitherOf(a: Lists, b: Lists): Lists | undefined {
  const [keys, others] = [keysOf(a), keysOf(b)];
  const [key] = keys;
  if (key === undefined) return b;
  if (others.length === 0) return a;
  if (keys.length > 1 || others.length > 1 || key !== others[0]) return undefined;
  const both: Partial<Record<Key, readonly string[]>> = {};
  both[key] = [...new Set([...(a[key] ?? []), ...(b[key] ?? [])])];
  return both;
}

const keysOf = (lists: Lists): readonly Key[] => KEYS.filter((key) => key in lists);

const KEYS: readonly Key[] = ['clients', 'hosts', 'methods', 'statuses', 'users'];

const READ: Readonly<Record<string, (acl: Acl) => Lists | undefined>> = {
  src: ({ values }) => {
    const sets = values.map(parseAddresses);
    const known = sets.filter((one) => one !== undefined);
    return known.length < sets.length ? undefined : { clients: toCidrs(oneOfAddresses(known)) };
  },
  dstdomain: hosts,
  server_name: hosts,
  method: ({ values }) => ({ methods: values.map((one) => one.toUpperCase()) }),
  http_status: ({ values }) => ({ statuses: values }),
  proxy_auth: ({ values, ignoreCase }) => (ignoreCase || values.includes('REQUIRED') ? undefined : { users: values }),
};

function hosts({ values }: Acl): Lists | undefined {
  const patterns = values.map((text) => hostPattern(text));
  const known = patterns.filter((one) => one !== undefined);
  return known.length < patterns.length ? undefined : { hosts: known.map(({ text }) => text) };
}

function listOf(acl: Acl): Lists | undefined {
  const lists = acl.incomplete || acl.values.length === 0 ? undefined : READ[acl.type]?.(acl);
  if (!lists) return undefined;
  try {
    compileSelection(lists);
    return lists;
  } catch {
    return undefined;
  }
}
