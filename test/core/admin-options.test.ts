// How long the path of a socket may be.

import { expect, test } from 'vitest';
import { besideSocket, socketProblem } from '../../src/core/admin-options.ts';

test.each<[string, string | undefined]>([
  ['/run/sallyport/sallyport.sock', undefined],
  [`/${'x'.repeat(106)}`, undefined],
  [`/${'x'.repeat(107)}`, 'the path of a socket has at most 107 bytes, and this one needs 108'],
  [`/${'ü'.repeat(54)}`, 'the path of a socket has at most 107 bytes, and this one needs 109'],
  // The name it has before it is moved to its path is longer than its own.
  [`/${'x'.repeat(104)}/s`, 'the path of a socket has at most 107 bytes, and this one needs 113'],
])('%s', (path, problem) => {
  expect(socketProblem(path)).toBe(problem);
});

test('it is made in the same folder, so that it can be moved', () => {
  expect(besideSocket('/run/x/proxy.sock', 'abcdef')).toBe('/run/x/.abcdef');
});
