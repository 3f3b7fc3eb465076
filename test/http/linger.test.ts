// The end of a connection on which our last word is said: not before the client has it, and not for ever.

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { linger } from '../../src/http/linger.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll } from '../support/rig.ts';
import { socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

test('who still sends has our last words all the same', async () => {
  const { near, far } = await socketPair();
  far.write('x'.repeat(200_000));
  near.end('the last words');
  linger(near);
  expect(await readAll(far)).toBe('the last words');
  far.end();
  await once(near, 'close');
});

test('who never ends its side is ended after two seconds', async () => {
  const { near, far } = await socketPair();
  const begin = performance.now();
  near.end('the last words');
  linger(near);
  far.resume();
  await once(near, 'close');
  expect(performance.now() - begin).toBeGreaterThan(1_900);
  far.destroy();
});
