import { describe, expect, test } from 'vitest';
import { PortRanges, parsePortRange } from '../../src/policy/port-ranges.ts';

function ranges(...entries: (number | string)[]): PortRanges {
  return new PortRanges(
    entries.map((entry) => {
      const range = parsePortRange(entry);
      if (!range.ok) throw new Error(range.message);
      return range.value;
    }),
  );
}

describe('port ranges', () => {
  const ports = ranges(80, '443', '1025-65535');

  test.each([
    [80, true],
    [443, true],
    [1024, false],
    [1025, true],
    [65_535, true],
    [79, false],
    [81, false],
  ])('port %d is in 80, 443, 1025-65535: %s', (port, expected) => {
    expect(ports.has(port)).toBe(expected);
  });

  test('print as they are written', () => {
    expect(`${ports}`).toBe('80, 443, 1025-65535');
    expect(`${ranges('7-7')}`).toBe('7');
    expect(`${ranges()}`).toBe('none');
  });

  test.each([
    [[443], [443], true],
    [['1-10'], ['10-20'], true],
    [['10-20'], ['1-10'], true],
    [['1-9'], ['10-20'], false],
    [[], ['1-65535'], false],
  ])('%j overlaps %j: %s', (a, b, expected) => {
    expect(ranges(...a).overlaps(ranges(...b))).toBe(expected);
  });

  test.each([0, 65_536, -1, 1.5, '', '0', '080', '443x', ' 443', '+443', '1-', '-1', '1-2-3', '0-10', 'https'])(
    '%j is refused',
    (entry) => {
      expect(parsePortRange(entry)).toEqual({
        ok: false,
        message: `"${entry}" is not a port from 1 to 65535, nor a range of ports such as 1025-65535`,
      });
    },
  );

  test('a range that runs backwards is refused with the right one', () => {
    expect(parsePortRange('90-80')).toEqual({
      ok: false,
      message: 'the port range "90-80" runs backwards',
      suggestion: 'write "80-90"',
    });
  });
});
