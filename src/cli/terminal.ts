// Where commands write: the two streams, and colour only for a person who looks at them. Called by every command.

import { stripVTControlCharacters, styleText } from 'node:util';

export interface Terminal {
  /** What was asked for. Bytes go out as they are. */
  out(text: string | Uint8Array): void;
  /** What went wrong, and what a script must not take for the answer. */
  err(text: string): void;
  /** Colours are dropped where standard output is no terminal, or NO_COLOR is set. */
  style(format: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan', text: string): string;
  /** Whether a person reads standard output, and standard error. */
  readonly watched: { readonly out: boolean; readonly err: boolean };
  /** Characters in a line of standard output; undefined where that is no terminal. */
  readonly width?: number | undefined;
}

export const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  style: (format, text) => styleText(format, text, { stream: process.stdout }),
  watched: {
    get out() {
      return process.stdout.isTTY === true;
    },
    get err() {
      return process.stderr.isTTY === true;
    },
  },
  get width() {
    return process.stdout.columns;
  },
};

/** Rows as columns: every column but the last is padded to its widest cell. Colours take no room. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
    });
  }
  const padded = (cell: string, index: number): string =>
    cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) + gap - widthOf(cell)));
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : padded(cell, index))).join(''))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

const widthOf = (cell: string): number => stripVTControlCharacters(cell).length;
