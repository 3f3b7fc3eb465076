import { expect, test } from 'vitest';
import { compileEach, type Problem, sound, unsound } from '../../src/policy/problem.ts';

test('what fails is left out and told with its place, the rest is compiled', () => {
  const problems: Problem[] = [];
  const half = (value: number) => (value % 2 === 0 ? sound(value / 2) : unsound(`${value} is odd`));
  expect(compileEach([2, 3, 8, 5], half, ['rules', 4, 'ports'], problems)).toEqual([1, 4]);
  expect(problems).toEqual([
    { path: ['rules', 4, 'ports', 1], message: '3 is odd' },
    { path: ['rules', 4, 'ports', 3], message: '5 is odd' },
  ]);
});

test('a suggestion is handed on where there is one', () => {
  const problems: Problem[] = [];
  compileEach(['x'], () => unsound('no', 'write "y"'), [], problems);
  expect(problems).toEqual([{ path: [0], message: 'no', suggestion: 'write "y"' }]);
});
