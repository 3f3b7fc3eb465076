// The phrases of statuses.

import { STATUS_CODES } from 'node:http';
import { expect, test } from 'vitest';
import { statusPhrase } from '../../src/http/status-phrase.ts';

test('a status has the phrase of the RFC, or an older one', () => {
  expect([200, 304, 404, 421, 503].map(statusPhrase)).toEqual([
    'OK',
    'Not Modified',
    'Not Found',
    'Misdirected Request',
    'Service Unavailable',
  ]);
});

test('each that Node.js knows and origins send has one; none that nobody knows has', () => {
  const rare = [300, 305, 306, 418, 506, 509, 510, 511];
  const without = Object.keys(STATUS_CODES)
    .map(Number)
    .filter((status) => status >= 200 && !statusPhrase(status));
  expect(without.filter((status) => !rare.includes(status))).toEqual([]);
  expect(statusPhrase(299)).toBe('');
});
