// A slice of the fuzzing that `npm run fuzz` does at length, from a seed that is always the same.

import { describe, expect, test } from 'vitest';
import { fuzzReplies, fuzzRequests } from './fuzz.ts';

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
