// Formats and selections judged together with the rules.

import { expect, test } from 'vitest';
import { checkLog, formatOf } from '../../src/config/check-log.ts';
import { logSchema } from '../../src/config/log-schema.ts';

test('a rule that a log is for must be there, unless it is not known which there are', () => {
  const log = logSchema.parse({ access: { when: { rules: ['packages', 'default'] } } });
  expect(checkLog(log, false, ['packages'])).toEqual([]);
  expect(checkLog(log, false, ['package'])).toMatchObject([
    { path: ['log', 'access', 'when', 'rules', 0], hint: 'did you mean "package"?' },
  ]);
  expect(checkLog(log, false, undefined)).toEqual([]);
});

test('a format is one of those that are there, or its own text', () => {
  expect(formatOf('combined', {})).toBe('combined');
  expect(formatOf('mine', { mine: '%>a' })).toEqual({ name: 'mine', layout: '%>a' });
});
