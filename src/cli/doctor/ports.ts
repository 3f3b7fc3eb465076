// Can the proxy have its ports? Each is opened for a moment, as a start would; one that is taken is taken by the proxy
// itself, or by somebody else. Called by doctor.ts.

import type { Config } from '../../config/config.ts';
import { asProxyError } from '../../core/errors.ts';
import { Listener } from '../../net/listener.ts';
import type { ListenOptions } from '../../net/options.ts';
import { type Finding, failed } from './finding.ts';
import { ownerOfPort, type PortOwner } from './port-owner.ts';

/** The words behind the entry of this program by which it serves. */
const SERVING: ReadonlySet<string> = new Set(['up', 'run', 'worker']);

/** `running`: the process that says of itself that it serves this config, where there is one. */
export async function checkPorts({ listen }: Pick<Config, 'listen'>, running?: number): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  // One after the other: two that are the same are a mistake, and it would show.
  for (const one of listen) findings.push(await checkPort(one, running));
  return findings;
}

async function checkPort(options: ListenOptions, running: number | undefined): Promise<Finding> {
  const { address, port } = options;
  const check = 'port';
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  if (port === 0) return { check, state: 'ok', reason: `${address}: the system chooses one` };
  try {
    const listener = await Listener.open([options], (socket) => socket.destroy());
    listener.stop();
    return { check, state: 'ok', reason: `${place} is free` };
  } catch (thrown) {
    const error = asProxyError(thrown);
    if (!isTaken(error.cause)) return failed(check, error);
    if (running !== undefined) return { check, state: 'ok', reason: `${place} is open, the proxy has it` };
    const owner = await ownerOfPort(port);
    if (!owner)
      return { check, state: 'failed', reason: `${place} is taken by a program that cannot be seen from here`, mend };
    const who = `${owner.program} (process ${owner.pid})`;
    if (isOurs(owner)) return { check, state: 'ok', reason: `${place} is open, this program has it: ${who}` };
    return { check, state: 'failed', reason: `${place} is taken by ${who}`, mend };
  }
}

const mend = 'stop that program, or choose another port under "listen"';

function isTaken(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}

function isOurs({ words }: PortOwner): boolean {
  const at = words.findIndex((word) => /(?:^|\/)(?:sallyport|(?:src|dist)\/main\.[jt]s)$/.test(word));
  return at >= 0 && SERVING.has(words[at + 1] ?? '');
}
