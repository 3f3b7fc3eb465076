// `sallyport up`: starts, and prints a card that says what happened and what to type next.

import type { ExitCode } from './exit-code.ts';
import { keepRunning, type RunOptions } from './run.ts';
import { startCard } from './start-card.ts';
import type { Terminal } from './terminal.ts';

export function up(terminal: Terminal, options: RunOptions): Promise<ExitCode> {
  return keepRunning(terminal, options, (proxy, config) => terminal.out(startCard(terminal, proxy, config)));
}
