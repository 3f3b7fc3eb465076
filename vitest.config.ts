// How `npm test` runs: real sockets on port zero, so files may run side by side; a hung wait fails rather than stalls.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
