// The time a call takes, for tests that hold a limit on a busy machine.

/** Milliseconds of CPU, the least of three runs: what disturbs a run only ever adds to it. */
export function leastCpuTime(run: () => void): number {
  const times = [1, 2, 3].map(() => {
    const begin = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}
