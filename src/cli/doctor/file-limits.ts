// How many clients the file descriptors allow at once. Called by doctor.ts.

import type { Config } from '../../config/config.ts';
import { limitsOfOne } from '../../core/limits.ts';
import { descriptorLimit, divideDescriptors } from '../../net/descriptors.ts';
import { workersOf } from '../../supervisor/supervisor.ts';
import type { Finding } from './finding.ts';

/** Fewer are soon used up by an ordinary site: each machine keeps a dozen connections open. */
const FEW = 1_000;

/** `limits`: those of a process that runs, or our own, which are those of one that would be started from here. */
export function checkFileLimits(config: Config, limits = '/proc/self/limits'): Finding {
  const check = 'file limit';
  const files = descriptorLimit(limits);
  const workers = workersOf(config);
  const wanted = limitsOfOne(config.limits, workers);
  const { connections } = divideDescriptors(files, wanted);
  const clients = connections * workers;
  const reason = `${files} open files ${workers > 1 ? `in each of ${workers} workers` : ''} are enough for ${clients} clients at once`;
  const told = { check, reason: reason.replace(/ {2,}/g, ' ') };
  const mend = 'raise it: LimitNOFILE=65536 in the systemd unit, ulimit -n 65536 in a shell';
  if (wanted.connections !== 'auto' && connections < wanted.connections) {
    const { connections: asked } = config.limits;
    return { ...told, state: 'failed', reason: `${told.reason}, and limits.connections is ${asked}`, mend };
  }
  if (wanted.connections === 'auto' && clients < FEW) return { ...told, state: 'warning', mend };
  return { ...told, state: 'ok' };
}
