// What every part of the scaling bench works with.

import type { ClientProcess } from '../client-process.ts';
import type { Ground } from '../ground.ts';
import type { Progress } from '../progress.ts';
import { workloadOf } from '../workloads.ts';

/** Times are in milliseconds. */
export interface ScalingEffort {
  readonly repeats: number;
  readonly warm: number;
  readonly warmOperations: number;
  readonly closed: number;
  readonly tunnels: readonly number[];
  readonly rules: readonly number[];
  readonly hosts: readonly number[];
  /** For all hosts together; what was not reached by then is left out. */
  readonly hostsTime: number;
}

export interface Scene {
  readonly ground: Ground;
  /** The one that measures; others may hold tunnels beside it. */
  readonly client: ClientProcess;
  readonly progress: Progress;
  readonly effort: ScalingEffort;
}

export const FULL: ScalingEffort = {
  repeats: 3,
  warm: 5000,
  warmOperations: 2000,
  closed: 2000,
  tunnels: [1, 10, 100, 1000, 10_000],
  rules: [10, 1000, 10_000, 100_000],
  hosts: [1, 100, 4000, 20_000, 50_000],
  hostsTime: 15 * 60_000,
};

export const QUICK: ScalingEffort = {
  repeats: 2,
  warm: 1500,
  warmOperations: 500,
  closed: 500,
  tunnels: [1, 10, 100, 500],
  rules: [10, 1000, 5000],
  hosts: [1, 100, 500],
  hostsTime: 30_000,
};

export const BUMP = workloadOf('bump-full-known-get1');
export const NEW_HOST = workloadOf('bump-full-new-get1');
export const SPLICE = workloadOf('splice-full-get1');
export const REFUSAL = workloadOf('refuse-connect');
