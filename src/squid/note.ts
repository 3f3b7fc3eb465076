// What the import has to say about one line of a squid.conf that is not simply there in the config that comes out.

/** Where a line stands; `file` as it was named. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/**
 * `not-needed`: nothing is lost; `differs`: honoured in another way; `stricter`: denies more than Squid did, since less
 * could be said; `unsafe`: taken over, or not, with a warning; `lost`: no counterpart; `unknown`: no directive of Squid's.
 */
export type NoteKind = 'not-needed' | 'differs' | 'stricter' | 'unsafe' | 'lost' | 'unknown';

export interface Note extends Place {
  readonly kind: NoteKind;
  /** The directive, without its values, which may be secret. */
  readonly about: string;
  readonly why: string;
  readonly todo: string;
}

export type Tell = (place: Place & { readonly name: string }, kind: NoteKind, why: string, todo: string) => void;

/** Collects notes; the same words about one line are kept once. */
export class Notes {
  readonly all: Note[] = [];
  readonly #said = new Set<string>();

  readonly tell: Tell = ({ file, line, name }, kind, why, todo) => {
    const key = `${file}:${line} ${name} ${kind} ${why}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.all.push({ file, line, kind, about: name, why, todo });
  };
}

/** What is warned of wherever the lines are put to use, each reason once: what is unsafe, or denies more than Squid did. */
export function warningsIn(notes: readonly Note[]): readonly Note[] {
  const grave = notes.filter(({ kind }) => kind === 'unsafe' || kind === 'stricter');
  return grave.filter(({ why }, at) => grave.findIndex((one) => one.why === why) === at);
}

/** In one line. */
export function noteLine({ file, line, about, why, todo }: Note): string {
  return `${file}:${line}  ${about}  ${why}${todo && ` (${todo})`}`;
}

const TITLES: Readonly<Record<NoteKind, string>> = {
  unknown: 'No directive of Squid',
  unsafe: 'Unsafe as it stood',
  stricter: 'Denied more strictly than by Squid, since it cannot be said exactly',
  lost: 'Not translated',
  differs: 'Done differently',
  'not-needed': 'Not needed',
};

const ORDER: readonly NoteKind[] = ['unknown', 'unsafe', 'stricter', 'lost', 'differs', 'not-needed'];

/** The list for a person, the gravest first; empty when there is nothing to say. Lines of one wording are one entry. */
export function printNotes(notes: readonly Note[]): string {
  return ORDER.map((kind) => {
    const entries = new Map<string, string[]>();
    for (const note of notes.filter((one) => one.kind === kind)) {
      const text = `    ${note.why}\n${note.todo === '' ? '' : `    → ${note.todo}\n`}`;
      entries.set(text, [...(entries.get(text) ?? []), `${note.file}:${note.line}  ${note.about}`]);
    }
    if (entries.size === 0) return '';
    return `${TITLES[kind]}:\n${[...entries].map(([text, heads]) => `${head(heads)}${text}`).join('')}`;
  })
    .filter((part) => part !== '')
    .join('\n');
}

const MAX_HEADS = 6;

function head(heads: readonly string[]): string {
  const shown = heads.slice(0, MAX_HEADS).map((one) => `  ${one}\n`);
  return heads.length > MAX_HEADS ? `${shown.join('')}  and ${heads.length - MAX_HEADS} lines more\n` : shown.join('');
}
