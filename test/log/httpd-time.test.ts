// Local time in the spelling of httpd logs, in several zones.

import { afterEach, describe, expect, test } from 'vitest';
import { httpdTime } from '../../src/log/httpd-time.ts';

const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

describe('httpdTime', () => {
  test.each([
    ['UTC', '2026-11-22T06:47:00.999Z', '22/Nov/2026:06:47:00 +0000'],
    ['Europe/Berlin', '2026-07-01T22:30:05Z', '02/Jul/2026:00:30:05 +0200'],
    ['America/St_Johns', '2026-01-01T02:00:00Z', '31/Dec/2025:22:30:00 -0330'],
    ['Asia/Kathmandu', '2026-01-01T02:00:00Z', '01/Jan/2026:07:45:00 +0545'],
  ])('in %s', (name, iso, expected) => {
    process.env['TZ'] = name;
    expect(httpdTime(Date.parse(iso))).toBe(expected);
  });
});
