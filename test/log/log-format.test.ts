// The names of the formats and what stands behind them.

import { describe, expect, test } from 'vitest';
import { jsonLine } from '../../src/log/json-line.ts';
import { LOG_FORMATS, logFormat } from '../../src/log/log-format.ts';
import { combinedLine, commonLine, squidLine } from '../../src/log/text-line.ts';
import { makeEntry } from '../support/log-entries.ts';

describe('logFormat', () => {
  test.each([
    ['squid', squidLine],
    ['common', commonLine],
    ['combined', combinedLine],
    ['json', jsonLine],
  ] as const)('%s', (name, print) => {
    expect(logFormat(name)(makeEntry())).toBe(print(makeEntry()));
  });

  test('the list of names is complete', () => {
    expect(LOG_FORMATS.map((name) => logFormat(name)(makeEntry())).length).toBe(new Set(LOG_FORMATS).size);
    expect(LOG_FORMATS).toHaveLength(4);
  });
});
