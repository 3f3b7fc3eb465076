// A slice of the fuzzing that `npm run fuzz` does at length, from a seed that is always the same.

import { describe, expect, test } from 'vitest';
import { fuzzReplies, fuzzRequests } from './fuzz.ts';
import { fuzzChains } from './mutated-chains.ts';

describe('mutated messages', () => {
  test('SMUG-09: what the origin gets of 1,500 connections is what the log says', async () => {
    const report = await fuzzRequests({ seed: 20_261_122, runs: 1_500, milliseconds: 30_000 });
    expect(report.mismatches).toEqual([]);
    expect(report.runs).toBe(1_500);
    // Enough came through, and enough did not.
    expect(report.forwarded).toBeGreaterThan(500);
    expect(report.told).toBeGreaterThan(report.forwarded + 300);
  }, 60_000);

  test('RESP-08: none of 800 replies comes to another request than its own', async () => {
    const report = await fuzzReplies({ seed: 20_261_122, runs: 800, milliseconds: 30_000 });
    expect(report.mismatches).toEqual([]);
    expect(report.runs).toBe(800);
    expect(report.forwarded).toBeGreaterThan(800);
  }, 60_000);
});

test('TLSV-29: 1,000 mutated chains crash nothing, and are accepted only where nothing that is signed has changed', async () => {
  const report = await fuzzChains({ seed: 20_261_122, runs: 1_000, milliseconds: 60_000 });
  expect(report.mismatches).toEqual([]);
  expect(report.runs).toBe(1_000);
  // Some could still be read, or this would try the parser alone; and not all that could were taken.
  expect(report.read).toBeGreaterThan(20);
  expect(report.accepted).toBeLessThan(report.read / 2);
}, 120_000);
