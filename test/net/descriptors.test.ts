// File descriptors shared out among connections, so that none is left for chance.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { descriptorLimit, divideDescriptors } from '../../src/net/descriptors.ts';

const folder = mkdtempSync(join(tmpdir(), 'descriptors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const AUTO = { connections: 'auto', idleConnections: 1_024 } as const;

describe('the limit of this process', () => {
  test.skipIf(process.platform !== 'linux')('is read from the system', () => {
    expect(descriptorLimit()).toBeGreaterThan(255);
  });

  test.each([
    ['the soft one', 'Max open files            256                  4096                 files\n', 256],
    ['the least that is usual, where it is not told', 'Max cpu time   unlimited   unlimited   seconds\n', 1_024],
  ])('is %s', (_name, text, limit) => {
    const file = join(folder, 'limits');
    writeFileSync(file, text);
    expect(descriptorLimit(file)).toBe(limit);
  });

  test('is the least that is usual where nobody can be asked', () => {
    expect(descriptorLimit(join(folder, 'missing'))).toBe(1_024);
  });
});

describe('a division', () => {
  test.each([64, 256, 1_024, 4_096, 65_536, 1_048_576])('of %i leaves a reserve, if every place is taken', (limit) => {
    const { connections, waiting, idle } = divideDescriptors(limit, AUTO);
    expect(connections).toBeGreaterThan(0);
    if (limit > 64) expect(2 * connections + waiting + idle).toBeLessThanOrEqual(limit - 64);
  });

  test.each([
    [256, AUTO, { connections: 64, waiting: 32, idle: 32 }],
    [1_048_576, AUTO, { connections: 16_384, waiting: 1_024, idle: 1_024 }],
    [1_024, { connections: 100, idleConnections: 10 }, { connections: 100, waiting: 128, idle: 10 }],
    [1_024, { connections: 5_000, idleConnections: 0 }, { connections: 416, waiting: 128, idle: 0 }],
  ])('of %i for %o is %o', (limit, wanted, division) => {
    expect(divideDescriptors(limit, wanted)).toEqual(division);
  });
});
