// How `npm test` runs: real sockets on port zero, so files may run side by side; a hung wait fails rather than stalls. Most
// of a test is a wait, so there is one file more at a time than vitest would take by itself: one for each core.
// Tests that measure time or memory of a proxy under load run one file after another, with the machine to themselves.
import { chmodSync, mkdtempSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const UNDER_LOAD = [
  'test/hostile/caps.test.ts',
  'test/hostile/exhaustion.test.ts',
  'test/walk/memory.test.ts',
  'test/walk/workers.test.ts',
];

/** Everything temporary is in here, with a short name: the path of a socket has 108 bytes. */
const folder = mkdtempSync(join(tmpdir(), 'sp-'));
// Programs that give up root, as Squid does, write there too.
chmodSync(folder, 0o1777);

const env = {
  TMPDIR: folder,
  /** What a proxy that a test starts has been compiled to, for the next one. */
  NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled'),
};

const common = { testTimeout: 20_000, hookTimeout: 60_000, pool: 'forks' as const, env };

export default defineConfig({
  test: {
    env,
    globalSetup: 'test/support/one-folder.ts',
    projects: [
      {
        test: {
          ...common,
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: UNDER_LOAD,
          maxWorkers: availableParallelism(),
        },
      },
      {
        test: { ...common, name: 'under load', include: UNDER_LOAD, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
