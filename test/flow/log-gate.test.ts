// What begins while nothing can be logged is not served.

import { expect, test } from 'vitest';
import { refusalByLog } from '../../src/flow/log-gate.ts';

test.each([
  ['open', undefined],
  ['blocked', { code: 'log-full', shut: false }],
  ['shut', { code: 'log-full', shut: true }],
] as const)('where the log is %s', (gate, refusal) => {
  const refused = refusalByLog({ gate });
  expect(refused && { code: refused.error.code, shut: refused.shut }).toEqual(refusal);
});
