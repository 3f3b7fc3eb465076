// Where a rule stands, as whoever was refused is shown it.

import { expect, test } from 'vitest';
import { shownPlace } from '../../src/core/place.ts';

test.each([
  ['/etc/sallyport/sallyport.yaml', 12, 'sallyport.yaml:12'],
  ['sallyport.yaml', 1, 'sallyport.yaml:1'],
  ['C:\\proxy\\a b.yaml', 3, 'a b.yaml:3'],
])('%s in line %d is shown without its folder', (file, line, shown) => {
  expect(shownPlace({ file, line })).toBe(shown);
});
