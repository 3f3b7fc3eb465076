// Whether new connections should be sent here: what /readyz says, and what /healthz. Pure; called by overview.ts.

import { type Measures, totalOf } from '../metrics/measures.ts';
import type { Facts } from './facts.ts';

export interface Check {
  readonly ok: boolean;
  /** One sentence. */
  readonly detail: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: {
    readonly config: Check;
    readonly ca: Check;
    readonly log: Check;
    readonly workers: Check;
    readonly draining: Check;
  };
}

const DAY = 24 * 3_600_000;

/** `now`: milliseconds since the epoch. A refused reload is told, but what was before is still good. */
export function readinessOf(facts: Omit<Facts, 'ready'>, measures: Measures, now: number): Readiness {
  const checks = {
    config: configCheck(facts),
    ca: caCheck(facts, now),
    log: logCheck(measures),
    workers: workerCheck(facts),
    draining: { ok: !facts.draining, detail: facts.draining ? 'Nobody is let in any more.' : 'Not draining.' },
  };
  return { ready: Object.values(checks).every(({ ok }) => ok), checks };
}

function configCheck({ reload }: Omit<Facts, 'ready'>): Check {
  if (!reload) return { ok: true, detail: 'Loaded.' };
  if (reload.ok) return { ok: true, detail: `Loaded; used anew at ${reload.at}.` };
  return {
    ok: true,
    // Why, may quote the config, and anybody may ask here: operators are told by /v1/status.
    detail: `The reload at ${reload.at} was refused, the config before it holds; "sallyport status" says why.`,
  };
}

function caCheck({ ca }: Omit<Facts, 'ready'>, now: number): Check {
  const left = ca.notAfter.getTime() - now;
  const until = ca.notAfter.toISOString();
  if (left <= 0) return { ok: false, detail: `The CA has expired at ${until}.` };
  return { ok: true, detail: `Valid until ${until}, ${Math.floor(left / DAY)} days.` };
}

function logCheck(measures: Measures): Check {
  const [failing, lost] = [totalOf(measures, 'logFailing'), totalOf(measures, 'logLost')];
  const told = lost > 0 ? `${lost} lines lost since the start` : 'no line lost';
  return failing > 0
    ? { ok: false, detail: `${failing} log files cannot be written to; ${told}.` }
    : { ok: true, detail: `Writable; ${told}.` };
}

function workerCheck({ workers: { wanted, listening } }: Omit<Facts, 'ready'>): Check {
  return { ok: listening > 0, detail: `${listening} of ${wanted} carry traffic.` };
}
