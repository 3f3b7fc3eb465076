// One mistake in a config file, and how mistakes are printed: place, message, the offending line, a caret, a hint.

import { hideCredentials } from './wording.ts';

/** Lines and columns count from 1; columns count UTF-16 units, as editors do. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** `policy.rules[0].action`; empty when the text could not be read as far as that. */
  readonly path: string;
  readonly message: string;
  /** What to do about it, as a sentence or question. */
  readonly hint?: string;
}

/** Finding a place costs a walk through the file: of a file that is wrong in every line, no more is looked for. */
export const MAX_PROBLEMS = 200;
/** And nobody reads more than these. */
const MAX_PRINTED = 50;
/** A line longer than this is shown around the caret only. */
const MAX_WIDTH = 120;
const MAX_PART = 300;
/** Characters that a terminal would obey, or that would turn the text around. */
const UNPRINTABLE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The report for a person: problems in the order of the file. `file` is printed as the caller knows it. */
export function printProblems(file: string, text: string, problems: readonly ConfigProblem[]): string {
  const lines = text.split(/\r\n|\n|\r/);
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const printed = sorted
    .slice(0, MAX_PRINTED)
    .map((problem) => printProblem(file, hideSecrets(lines[problem.line - 1] ?? ''), problem));
  const left = sorted.length - printed.length;
  return [...printed, ...(left > 0 ? [`and ${left} more`] : [])].join('\n');
}

function printProblem(file: string, line: string, problem: ConfigProblem): string {
  const place = `${file}:${problem.line}:${problem.column}`;
  const head = [place, cut(problem.path), cut(problem.message)].filter((part) => part !== '').join('  ');
  const { excerpt, before } = excerptOf(line, problem.column - 1);
  const gutter = `${String(problem.line).padStart(4)} | `;
  // Tabs are kept before the caret, so that it stands below its character however wide the terminal sets them.
  const caret = `${gutter.replace(/\d/g, ' ')}${before.replace(/[^\t]/g, ' ')}^`;
  return [head, gutter + excerpt, problem.hint ? `${caret} ${cut(problem.hint)}` : caret].map(plain).join('\n');
}

function excerptOf(line: string, index: number): { excerpt: string; before: string } {
  const from = line.length > MAX_WIDTH ? Math.max(0, index - MAX_WIDTH / 2) : 0;
  const excerpt = line.slice(from, from + MAX_WIDTH);
  return { excerpt, before: line.slice(from, index).padEnd(index - from) };
}

/** A key, an alias or a tag can be as long as the file. */
const cut = (text: string): string => (text.length > MAX_PART ? `${text.slice(0, MAX_PART)}…` : text);

/** Nobody shall find a password in a journal, be its key misspelt. As long as before, for the caret. */
const hideSecrets = (line: string): string =>
  hideCredentials(line).replace(/(?<=\bpa?s+w?o?r?d?["']?\s*:\s*)\S.*/gi, (secret) => '*'.repeat(secret.length));

const plain = (text: string): string => text.replace(UNPRINTABLE, '\ufffd').trimEnd();
