// Members come and go, and whoever has gone is held on to by nobody.

import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/core/collect-garbage.ts';
import { Roster, type Seat } from '../../src/core/roster.ts';

function rosterOf<T>(...members: readonly T[]) {
  const roster = new Roster<T>();
  const seats = members.map((member) => roster.add(member));
  const leave = (at: number): boolean | undefined => seats[at]?.leave();
  const look = () => ({ members: [...roster], size: roster.size, oldest: roster.oldest });
  return { roster, leave, look };
}

test('nobody is on it at first', () => {
  expect(rosterOf().look()).toEqual({ members: [], size: 0, oldest: undefined });
});

test.each<[sentence: string, leaving: readonly number[], left: readonly string[]]>([
  ['members are in the order in which they came', [], ['a', 'b', 'c', 'd']],
  ['the first leaves', [0], ['b', 'c', 'd']],
  ['one between others leaves', [1], ['a', 'c', 'd']],
  ['the last leaves', [3], ['a', 'b', 'c']],
  ['two beside each other leave', [1, 2], ['a', 'd']],
  ['the same, the later one first', [2, 1], ['a', 'd']],
  ['the first two leave', [0, 1], ['c', 'd']],
  ['the last two leave, the later one first', [3, 2], ['a', 'b']],
  ['all leave, as they came', [0, 1, 2, 3], []],
  ['all leave, the last one first', [3, 2, 1, 0], []],
])('%s', (_sentence, leaving, left) => {
  const { roster, leave, look } = rosterOf('a', 'b', 'c', 'd');
  for (const at of leaving) expect(leave(at)).toBe(true);
  expect(look()).toEqual({ members: left, size: left.length, oldest: left[0] });
  roster.add('e');
  expect(look()).toEqual({ members: [...left, 'e'], size: left.length + 1, oldest: left[0] ?? 'e' });
});

test('who leaves a second time is told so, and nobody else goes for it', () => {
  const { leave, look } = rosterOf('a', 'b');
  expect([leave(0), leave(0)]).toEqual([true, false]);
  expect(look()).toEqual({ members: ['b'], size: 1, oldest: 'b' });
});

test('one member may have several places', () => {
  const { leave, look } = rosterOf('a', 'a');
  leave(0);
  expect(look()).toEqual({ members: ['a'], size: 1, oldest: 'a' });
});

test('who leaves or comes while all are gone through changes nothing of it', () => {
  const { roster, leave, look } = rosterOf(0, 1, 2);
  const seen: number[] = [];
  for (const at of roster) {
    seen.push(at);
    leave(at);
    leave(2);
    roster.add(9);
  }
  expect(seen).toEqual([0, 1, 2]);
  expect(look()).toEqual({ members: [9, 9, 9], size: 3, oldest: 9 });
});

/** Bytes in objects that have outlived collections of young ones. */
function old(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? Number.NaN;
}

test('who has left an old roster is gone with the next collection of young objects', () => {
  const roster = new Roster<readonly number[]>();
  const here: Seat[] = [];
  const come = (): number => here.push(roster.add(new Array<number>(1_000).fill(0)));
  for (let count = 0; count < 8; count++) come();
  collectGarbage({ type: 'major' });
  const before = old();
  for (let count = 0; count < 4_000; count++) {
    come();
    here.shift()?.leave();
    if (count % 200 === 0) collectGarbage({ type: 'minor' });
  }
  // A Set holds on to all that has passed: 32 MB.
  expect(old() - before).toBeLessThan(4_000_000);
});
