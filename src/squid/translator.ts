// What the translators of single directives are given and share. Each family of directives has a file of its own.

import type { AclSet } from './acl-set.ts';
import type { Draft } from './draft.ts';
import type { Notes } from './note.ts';
import type { ConfProblem, Directive } from './read-conf.ts';

export interface Desk {
  readonly draft: Draft;
  readonly notes: Notes;
  readonly acls: AclSet;
  /** What nothing can be made of that would do what was meant: no proxy starts from it. */
  readonly problems: ConfProblem[];
  /** Makes a path of squid.conf absolute. */
  readonly absolute: (path: string) => string;
}

/** All lines of the directives that a family is for, in their order; called once. */
export type Family = (lines: readonly Directive[], desk: Desk) => void;

export const texts = (line: Directive): readonly string[] => line.words.map(({ text }) => text);

/** `key=value` words; a word without `=` is a key with an empty value. */
export function optionsOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.map((word) => {
      const at = word.indexOf('=');
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** The last word has it, as in Squid. */
export const isOn = (line: Directive): boolean => !/^(?:off|no|disable|0)$/i.test(line.words[0]?.text ?? 'on');
