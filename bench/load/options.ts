// The command line of the load bench: `load [WORD…] [--quick] [--peers a,b] [--profile]`.

import { parseArgs } from 'node:util';
import { PEERS } from './peers/peers.ts';
import { sallyportAuto } from './peers/sallyport.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** How long each part of a measurement takes. Times are in milliseconds. */
export interface Effort {
  readonly repeats: number;
  /** Before the first repeat: so long at most, or so many operations. A compiler wants thousands of them. */
  readonly warm: number;
  readonly warmOperations: number;
  readonly closed: number;
  readonly open: number;
  /** Connections of the throughput curve, and the time for each point. */
  readonly sweep: readonly number[];
  readonly sweepTime: number;
  readonly idleConnections: number;
  /** No workload begins after this. */
  readonly limit: number;
}

export interface Options {
  readonly effort: Effort;
  readonly workloads: readonly Workload[];
  readonly peers: readonly (typeof PEERS)[number][];
  readonly profile: boolean;
  /** What the result files are called: `latest` is the run of everything. */
  readonly label: 'latest' | 'quick' | 'part';
}

const FULL: Effort = {
  repeats: 3,
  // At 300 connections a second a compiler has seen enough of them after that, not after ten seconds.
  warm: 30_000,
  warmOperations: 20_000,
  closed: 2500,
  open: 3000,
  sweep: [1, 4, 16, 64, 256],
  sweepTime: 1500,
  idleConnections: 1000,
  limit: 40 * 60_000,
};

const QUICK: Effort = {
  repeats: 1,
  warm: 700,
  warmOperations: 3000,
  closed: 700,
  open: 500,
  sweep: [],
  sweepTime: 0,
  idleConnections: 200,
  limit: 110_000,
};

/** Throws an Error with a sentence for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      peers: { type: 'string' },
    },
  });
  const words = positionals.filter((word, index) => index > 0 || word !== 'load');
  const workloads = WORKLOADS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (workloads.length === 0) throw new Error(`no workload is called so; there are ${list(WORKLOADS)}`);
  const names = values.peers?.split(',');
  const unknown = names?.find((name) => !PEERS.some((peer) => peer.name === name));
  if (unknown !== undefined) throw new Error(`no proxy is called ${unknown}; there are ${list(PEERS)}`);
  const whole = words.length === 0 && names === undefined;
  return {
    effort: values.quick ? QUICK : FULL,
    workloads,
    // Two minutes are too short for Sallyport twice.
    peers: PEERS.filter((peer) => names?.includes(peer.name) ?? !(values.quick && peer === sallyportAuto)),
    profile: values.profile,
    label: values.quick ? 'quick' : whole ? 'latest' : 'part',
  };
}

function list(named: readonly { readonly name: string }[]): string {
  return named.map(({ name }) => name).join(', ');
}
