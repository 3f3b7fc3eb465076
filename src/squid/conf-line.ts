// One logical line of a squid.conf cut into its words, as Squid cuts them. read-conf.ts calls it, for lists in files too.

/** A word, and whether it stood in quotes: where an ACL takes values, a quoted word is the name of a file of them. */
export interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

export type CutLine =
  | { readonly ok: true; readonly words: readonly Word[] }
  | { readonly ok: false; readonly reason: string };

/** Words are parted by blanks; one that begins with `#` begins a comment; a backslash within quotes keeps what follows. */
export function cutLine(line: string): CutLine {
  const words: Word[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(line[at])) at += 1;
    const first = line[at];
    if (first === undefined || first === '#') return { ok: true, words };
    if (first === '"' || (first === "'" && line.indexOf("'", at + 1) > at)) {
      const quoted = cutQuoted(line, at + 1, first);
      if (!quoted) return { ok: false, reason: 'a quote is not closed' };
      words.push({ text: quoted.text, quoted: true });
      at = quoted.end;
      continue;
    }
    const begin = at;
    while (at < line.length && !isBlank(line[at])) at += 1;
    words.push({ text: line.slice(begin, at), quoted: false });
  }
}

function cutQuoted(line: string, begin: number, mark: string): { text: string; end: number } | undefined {
  let text = '';
  for (let at = begin; at < line.length; at += 1) {
    const character = line[at];
    if (character === mark) return { text, end: at + 1 };
    if (character === '\\' && at + 1 < line.length) at += 1;
    text += line[at];
  }
  return undefined;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\f' || character === '\v';
}
