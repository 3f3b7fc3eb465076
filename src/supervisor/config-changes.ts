// What is other in one config than in another, key by key, as the audit log keeps it: nobody shall have to guess what a reload
// has changed, and no secret shall stand there. Called by operations.ts.

import type { Config } from '../config/config.ts';

export interface ConfigChange {
  /** `policy.rules[api].action`: items that have a name are known by it, others by their place. */
  readonly key: string;
  /** As JSON; absent: it was not there, or is not there any more. */
  readonly from?: string;
  readonly to?: string;
}

/** Changes that are told; a config that is wholly another one is known by these. */
const MOST = 100;
/** Characters of a value. */
const LONGEST = 200;
/** Values that nobody may read, and what stands in their place. */
const SECRET = /^(?:password|secret|token|passphrase)$/i;
const MASKED = '"***"';
/** Lines of the file: they move with every line above them, and change nothing. */
const NO_NEWS = new Set(['at', 'places']);

export function configChanges(before: Config, after: Config): readonly ConfigChange[] {
  const changes: ConfigChange[] = [];
  compare(changes, '', before, after);
  return changes.slice(0, MOST);
}

/** The top-level keys that are not as before, those that are gone included. */
export function changedKeys(before: Config, after: Config): readonly string[] {
  const [old, now] = [entriesOf(before), entriesOf(after)];
  const isOther = (key: string): boolean => JSON.stringify(old.get(key)) !== JSON.stringify(now.get(key));
  return [...new Set([...old.keys(), ...now.keys()])].filter(isOther);
}

function compare(changes: ConfigChange[], path: string, before: unknown, after: unknown): void {
  if (changes.length >= MOST || JSON.stringify(before) === JSON.stringify(after)) return;
  const [old, now] = [entriesOf(before), entriesOf(after)];
  const isLeaf = old.size + now.size === 0 || Array.isArray(before) !== Array.isArray(after);
  if (isLeaf || isPlain(before) || isPlain(after)) {
    changes.push({ key: path, ...told('from', path, before), ...told('to', path, after) });
    return;
  }
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    if (NO_NEWS.has(key)) continue;
    compare(changes, pathTo(path, key, before ?? after), old.get(key), now.get(key));
  }
}

const isPlain = (value: unknown): boolean => value !== undefined && (typeof value !== 'object' || value === null);

/** Of a list, its items by name where all have one, else by their place; of lists of texts and numbers, none. */
function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map();
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  if (value.some(isPlain)) return new Map();
  const names = value.map(nameOf);
  const areKnown = names.every((name) => name !== undefined) && new Set(names).size === names.length;
  return new Map(value.map((item: unknown, at): [string, unknown] => [(areKnown && names[at]) || String(at), item]));
}

function nameOf(item: unknown): string | undefined {
  return typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string'
    ? item.name
    : undefined;
}

function pathTo(path: string, key: string, above: unknown): string {
  if (Array.isArray(above)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

function told<Side extends 'from' | 'to'>(side: Side, path: string, value: unknown): { [Key in Side]?: string } {
  if (value === undefined) return {};
  const key = path.split('.').at(-1) ?? '';
  const text = SECRET.test(key) ? MASKED : JSON.stringify(value, masked);
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
  const all: { [Key in 'from' | 'to']?: string } = {};
  all[side] = short;
  return all;
}

/** For what is told as a whole. */
function masked(key: string, value: unknown): unknown {
  return SECRET.test(key) ? '***' : NO_NEWS.has(key) ? undefined : value;
}
