// A log line before anything has happened.

import { describe, expect, test } from 'vitest';
import { type LoggedAs, LogPreview } from '../../src/cli/log-preview.ts';

const preview = new LogPreview('192.0.2.7');

const CASES: readonly [what: string, logged: LoggedAs, line: string][] = [
  [
    'a size that is not known',
    { tag: 'TCP_MISS', status: 200, peer: '192.0.2.1' },
    'TCP_MISS/200 N GET U - HIER_DIRECT/192.0.2.1 -',
  ],
  ['a size that is always zero', { tag: 'NONE_NONE', status: 200, size: 0 }, 'NONE_NONE/200 0 GET U - HIER_NONE/- -'],
  ['no reply, so no size', { tag: 'NONE_NONE', status: 0 }, 'NONE_NONE/000 0 GET U - HIER_NONE/- -'],
  [
    'a page',
    { tag: 'TCP_DENIED', status: 403, contentType: 'text/html' },
    'TCP_DENIED/403 N GET U - HIER_NONE/- text/html',
  ],
];

describe('a line shows', () => {
  test.each(CASES)('%s', (_, logged, line) => {
    const url = 'http://a.test/';
    expect(preview.line({ ...logged, method: 'GET', url })).toBe(`192.0.2.7 ${line.replace('U', url)}`);
  });

  test('a URL as the log spells it', () => {
    const line = preview.line({ tag: 'TCP_MISS', status: 200, method: 'GET', url: 'http://a.test/x?token=1' });
    expect(line).toContain(' http://a.test/x? ');
  });
});
