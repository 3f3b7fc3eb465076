// The exit codes of every command, as the README lists them.

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  configInvalid: 3,
  /** `test` only: the policy denies the request. */
  denied: 4,
  /** `reload`, `rotate`, `drain`, `stop`: no proxy runs with this config. */
  notRunning: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
