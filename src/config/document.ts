// A YAML text as plain data that remembers where everything stands. parse-config.ts reads it.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
} from 'yaml';
import { type ConfigProblem, MAX_PROBLEMS } from './problem.ts';
import { formatPath, type Path } from './wording.ts';

/** The deepest setting is six down; what goes on beyond this would only exhaust the stack. */
const MAX_DEPTH = 32;
/** An alias repeats what it names, and nested ones multiply: the bound against "billion laughs". */
const MAX_ALIASES = 100;

const TOO_DEEP = 'nested too deeply';

const SYNTAX_HINTS: ReadonlyMap<string, string> = new Map([
  ['BAD_SCALAR_START', 'put the value in quotes'],
  ['BLOCK_AS_IMPLICIT_KEY', 'put a value that holds a colon in quotes'],
  ['MISSING_CHAR', 'is a bracket, a colon or a comma missing?'],
  ['MULTIPLE_DOCS', 'one file holds one config: remove the "---" line'],
  ['TAB_AS_INDENT', 'indent with spaces'],
  ['TAG_RESOLVE_FAILED', 'a config has no tags: put a text that starts with ! in quotes'],
]);

export interface ConfigDocument {
  /** Made of null-prototype objects, arrays and scalars; undefined when the syntax is broken. */
  readonly data: unknown;
  /** What is wrong with the text itself; not empty when `data` is undefined. */
  readonly problems: readonly ConfigProblem[];
  /** A problem with the setting at `path`, at its value or key, or at what is nearest to it when it is absent. */
  problemAt(path: Path, message: string, hint?: string, side?: 'key' | 'value'): ConfigProblem;
  /** The line of the setting at `path`, or of what is nearest to it when it is absent. */
  lineOf(path: Path): number;
}

/** Reads YAML 1.2, core schema, string keys only. Never throws. */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    resolveKnownTags: false,
    stringKeys: true,
    // The package compares each key with each: a minute for twenty thousand keys. Reader does it with a map.
    uniqueKeys: false,
  });
  return new Reader(document, lines);
}

class Reader implements ConfigDocument {
  readonly data: unknown;
  readonly problems: ConfigProblem[] = [];
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  #aliases = 0;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
    for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
      // The package catches its own overflow, once per level that it climbs back.
      if (message.includes('call stack')) {
        this.#report(pos[0], [], TOO_DEEP);
        break;
      }
      this.#report(pos[0], [], plainMessage(code, message), syntaxHint(code, message));
    }
    if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
      this.#report(0, [], 'a config is YAML 1.2', 'remove the %YAML line');
    }
    // A broken text is read by guess, and all that is said about a guess is noise.
    this.data = this.problems.length > 0 ? undefined : this.#read(document.contents, [], 0);
  }

  problemAt(path: Path, message: string, hint?: string, side: 'key' | 'value' = 'value'): ConfigProblem {
    return this.#problem(this.#find(path, side), path, message, hint);
  }

  lineOf(path: Path): number {
    return Math.max(1, this.#lines.linePos(this.#find(path, 'key')).line);
  }

  #read(node: unknown, path: Path, depth: number): unknown {
    if (isScalar(node)) return node.value;
    if (depth > MAX_DEPTH) {
      this.#report(offsetOf(node), path.slice(0, 3), TOO_DEEP);
      return null;
    }
    if (isAlias(node)) return this.#follow(node, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#read(item, [...path, index], depth + 1));
    return isMap(node) ? this.#readMap(node.items, path, depth) : null;
  }

  #readMap(pairs: readonly Pair[], path: Path, depth: number): unknown {
    const data: Record<string, unknown> = Object.create(null);
    const seen = new Map<string, number>();
    for (const { key, value } of pairs) {
      const name = keyText(key);
      const first = seen.get(name);
      if (name === '__proto__') {
        // Refused here, for all that comes after: it sets the prototype, or is skipped, wherever objects are copied.
        this.#report(offsetOf(key), [...path, name], 'unknown key "__proto__"');
      } else if (first === undefined) {
        seen.set(name, offsetOf(key));
        data[name] = this.#read(value, [...path, name], depth + 1);
      } else {
        const { line } = this.#lines.linePos(first);
        this.#report(
          offsetOf(key),
          [...path, name],
          `this key is set twice, first in line ${line}`,
          'keep one of them',
        );
      }
    }
    return data;
  }

  #follow(node: Alias, path: Path, depth: number): unknown {
    this.#aliases += 1;
    if (this.#aliases > MAX_ALIASES) {
      if (this.#aliases === MAX_ALIASES + 1) this.#report(offsetOf(node), path, `more than ${MAX_ALIASES} aliases`);
      return null;
    }
    const target = node.resolve(this.#document);
    if (target) return this.#read(target, path, depth + 1);
    const text = `*${node.source}`;
    this.#report(
      offsetOf(node),
      path,
      `YAML reads ${text} as an alias of an anchor that is not there`,
      `put it in quotes: "${text}"`,
    );
    return text;
  }

  /** Offset of the setting at `path`, or of its nearest ancestor that stands in the file. */
  #find(path: Path, side: 'key' | 'value'): number {
    let node: unknown = this.#document.contents;
    let key: unknown;
    for (const part of path) {
      const open = isAlias(node) ? node.resolve(this.#document) : node;
      if (isSeq(open) && typeof part === 'number' && part < open.items.length) {
        node = open.items[part];
        key = undefined;
        continue;
      }
      const pair: Pair | undefined = isMap(open) ? open.items.find((item) => keyText(item.key) === part) : undefined;
      if (!pair) return offsetOf(key ?? node);
      key = pair.key;
      node = pair.value;
    }
    return offsetOf(side === 'key' ? (key ?? node) : (node ?? key));
  }

  #report(offset: number, path: Path, message: string, hint?: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(this.#problem(offset, path, message, hint));
  }

  #problem(offset: number, path: Path, message: string, hint: string | undefined): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset);
    const problem = { line: Math.max(1, line), column: Math.max(1, col), path: formatPath(path), message };
    return hint === undefined ? problem : { ...problem, hint };
  }
}

const keyText = (key: unknown): string => (isScalar(key) ? String(key.value) : '');

const offsetOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0);

function syntaxHint(code: string, message: string): string | undefined {
  return isOpenQuote(code, message) ? undefined : SYNTAX_HINTS.get(code);
}

const isOpenQuote = (code: string, message: string): boolean => code === 'MISSING_CHAR' && message.includes('quote');

function plainMessage(code: string, message: string): string {
  if (code === 'NON_STRING_KEY') return 'a key is text, and no list, mapping or alias';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here';
  if (isOpenQuote(code, message)) return 'the closing quote is missing';
  return message.charAt(0).toLowerCase() + message.slice(1);
}
