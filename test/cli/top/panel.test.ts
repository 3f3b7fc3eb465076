// Lists that keep within their lines and columns.

import { describe, expect, test } from 'vitest';
import { fitted, type Paint, type Panel, printPanel, shareRows } from '../../../src/cli/top/panel.ts';

const paint: Paint = { style: (_, text) => text, cutMark: '…' };
const panel = (title: string, count: number): Panel => ({
  title,
  figures: ['req/s', 'out/s'],
  rows: Array.from({ length: count }, (_, n) => ({ text: `host-${n}.example.com`, figures: [String(n), '1.2 MB'] })),
});

test.each([
  ['abc', 5, 'abc  '],
  ['abcdef', 4, 'abc…'],
  ['abc', 3, 'abc'],
  ['abc', 0, ''],
])('%j in %i characters is %j', (text, width, shown) => {
  expect(fitted(text, width, '…')).toBe(shown);
});

describe('a panel', () => {
  test('has its figures at the right, each below its head', () => {
    expect(printPanel(panel('HOSTS', 2), 44, 9, paint)).toEqual([
      'HOSTS                         req/s    out/s',
      'host-0.example.com                0   1.2 MB',
      'host-1.example.com                1   1.2 MB',
    ]);
  });

  test('without rows is one line', () => {
    expect(printPanel(panel('HOSTS', 0), 20, 9, paint)).toEqual(['HOSTS  none         ']);
  });

  test.each([4, 12, 20, 40, 100])('is %i characters wide in every line', (width) => {
    for (const count of [0, 1, 5]) {
      for (const line of printPanel(panel('REJECTED OUR CERTIFICATE', count), width, 3, paint)) {
        expect(line.length).toBe(width);
      }
    }
  });
});

describe('the lines of a screen', () => {
  test.each([
    [[2, 2], 20, [2, 2]],
    [[9, 9], 11, [4, 4]],
    [[9, 1], 11, [7, 1]],
    [[0, 9], 11, [0, 8]],
    [[9, 9, 9], 5, [0, 0, 0]],
    [[9], 0, [0]],
  ])('panels with %j rows share %i lines as %j', (counts, lines, shares) => {
    expect(
      shareRows(
        counts.map((count) => panel('x', count)),
        lines,
      ),
    ).toEqual(shares);
  });
});
