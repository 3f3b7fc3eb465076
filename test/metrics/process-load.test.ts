import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDescriptors, processLoad } from '../../src/metrics/process-load.ts';

test('the load of this process is told in base units', () => {
  const { cpu, resident, heap, mostDescriptors } = processLoad(1_024);
  expect([Object.keys(cpu), mostDescriptors['']]).toEqual([['user', 'system'], 1_024]);
  expect(cpu['user']).toBeGreaterThan(0.01);
  expect(cpu['user']).toBeLessThan(3_600);
  expect(resident['']).toBeGreaterThan(heap[''] ?? 0);
});

test('a descriptor more is one more', () => {
  const before = openDescriptors();
  const file = openSync(join(mkdtempSync(join(tmpdir(), 'load-')), 'file'), 'w');
  const during = openDescriptors();
  closeSync(file);
  expect([during - before, openDescriptors() - before]).toEqual([1, 0]);
});

test('where the system does not tell, there are none', () => {
  expect(openDescriptors('/nowhere')).toBe(0);
});
