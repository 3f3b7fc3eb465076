// Where commands write: the two streams, and colour only for a person who looks at them. Called by every command.

import { styleText } from 'node:util';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Colours are dropped where the stream is no terminal, or NO_COLOR is set. */
  style(format: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan', text: string): string;
}

export const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  style: (format, text) => styleText(format, text, { stream: process.stdout }),
};

/** Rows as columns: every column but the last is padded to its widest cell. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + gap))).join(''),
    )
    .map((line) => `${line}\n`)
    .join('');
}
