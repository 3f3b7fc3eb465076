// Sizes as people write them.

import { expect, test } from 'vitest';
import { parseByteSize } from '../../src/config/byte-size.ts';

test.each([
  ['1', 1],
  ['64KB', 65_536],
  ['100 MB', 104_857_600],
  ['1gb', 1_073_741_824],
  ['10M', 10_485_760],
  ['2TB', 2_199_023_255_552],
])('%s is a size', (text, value) => {
  expect(parseByteSize(text)).toEqual({ ok: true, value });
});

test.each(['', '0', 'MB', '-1MB', '1.5GB', '10 megabytes', '1PB', '1024TB', '1e6', '0x10'])('%j is none', (text) => {
  expect(parseByteSize(text)).toMatchObject({ ok: false, reason: expect.stringContaining('a size is') });
});
