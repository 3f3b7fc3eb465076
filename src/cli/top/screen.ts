// A terminal while `top` has it: another screen, keys as they are pressed, and everything as it was when it ends, however it
// ends. Called by top.ts.

import type { Size } from './frame.ts';

/** The part of a process that it takes hold of; tests give another. */
export interface Streams {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

const ESC = '\u001b[';
/** The other screen, without a cursor, and lines that are not broken. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
/** Terminals that know it show what is between the two at once; others pass it over. */
const [BEGIN, END] = [`${ESC}?2026h`, `${ESC}?2026l`];
const HOME = `${ESC}H`;
const END_OF_LINE = `${ESC}K`;
const END_OF_SCREEN = `${ESC}J`;

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_L = '\u000c';
const CTRL_Z = '\u001a';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a terminal that does not say is taken for. */
const USUAL: Size = { columns: 80, rows: 24 };

export class Screen {
  readonly #streams: Streams;
  readonly #over = Promise.withResolvers<void>();
  #onRedraw: () => void = () => undefined;
  #open = false;

  constructor(streams: Streams = { input: process.stdin, output: process.stdout }) {
    this.#streams = streams;
  }

  /** `onRedraw` is called when the size has changed, or somebody wants it drawn anew. */
  open(onRedraw: () => void): void {
    this.#onRedraw = onRedraw;
    const { input, output } = this.#streams;
    output.on('resize', this.#redraw);
    input.on('data', this.#onKeys);
    process.on('SIGCONT', this.#onContinued).once('exit', this.#restore);
    for (const signal of SIGNALS) process.on(signal, this.#end);
    this.#enter();
  }

  /** Resolves when whoever sits there has had enough. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get size(): Size {
    const { columns, rows } = this.#streams.output;
    return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
  }

  /** One write, so that nobody sees half of it. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    // Before the text: behind a line as wide as the screen its last character would go.
    const text = lines.map((line) => `${END_OF_LINE}${line}`).join('\r\n');
    const rest = lines.length < this.size.rows ? `\r\n${END_OF_SCREEN}` : '';
    this.#streams.output.write(`${BEGIN}${HOME}${text}${rest}${END}`);
  }

  /** Everything is as it was; may be called again. */
  close(): void {
    this.#restore();
    const { input, output } = this.#streams;
    output.off('resize', this.#redraw);
    input.off('data', this.#onKeys).pause();
    process.off('SIGCONT', this.#onContinued).off('exit', this.#restore);
    for (const signal of SIGNALS) process.off(signal, this.#end);
  }

  #enter(): void {
    const { input, output } = this.#streams;
    if (input.isTTY) input.setRawMode(true);
    input.resume();
    output.write(ENTER);
    this.#open = true;
  }

  readonly #restore = (): void => {
    if (!this.#open) return;
    this.#open = false;
    const { input, output } = this.#streams;
    output.write(LEAVE);
    if (input.isTTY) input.setRawMode(false);
  };

  readonly #redraw = (): void => this.#onRedraw();

  readonly #end = (): void => this.#over.resolve();

  /** Somebody else may have drawn here meanwhile. */
  readonly #onContinued = (): void => {
    this.#enter();
    this.#redraw();
  };

  readonly #onKeys = (keys: Buffer): void => {
    for (const key of keys.toString('latin1')) {
      if (key === 'q' || key === 'Q' || key === CTRL_C || key === CTRL_D) this.#end();
      else if (key === CTRL_L) this.#redraw();
      else if (key === CTRL_Z) {
        this.#restore();
        process.kill(process.pid, 'SIGTSTP');
      }
    }
  };
}
