// What this process has measured so far, from all who count: made when somebody asks, so that nothing is made for it while
// nobody does. Called by proxy.ts.

import { countOf, type Distribution } from '../core/histogram.ts';
import type { Counts, Measures } from '../metrics/measures.ts';
import { processLoad } from '../metrics/process-load.ts';
import type { DurationKey, SeriesKey } from '../metrics/series.ts';
import type { UpstreamMeter } from '../net/upstream-meter.ts';
import type { LeafMeter } from '../pki/leaf-meter.ts';
import type { Stage } from './services.ts';

/** What only the assembling room knows. */
export interface Beside {
  /** Connections accepted since the start, and open now. */
  readonly accepted: number;
  readonly open: number;
  readonly log: { readonly lines: number; readonly lost: number; readonly waiting: number; readonly failing: number };
  readonly lag: Distribution;
  /** Descriptors that the system grants. */
  readonly descriptors: number;
  readonly meters: { readonly leaves: LeafMeter; readonly upstream: UpstreamMeter };
}

export function measure(stage: Stage, { accepted, open, log, lag, descriptors, meters }: Beside): Measures {
  const { tally, upstream, places, pools, server, tunnels, underWay } = stage;
  const { hits, misses, times } = meters.leaves.read();
  const { dials, handshakes, failedDials, failedHandshakes, ...names } = meters.upstream.read();
  const { size, bytes } = held(stage);
  const { taken, waiting } = places.stats;
  const series: Readonly<Record<Exclude<SeriesKey, 'workerExits'>, Counts>> = {
    ...tally.read(),
    ...processLoad(descriptors),
    accepted: one(accepted),
    handshakes: tally.handshakes.read(),
    leaves: { hit: hits, miss: misses },
    names: { local: names.localNames, hit: names.nameHits, miss: names.nameMisses },
    dials: { ok: countOf(dials), ...failedDials },
    verifications: { ok: countOf(handshakes), ...failedHandshakes },
    verificationFailures: Object.fromEntries(VERIFICATION.map((code) => [code, failedHandshakes[code] ?? 0] as const)),
    logLines: one(log.lines),
    logLost: one(log.lost),
    connections: one(Math.max(open, taken)),
    waiting: one(waiting),
    tunnels: { bumped: server.tunnels, passed: tunnels.size },
    inProgress: one(underWay.size),
    upstreams: one(pools.size),
    leafEntries: one(size),
    leafBytes: one(bytes),
    nameEntries: one(upstream.resolver.size),
    logWaiting: one(log.waiting),
    logFailing: one(log.failing),
  };
  const durations: Readonly<Record<DurationKey, Distribution>> = {
    request: tally.requestTimes.read(),
    firstByte: tally.firstByteTimes.read(),
    mint: times,
    clientHandshake: tally.handshakes.times.read(),
    upstreamHandshake: handshakes,
    dial: dials,
    dns: names.lookups,
    lag,
  };
  return { series, durations };
}

/** What an origin can fail by that is about who it is, not about the way there. */
const VERIFICATION = ['upstream-certificate', 'upstream-name'] as const;

const one = (count: number): Counts => ({ '': count });

/** Of both stores, where clients of our own TLS have one of theirs. */
function held({ leaves, ownLeaves }: Pick<Stage, 'leaves' | 'ownLeaves'>): { size: number; bytes: number } {
  const a = leaves.stats;
  if (leaves === ownLeaves) return a;
  const b = ownLeaves.stats;
  return { size: a.size + b.size, bytes: a.bytes + b.bytes };
}
