// The `if`, `else` and `endif` of a squid.conf: which lines count. read-conf.ts asks it line by line.

type State = 'taken' | 'skipped';

export class Conditionals {
  /** From the outermost inwards; the line is that of the `if`. */
  readonly #open: { state: State; hasElse: boolean; line: number }[] = [];

  /** Whether a line that stands here counts. */
  get counts(): boolean {
    return this.#open.every(({ state }) => state === 'taken');
  }

  /** The line of an `if` that has no `endif`. */
  get unclosed(): number | undefined {
    return this.#open.at(-1)?.line;
  }

  /** Undefined: the line is none of the three. Else what is wrong with it, or an empty text. */
  read(text: string, line: number): string | undefined {
    const [, word = '', rest = ''] = /^(if|else|endif)(?:\s+(.*))?$/s.exec(text.trim()) ?? [];
    const top = this.#open.at(-1);
    switch (word) {
      case 'if': {
        const holds = holdsTrue(rest.trim());
        this.#open.push({ state: holds ? 'taken' : 'skipped', hasElse: false, line });
        return holds === undefined ? `"${rest.trim()}" is no condition: true, false, a number, or A = B` : '';
      }
      case 'else':
        if (!top) return '"else" without "if"';
        if (top.hasElse) return 'a second "else"';
        top.state = top.state === 'taken' ? 'skipped' : 'taken';
        top.hasElse = true;
        return '';
      case 'endif':
        return this.#open.pop() ? '' : '"endif" without "if"';
      default:
        return undefined;
    }
  }
}

/** `true`, `false`, an integer (not zero is true), or two integers with `=` between them. */
function holdsTrue(expression: string): boolean | undefined {
  if (expression === 'true') return true;
  if (expression === 'false') return false;
  const [, left = '', right] = /^([+-]?\d+)(?:\s*=\s*([+-]?\d+))?$/.exec(expression) ?? [];
  if (left === '') return undefined;
  return right === undefined ? Number(left) !== 0 : Number(left) === Number(right);
}
