// Parents for tests of a single room, without a proxy around them.

import { Parent, type ParentParts } from '../../src/net/parent.ts';
import { ParentHealth } from '../../src/net/parent-health.ts';
import { loopbackUpstream } from './upstream.ts';

export interface MadeParent {
  readonly parent: Parent;
  readonly health: ParentHealth;
  /** Each change of its health. */
  readonly told: [boolean, string][];
  /** Moves the clock of its health. */
  wait(milliseconds: number): void;
}

/** On a port of 127.0.0.1. */
export function makeParent(port: number, more: Partial<ParentParts> = {}): MadeParent {
  const told: [boolean, string][] = [];
  let now = 0;
  const health = new ParentHealth({ onChange: (up, reason) => void told.push([up, reason]), now: () => now });
  const parent = new Parent({
    name: 'hq',
    authority: { kind: 'ipv4', host: '127.0.0.1', port },
    secure: false,
    timeout: 2_000,
    way: loopbackUpstream(),
    health,
    ...more,
  });
  const wait = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { parent, health, told, wait };
}
