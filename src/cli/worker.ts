// `sallyport worker`: one of the processes that `up` and `run` start where there are to be several. Not for people.

import { work } from '../supervisor/worker.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

export async function worker(terminal: Pick<Terminal, 'err'>): Promise<ExitCode> {
  const end = await work();
  if (end !== undefined) return end === 'told' ? EXIT.ok : EXIT.failed;
  terminal.err('Workers are started by "run" and "up"; see "workers" in the config.\n');
  return EXIT.usage;
}
