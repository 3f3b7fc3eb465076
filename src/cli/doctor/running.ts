// Does a proxy run with this config, and does it run with what the config says now? Called by examination.ts.

import type { Status } from '../../admin/controls.ts';
import { AskedProxy } from '../asked-proxy.ts';
import { inTime, plainly } from '../plainly.ts';
import type { Finding } from './finding.ts';

export interface Running {
  /** Its process; undefined: none runs, or it cannot be asked. */
  readonly pid: number | undefined;
  readonly findings: readonly Finding[];
}

const CHECK = 'proxy';

export async function checkRunning(config: string): Promise<Running> {
  const found = await AskedProxy.find(config);
  const told = found.state === 'answered' ? await found.value.status() : found;
  if (told.state === 'answered') return { pid: told.value.pid, findings: findingsOf(told.value) };
  const isGone = told.state === 'gone';
  const reason = isGone ? 'none runs with this config' : plainly(told.reason);
  return { pid: undefined, findings: [{ check: CHECK, state: isGone ? 'ok' : 'skipped', reason }] };
}

function findingsOf({ pid, version, started, state, connections, reload }: Status): Finding[] {
  const up = inTime(Date.now() - Date.parse(started));
  const reason = `${version} is ${state} for ${up} (process ${pid}), ${connections} connections`;
  const findings: Finding[] = [{ check: CHECK, state: state === 'running' ? 'ok' : 'warning', reason }];
  if (!reload) return findings;
  if (!reload.ok) {
    const refused = `its last reload was refused, so it runs by an older config: ${plainly(reload.error.trim())}`;
    return [
      ...findings,
      { check: CHECK, state: 'failed', reason: refused, mend: 'correct it, then: sallyport reload' },
    ];
  }
  if (reload.waiting.length === 0) return findings;
  const waits = `it runs by an older config in ${reload.waiting.join(', ')}`;
  return [...findings, { check: CHECK, state: 'warning', reason: waits, mend: 'restart it' }];
}
