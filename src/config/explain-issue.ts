// What the schema complains of, as problems that a person can mend: which setting, what is wrong, what was meant.
// parse-config.ts calls it. The messages themselves are the schema's; here they get their place and their hint.

import type * as z from 'zod';
import { nearest } from '../core/nearest.ts';
import { homesOf, keysAt } from './known-keys.ts';
import { oneOf, type Path, show } from './wording.ts';

export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
  /** An unknown key is shown at the key, all else at the value. */
  readonly side: 'key' | 'value';
}

/** `data` is what was validated. One issue can name several unknown keys, so one issue can make several findings. */
export function explainIssue(issue: z.core.$ZodIssue, data: unknown, above: Path = []): readonly Finding[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  const value = valueAt(data, path);
  if (issue.code === 'invalid_union') {
    const branch = branchFor(issue, value);
    if (branch) return branch.flatMap((inner) => explainIssue(inner, data, path));
  }
  if (issue.code === 'invalid_key') {
    const reason = issue.issues[0]?.message ?? issue.message;
    const what = path[0] === 'log' ? 'the name of a format' : 'a host name';
    return [{ path, message: `expected ${what}, got ${show(path.at(-1))}: ${reason}`, side: 'key' }];
  }
  const hint = hintFor(issue, path, value);
  return [{ path, message: issue.message, side: 'value', ...(hint === undefined ? {} : { hint }) }];
}

function unknownKey(at: Path, key: string): Finding {
  const keys = keysAt(at);
  const meant = nearest(key, keys);
  const homes = homesOf(key);
  let hint = `known here: ${keys.join(', ')}`;
  if (meant !== undefined) hint = `did you mean "${meant}"?`;
  else if (homes.length > 0) hint = `it belongs ${oneOf(homes)}`;
  return { path: [...at, key], message: `unknown key ${show(key)}`, hint, side: 'key' };
}

/** The alternative that the value was meant for: the one that does not refuse it as a whole. */
function branchFor(issue: z.core.$ZodIssueInvalidUnion, value: unknown): readonly z.core.$ZodIssue[] | undefined {
  if (value === null || typeof value !== 'object') {
    return issue.errors.find((errors) => errors.every(({ code }) => code === 'custom' || code.startsWith('too_')));
  }
  return issue.errors.find((errors) => !errors.some(({ code, path }) => code === 'invalid_type' && path.length === 0));
}

function hintFor(issue: z.core.$ZodIssue, path: Path, value: unknown): string | undefined {
  if (typeof value === 'string') {
    const meant = nearest(value, wordsOf(issue));
    if (meant !== undefined) return `did you mean "${meant}"?`;
  }
  if (issue.code !== 'invalid_type' || value === undefined) return undefined;
  if (value === null) return 'remove the key, or indent what belongs to it';
  if (issue.expected !== 'array') return undefined;
  if (typeof value === 'object') return 'begin each item with "- "';
  return keysAt(path).length > 0 ? undefined : `did you mean [${show(value)}]?`;
}

/** The words that would have been right. */
function wordsOf(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(wordsOf);
  return issue.code === 'invalid_value' ? issue.values.filter((value) => typeof value === 'string') : [];
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
  }
  return value;
}
