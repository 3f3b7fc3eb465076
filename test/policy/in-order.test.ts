import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstInOrder } from '../../src/policy/in-order.ts';

const same = (item: number): number => item;

test('sorted lists are seen as one sorted list', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(30), { maxLength: 6 }), { maxLength: 5 }), (lists) => {
      const seen: number[] = [];
      const sorted = lists.map((list) => list.toSorted((a, b) => a - b));
      const found = firstInOrder(sorted, same, (item) => {
        seen.push(item);
        return false;
      });
      expect(found).toBeUndefined();
      expect(seen).toEqual(lists.flat().toSorted((a, b) => a - b));
    }),
  );
});

test('nothing is looked at beyond what is accepted', () => {
  const seen: number[] = [];
  const found = firstInOrder(
    [
      [1, 4],
      [2, 3, 9],
    ],
    same,
    (item) => {
      seen.push(item);
      return item === 3;
    },
  );
  expect(found).toBe(3);
  expect(seen).toEqual([1, 2, 3]);
});
