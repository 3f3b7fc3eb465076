// One list of `top`, and how several share the lines of a screen. Called by frame.ts. Nothing here is wider than it may be.

import type { Terminal } from '../terminal.ts';

export interface Panel {
  readonly title: string;
  /** What the figures behind the text are, such as `/s`. */
  readonly figures: readonly string[];
  readonly rows: readonly PanelRow[];
  /** How its rows are shown where they are bad news. */
  readonly colour?: 'red' | 'yellow';
}

export interface PanelRow {
  readonly text: string;
  readonly figures: readonly string[];
}

export interface Paint {
  readonly style: Terminal['style'];
  /** What stands for what is cut off. */
  readonly cutMark: string;
}

const FIGURE = 8;
/** What is left of a text at the least, before a figure is left out. */
const LEAST = 12;

/** A title, then `rows` rows at the most; each line is `width` characters wide, colours not counted. */
export function printPanel(panel: Panel, width: number, rows: number, paint: Paint): string[] {
  const { style } = paint;
  const { title, figures, colour } = panel;
  if (panel.rows.length === 0) {
    const none = fitted('none', Math.max(0, width - title.length - 2), paint.cutMark);
    return [`${style('bold', fitted(title, Math.min(width, title.length + 2), paint.cutMark))}${style('dim', none)}`];
  }
  const kept = figures.slice(0, Math.max(0, Math.floor((width - LEAST) / (FIGURE + 1))));
  const room = width - kept.length * (FIGURE + 1);
  const line = (text: string, values: readonly string[]): [string, string] => [
    fitted(text, room, paint.cutMark),
    kept.map((_, index) => ` ${(values[index] ?? '').padStart(FIGURE)}`).join(''),
  ];
  const [head, heads] = line(title, figures);
  const printed = panel.rows.slice(0, rows).map((row) => {
    const [text, values] = line(row.text, row.figures);
    return `${colour ? style(colour, text) : text}${values}`;
  });
  return [`${style('bold', head)}${style('dim', heads)}`, ...printed];
}

/** Exactly as many characters. */
export function fitted(text: string, width: number, cutMark: string): string {
  if (text.length <= width) return text.padEnd(width);
  return width < 1 ? '' : `${text.slice(0, width - 1)}${cutMark}`;
}

/** How many rows each panel has where all of them have `lines`, titles and the empty lines between them included. */
export function shareRows(panels: readonly Panel[], lines: number): number[] {
  const rows = panels.map(() => 0);
  let left = lines - panels.reduce((sum, _, index) => sum + (index === 0 ? 1 : 2), 0);
  for (let given = true; given && left > 0; ) {
    given = false;
    for (const [index, panel] of panels.entries()) {
      const has = rows[index] ?? 0;
      if (left > 0 && has < panel.rows.length) {
        rows[index] = has + 1;
        left -= 1;
        given = true;
      }
    }
  }
  return rows;
}
