// A config that is offered is used, or given up, by its number, and one thing comes after the other.

import { expect, test } from 'vitest';
import { Offers } from '../../src/supervisor/offers.ts';

function offered(told: string[], name: string) {
  return {
    commit: async () => void told.push(`commit ${name}`),
    abandon: async () => void told.push(`abandon ${name}`),
  };
}

test('what is held is used once, by its own number', async () => {
  const told: string[] = [];
  const offers = new Offers();
  await offers.prepare(3, async () => offered(told, 'three'));
  await offers.commit(2);
  await offers.abandon(4);
  expect(told).toEqual([]);
  await offers.commit(3);
  await offers.commit(3);
  await offers.abandon(3);
  expect(told).toEqual(['commit three']);
});

test('one that is abandoned while it is made is given up when it is there, and the next is made only then', async () => {
  const told: string[] = [];
  const offers = new Offers();
  const slow = Promise.withResolvers<void>();
  const first = offers.prepare(1, async () => {
    await slow.promise;
    told.push('made one');
    return offered(told, 'one');
  });
  const gone = offers.abandon(1);
  const second = offers.prepare(2, async () => {
    told.push('made two');
    return offered(told, 'two');
  });
  const used = offers.commit(2);
  slow.resolve();
  await Promise.all([first, gone, second, used]);
  expect(told).toEqual(['made one', 'abandon one', 'made two', 'commit two']);
});

test('one that cannot be made says so, and is in nobody’s way', async () => {
  const told: string[] = [];
  const offers = new Offers();
  const failed = offers.prepare(1, async () => {
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  await offers.commit(1);
  await offers.prepare(2, async () => offered(told, 'two'));
  await offers.commit(2);
  expect(told).toEqual(['commit two']);
});
