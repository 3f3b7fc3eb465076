// The config that is being written: settings by their place, each with the lines that it comes from. The translators of
// single directives fill it, yaml-text.ts prints it.

import type { Directive } from './read-conf.ts';

export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

export interface Setting {
  readonly value: Value;
  readonly lines: readonly Directive[];
}

/** The top-level keys of a config, in the order of the file. */
export const SECTIONS = [
  'listen',
  'workers',
  'ca',
  'auth',
  'upstream',
  'resolver',
  'via',
  'tls',
  'policy',
  'contact',
  'pages',
  'log',
  'limits',
  'admin',
] as const;
export type Section = (typeof SECTIONS)[number];

export class Draft {
  readonly #single = new Map<string, Setting>();
  readonly #lists = new Map<string, Setting[]>();

  /** What is set again replaces what was. */
  set(section: Section, key: string, value: Value, lines: readonly Directive[]): void {
    this.#single.set(`${section}.${key}`, { value, lines });
  }

  /** One item more of a list. */
  add(section: Section, key: string, value: Value, lines: readonly Directive[]): void {
    const place = `${section}.${key}`;
    const list = this.#lists.get(place);
    if (list) list.push({ value, lines });
    else this.#lists.set(place, [{ value, lines }]);
  }

  single(section: Section, key: string): Setting | undefined {
    return this.#single.get(`${section}.${key}`);
  }

  list(section: Section, key: string): readonly Setting[] {
    return this.#lists.get(`${section}.${key}`) ?? [];
  }

  /** Keys that are set in a section; the empty one is the section itself. */
  keys(section: Section): readonly string[] {
    const places = [...this.#single.keys(), ...this.#lists.keys()];
    return places.filter((place) => place.startsWith(`${section}.`)).map((place) => place.slice(section.length + 1));
  }
}
