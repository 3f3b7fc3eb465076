// The regular expressions that people write for hosts and URLs, where they are of a shape that our patterns can say too.
// regex-bounds.ts makes patterns of the shapes; everything else is left alone.

export type Piece =
  | { readonly is: 'text'; readonly text: string }
  /** A dot: one character, whichever. */
  | { readonly is: 'one' }
  /** Any number of characters. */
  | { readonly is: 'many' };

export interface Shape {
  readonly fromStart: boolean;
  readonly toEnd: boolean;
  readonly pieces: readonly Piece[];
}

const MAX_SHAPES = 64;
const MAX_LENGTH = 512;

/** A match of the expression is a match of one of the shapes; undefined: it has none. */
export function shapesOf(source: string): readonly Shape[] | undefined {
  if (source.length > MAX_LENGTH) return undefined;
  const reader = { text: source, at: 0 };
  const ways = readAlternatives(reader);
  if (!ways || reader.at < source.length || ways.length > MAX_SHAPES) return undefined;
  const shapes: Shape[] = [];
  for (const way of ways) {
    const fromStart = way[0] === '^';
    const toEnd = way.at(-1) === '$';
    const inner = way.slice(fromStart ? 1 : 0, toEnd ? -1 : undefined);
    if (inner.includes('^') || inner.includes('$')) return undefined;
    shapes.push(openEnded(fromStart, toEnd, joined(inner.flatMap((one) => (typeof one === 'string' ? [] : [one])))));
  }
  return shapes;
}

/** `^.*x` is the same as `x`. */
function openEnded(fromStart: boolean, toEnd: boolean, pieces: readonly Piece[]): Shape {
  const begin = pieces[0]?.is === 'many';
  const end = pieces.length > 1 && pieces.at(-1)?.is === 'many';
  const only = pieces.length === 1 && begin;
  return {
    fromStart: fromStart && !begin,
    toEnd: toEnd && !end && !only,
    pieces: pieces.slice(begin ? 1 : 0, end ? -1 : undefined),
  };
}

function joined(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const before = out.at(-1);
    if (piece.is === 'text' && before?.is === 'text')
      out[out.length - 1] = { is: 'text', text: before.text + piece.text };
    else if (piece.is !== 'many' || before?.is !== 'many') out.push(piece);
  }
  return out;
}

type Token = Piece | '^' | '$';
type Way = readonly Token[];
interface Reader {
  readonly text: string;
  at: number;
}

function readAlternatives(reader: Reader): readonly Way[] | undefined {
  const ways: Way[] = [];
  for (;;) {
    const sequence = readSequence(reader);
    if (!sequence) return undefined;
    ways.push(...sequence);
    if (ways.length > MAX_SHAPES) return undefined;
    if (reader.text[reader.at] !== '|') return ways;
    reader.at += 1;
  }
}

function readSequence(reader: Reader): readonly Way[] | undefined {
  let ways: readonly Way[] = [[]];
  while (reader.at < reader.text.length && !'|)'.includes(reader.text[reader.at] ?? '')) {
    const atom = readAtom(reader);
    const repeated = atom && readRepeat(reader, atom);
    if (!repeated) return undefined;
    ways = ways.flatMap((way) => repeated.map((one) => [...way, ...one]));
    if (ways.length > MAX_SHAPES) return undefined;
  }
  return ways;
}

function readAtom(reader: Reader): readonly Way[] | undefined {
  const character = reader.text[reader.at] ?? '';
  reader.at += 1;
  if (character === '(') {
    if (reader.text[reader.at] === '?') return undefined;
    const ways = readAlternatives(reader);
    if (reader.text[reader.at] !== ')') return undefined;
    reader.at += 1;
    return ways;
  }
  if (character === '[') {
    const [all = '', only] = /^\[([^\]^\\])\]/.exec(reader.text.slice(reader.at - 1)) ?? [];
    reader.at += all.length - 1;
    return only === undefined ? undefined : [[{ is: 'text', text: only }]];
  }
  if (character === '\\') {
    const next = reader.text[reader.at] ?? '';
    reader.at += 1;
    // A letter or digit behind a backslash is a class, or whatever else the library makes of it.
    return /[A-Za-z0-9]|^$/.test(next) ? undefined : [[{ is: 'text', text: next }]];
  }
  if (character === '.') return [[{ is: 'one' }]];
  if (character === '^' || character === '$') return [[character]];
  return '*+?{}'.includes(character) ? undefined : [[{ is: 'text', text: character }]];
}

function readRepeat(reader: Reader, atom: readonly Way[]): readonly Way[] | undefined {
  const sign = reader.text[reader.at] ?? '';
  if (sign === '{') return undefined;
  if (!'*+?'.includes(sign) || sign === '') return atom;
  reader.at += 1;
  if (sign === '?') return [[], ...atom];
  const [only] = atom;
  const isDot = atom.length === 1 && only?.length === 1 && typeof only[0] === 'object' && only[0].is === 'one';
  if (!isDot) return undefined;
  return [sign === '*' ? [{ is: 'many' }] : [{ is: 'one' }, { is: 'many' }]];
}
