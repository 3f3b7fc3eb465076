// How cost grows with rules, each for a host of its own, in front of the one that matches.

import { cpuOfTree } from '../cpu-of-tree.ts';
import { memoryOfTree } from '../memory-of-tree.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { startSallyport } from '../peers/sallyport.ts';
import { linePlot, zeroBased } from '../report/plots.ts';
import { short, spreadText } from '../report/statistics.ts';
import type { Chapter } from './chapter.ts';
import { OWN, SECOND } from './colours.ts';
import { costInTurns, ratioText, warmAll } from './in-turns.ts';
import { BUMP, REFUSAL, type Scene } from './scene.ts';

interface Proxy {
  readonly count: number;
  readonly running: RunningPeer;
  /** CPU seconds until it listened, and MB then. */
  readonly start: number;
  readonly memory: number;
}

export async function rules(scene: Scene): Promise<Chapter> {
  const { ground, progress, effort } = scene;
  const proxies: Proxy[] = [];
  for (const count of effort.rules) {
    const lines = Array.from({ length: count }, (_, index) => rule(index));
    const running = await startSallyport(ground, ground.newFolder(`rules-${count}`), { workers: 1, rules: lines });
    const start = cpuOfTree(running.pid) / 1000;
    proxies.push({ count, running, start, memory: memoryOfTree(running.pid) / 1024 });
    progress.say(`rules · ${count.toLocaleString('en')} · started for ${short(start)} CPU s`);
  }
  const running = proxies.map((proxy) => proxy.running);
  await warmAll(scene, BUMP, running);
  await warmAll(scene, REFUSAL, running);
  const bumps = await costInTurns(scene, BUMP, running);
  progress.step('rules', 'all in turns', 'bump');
  const refusals = await costInTurns(scene, REFUSAL, running);
  progress.step('rules', 'all in turns', 'refused CONNECT');
  const afterLoad = running.map(({ pid }) => memoryOfTree(pid) / 1024);
  await Promise.all(running.map((each) => each.stop()));
  const results = proxies.flatMap((proxy, index) => {
    const [bump, refusal] = [bumps[index], refusals[index]];
    return bump && refusal ? [{ ...proxy, bump, refusal, after: afterLoad[index] ?? Number.NaN }] : [];
  });
  return {
    title: 'Rules',
    says: 'Rules of one host each, none of which matches, in front of the two that the bench has. All proxies run at once and are measured in turns, so that the ratio, to the one with the fewest rules, is what to read.',
    head: [
      'rules',
      'CPU ms, bump',
      'ratio',
      'CPU ms, refused CONNECT',
      'ratio',
      'CPU s to start',
      'MB when started',
      'MB after the load',
    ],
    rows: results.map(({ count, bump, refusal, start, memory, after }) => [
      count.toLocaleString('en'),
      spreadText(bump.cpu),
      ratioText(bump, bumps[0]),
      spreadText(refusal.cpu),
      ratioText(refusal, refusals[0]),
      short(start),
      short(memory),
      short(after),
    ]),
    figures: [
      {
        name: 'cost against rules',
        caption: 'CPU ms; red: CONNECT, bump, one GET; blue: a refused CONNECT',
        plot: linePlot(
          [
            { label: 'bump', colour: OWN, points: results.map(({ count, bump }) => [count, bump.cpu.median]) },
            {
              label: 'refused',
              colour: SECOND,
              points: results.map(({ count, refusal }) => [count, refusal.cpu.median]),
            },
          ],
          { title: 'rules', ticks: results.map(({ count }) => ({ at: count, label: count.toLocaleString('en') })) },
          zeroBased(
            'CPU ms',
            results.flatMap(({ bump, refusal }) => [bump.cpu.median, refusal.cpu.median]),
          ),
        ),
      },
    ],
    notes: results.flatMap(({ count, bump, refusal }) =>
      [...bump.notes, ...refusal.notes].map((note) => `${count} rules: ${note}`),
    ),
  };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const SIGNS = `0123456789${LETTERS}`;

/** As short as can be: a hundred thousand of them must stay below the 4 MB that a config file may have. */
function rule(index: number): string {
  const host = nameOf(index);
  return `{name: ${host},hosts: [${host}.t],action: deny},`;
}

/** Three signs, then four; the first is a letter, so that YAML sees text and not a number. */
function nameOf(index: number): string {
  const threes = LETTERS.length * SIGNS.length ** 2;
  const [size, from] = index < threes ? [3, index] : [4, index - threes];
  let name = '';
  let rest = from;
  for (let sign = 1; sign < size; sign += 1) {
    name = `${SIGNS[rest % SIGNS.length]}${name}`;
    rest = Math.floor(rest / SIGNS.length);
  }
  return `${LETTERS[rest]}${name}`;
}
