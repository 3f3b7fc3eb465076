// A squid.conf with all that it includes as one list of directives, each with its place. The translator reads it, and
// nothing else knows how such a file is written.

import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, matchesGlob, resolve } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { Conditionals } from './conditionals.ts';
import { cutLine, type Word } from './conf-line.ts';
import type { Place } from './note.ts';

export interface Directive extends Place {
  readonly name: string;
  readonly words: readonly Word[];
  /** What stands behind the name, as it stands. */
  readonly rest: string;
  /** Where an ACL names files: their values, by the words' places; undefined for one that cannot be read. */
  readonly lists: ReadonlyMap<number, readonly string[] | undefined>;
}

/** What no line can be read past, or what Squid itself would not start with. */
export interface ConfProblem extends Place {
  readonly message: string;
}

export interface ReadConf {
  readonly directives: readonly Directive[];
  readonly problems: readonly ConfProblem[];
}

/** As deep as Squid goes. */
const MAX_DEPTH = 16;
const MAX_FILE = 4 * 1024 * 1024;
const MAX_LINES = 200_000;

/** Relative paths start from the folder of the first file, which is shown by its last name in all places. */
export async function readConf(path: string): Promise<ReadConf> {
  const reader = new Reader(dirname(resolve(path)));
  await reader.read(resolve(path), basename(path), 0, { file: basename(path), line: 0 });
  return reader;
}

class Reader implements ReadConf {
  readonly directives: Directive[] = [];
  readonly problems: ConfProblem[] = [];
  readonly #folder: string;
  #processes = 1;
  /** Words in quotes are values as others are, and name no files. */
  #hasQuotedValues = false;
  #lines = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(path: string, file: string, depth: number, from: Place): Promise<void> {
    if (depth > MAX_DEPTH) return this.#complain(from, `files are included more than ${MAX_DEPTH} deep: in a circle?`);
    const text = await this.#text(path);
    if (!text.ok) return this.#complain(from, `${path} cannot be read: ${text.reason}`);
    const conditionals = new Conditionals();
    for (const { line, text: raw } of logicalLines(text.value)) {
      this.#lines += 1;
      if (this.#lines > MAX_LINES) return this.#complain({ file, line }, `more than ${MAX_LINES} lines`);
      const place = { file, line };
      const logical = this.#withMacros(raw);
      const wrong = conditionals.read(logical, line);
      if (wrong) this.#complain(place, wrong);
      if (wrong === undefined && conditionals.counts) await this.#take(logical, place, depth);
    }
    if (conditionals.unclosed !== undefined)
      this.#complain({ file, line: conditionals.unclosed }, '"if" has no "endif"');
  }

  async #take(logical: string, place: Place, depth: number): Promise<void> {
    const cut = cutLine(logical);
    if (!cut.ok) return this.#complain(place, cut.reason);
    const [first, ...words] = cut.words;
    if (!first) return;
    const name = first.text;
    const rest = logical.trimStart().slice(name.length).trim();
    if (name === 'include') return this.#include(words, place, depth);
    if (name === 'workers') this.#processes = Number(words[0]?.text) || 1;
    if (name === 'configuration_includes_quoted_values') this.#hasQuotedValues = words[0]?.text === 'on';
    const own = this.#hasQuotedValues ? words.map(({ text }) => ({ text, quoted: false })) : words;
    this.directives.push({ ...place, name, words: own, rest, lists: await this.#listsOf(name, own) });
  }

  async #include(words: readonly Word[], place: Place, depth: number): Promise<void> {
    if (words.length === 0) this.#complain(place, '"include" names no file');
    for (const { text } of words) {
      const path = resolve(this.#folder, text);
      const paths = /[*?[]/.test(path) ? await expand(path) : [path];
      for (const one of paths) await this.read(one, basename(one), depth + 1, place);
    }
  }

  /** Values of an ACL in files, one a line, as Squid reads them. */
  async #listsOf(name: string, words: readonly Word[]): Promise<Directive['lists']> {
    const lists = new Map<number, readonly string[] | undefined>();
    if (name !== 'acl') return lists;
    for (const [at, { text, quoted }] of words.entries()) {
      const file = quoted ? text : parametersFile(text);
      if (file === undefined || at < 2) continue;
      const list = await this.#text(resolve(this.#folder, file));
      const values = list.ok ? listValues(list.value) : undefined;
      lists.set(at, quoted ? values : values?.flatMap((line) => line.split(/\s+/)));
    }
    return lists;
  }

  async #text(path: string): Promise<{ ok: true; value: string } | { ok: false; reason: string }> {
    try {
      const bytes = await readFile(path);
      if (bytes.length > MAX_FILE) return { ok: false, reason: 'it is larger than 4 MiB' };
      return { ok: true, value: bytes.toString('latin1') };
    } catch (thrown) {
      return { ok: false, reason: messageOf(thrown) };
    }
  }

  /** With several workers the numbers begin at one; without, the one process is number zero. */
  #withMacros(line: string): string {
    const isOne = this.#processes <= 1;
    const values: Readonly<Record<string, string>> = {
      process_number: isOne ? '0' : '1',
      process_name: isOne ? 'squid' : 'squid-1',
      service_name: 'squid',
    };
    return line.replace(/\$\{(process_number|process_name|service_name)\}/g, (_, name: string) => values[name] ?? '');
  }

  #complain(place: Place, message: string): void {
    this.problems.push({ ...place, message });
  }
}

/** Joins what a backslash at the end continues; a comment in between is left out, as Squid leaves it out. */
function* logicalLines(text: string): Generator<{ readonly line: number; readonly text: string }> {
  let joined: { line: number; text: string } | undefined;
  let line = 0;
  for (const raw of text.split('\n')) {
    line += 1;
    const part = raw.trim();
    if (part === '' || part.startsWith('#')) continue;
    joined = { line: joined?.line ?? line, text: (joined?.text ?? '') + (raw.endsWith('\\') ? raw.trimStart() : part) };
    if (joined.text.endsWith('\\')) {
      joined.text = joined.text.slice(0, -1);
      continue;
    }
    yield joined;
    joined = undefined;
  }
  if (joined) yield joined;
}

/** `parameters("FILE")`: the words of a file, in place of this one. */
function parametersFile(word: string): string | undefined {
  return /^parameters\((["'])(.+)\1\)$/.exec(word)?.[2];
}

function listValues(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Files of one folder whose name the last part of `pattern` matches, in the order of their names. */
async function expand(pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const names = await readdir(folder).catch((): string[] => []);
  return names
    .filter(
      (name) => matchesGlob(name, basename(pattern)) && name.startsWith('.') === basename(pattern).startsWith('.'),
    )
    .sort()
    .map((name) => join(folder, name));
}
