// Removes the folder that all temporary ones of a run are in, keys and logs with it, when the run is over. vitest calls it;
// vitest.config.ts makes the folder.

import { rmSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

export default function oneFolder({ config }: TestProject): () => void {
  const folder = config.env.TMPDIR;
  return () => {
    try {
      if (folder) rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      // A mount that a test was cut off with, or a file of another user.
      process.stderr.write(`${folder} is left behind: ${error instanceof Error ? error.message : error}\n`);
    }
  };
}
