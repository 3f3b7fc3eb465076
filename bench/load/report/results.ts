// What a run has measured, as the reports take it.

import type { Workload } from '../workloads.ts';

/** One repeat of one workload against one proxy. */
export interface Sample {
  /** In the unit of the workload. */
  readonly figure: number;
  /** Operations per second, as fast as they go. */
  readonly throughput: number;
  readonly megabytesPerSecond: number;
  /** KB of the whole proxy when the load has ended. */
  readonly memory: number;
  /** Milliseconds at the fixed rate. */
  readonly latencies: Float64Array;
  readonly notes: readonly string[];
}

export interface SweepPoint {
  readonly connections: number;
  readonly throughput: number;
}

export interface Cell {
  readonly peer: string;
  readonly samples: Sample[];
  sweep: readonly SweepPoint[];
  /** Why there are no samples, or fewer. */
  failure: string | undefined;
}

export interface WorkloadResult {
  readonly workload: Workload;
  readonly cells: readonly Cell[];
}

/** Label and value: the machine, the versions, when. */
export type Circumstance = readonly [string, string];

export interface RunResult {
  readonly title: string;
  readonly circumstances: readonly Circumstance[];
  readonly results: readonly WorkloadResult[];
  readonly notes: readonly string[];
}
