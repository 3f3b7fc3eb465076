// Where the time of a CPU profile went: functions by the time spent in themselves.

import { sep } from 'node:path';

/** The part of V8's format that is read here. */
export interface CpuProfile {
  /** Microseconds, as all times. */
  readonly startTime: number;
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

export interface FunctionTime {
  /** Of the time in which the process did something. */
  readonly share: number;
  readonly name: string;
  readonly place: string;
  /** The function of ours below which most of this time was spent; empty where there is none on the stack. */
  readonly onBehalfOf: string;
}

interface Account {
  time: number;
  readonly name: string;
  readonly place: string;
  readonly behalves: Map<string, number>;
}

/** Counts the samples between two times. */
export function topFunctions(profile: CpuProfile, from: number, to: number, count: number): FunctionTime[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const behalves = nearestOwn(profile, nodes);
  const accounts = new Map<string, Account>();
  let busy = 0;
  let at = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    at += profile.timeDeltas[index] ?? 0;
    const time = profile.timeDeltas[index + 1] ?? 0;
    const node = nodes.get(id);
    if (at < from || at > to || !node || node.callFrame.functionName === '(idle)') continue;
    busy += time;
    const { name, place } = describe(node);
    const account = accounts.get(`${name} ${place}`) ?? { time: 0, name, place, behalves: new Map() };
    accounts.set(`${name} ${place}`, account);
    account.time += time;
    const behalf = behalves.get(id) ?? '';
    account.behalves.set(behalf, (account.behalves.get(behalf) ?? 0) + time);
  }
  return [...accounts.values()]
    .sort((a, b) => b.time - a.time)
    .slice(0, count)
    .map(({ time, name, place, behalves: shares }) => ({
      share: time / busy,
      name,
      place,
      onBehalfOf: [...shares].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '',
    }));
}

/** Of each node, the nearest function of ours that it was called by. */
function nearestOwn(profile: CpuProfile, nodes: ReadonlyMap<number, ProfileNode>): Map<number, string> {
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const found = new Map<number, string>();
  for (const { id } of profile.nodes) {
    for (let up = parents.get(id); up !== undefined; up = parents.get(up)) {
      const node = nodes.get(up);
      if (!node?.callFrame.url.includes('/src/')) continue;
      const { name, place } = describe(node);
      found.set(id, `${name} ${place}`);
      break;
    }
  }
  return found;
}

function describe({ callFrame: { functionName, url, lineNumber } }: ProfileNode): { name: string; place: string } {
  return {
    name: functionName.slice(0, 80) || '(anonymous)',
    place: url === '' ? '' : `${shortened(url)}:${lineNumber + 1}`,
  };
}

function shortened(url: string): string {
  return url.replace(/^file:\/\//, '').replace(`${process.cwd()}${sep}`, '');
}
