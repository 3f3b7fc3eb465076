// The names of the formats and what stands behind them.

import { describe, expect, test } from 'vitest';
import { jsonLine } from '../../src/log/json-line.ts';
import { LOG_FORMATS, logFormat } from '../../src/log/log-format.ts';
import { combinedLine, commonLine, squidLine } from '../../src/log/text-line.ts';
import { makeEntry } from '../support/log-entries.ts';

describe('logFormat', () => {
  test.each([
    ['squid', squidLine],
    ['common', commonLine],
    ['combined', combinedLine],
    ['json', jsonLine],
  ] as const)('%s', (name, print) => {
    expect(logFormat(name)(makeEntry())).toBe(print(makeEntry()));
  });

  test.each(LOG_FORMATS)(
    '%s keeps within fewer characters, whatever the texts are, and leaves short lines alone',
    (name) => {
      const text = 'é"'.repeat(5_000);
      const longest = makeEntry({
        client: text,
        method: text,
        url: `https://a.test/${text}`,
        user: text,
        peer: text,
        contentType: text,
        httpVersion: text,
        referer: `https://a.test/${text}`,
        userAgent: text,
        tunnel: text,
        exchange: text,
        rule: text,
        reason: text,
        errorDetail: text,
        alert: text,
        sni: text,
        clientTls: { version: text, cipher: text },
        upstreamTls: { version: text, cipher: text },
      });
      expect(logFormat(name)(longest).length).toBeGreaterThan(4_096);
      expect(logFormat(name, 4_096)(longest).length).toBeLessThan(4_096);
      expect(logFormat(name, 4_096)(makeEntry())).toBe(logFormat(name)(makeEntry()));
    },
  );

  test.each([
    ['5+', 'NONE_NONE', 'TCP_DENIED'],
    ['4', 'NONE', 'TCP_DENIED'],
    ['3.5', 'TAG_NONE', 'TCP_DENIED'],
  ] as const)('by the tags of Squid %s a transaction without a result is %s, and no other', (tags, none, other) => {
    for (const name of ['squid', 'common', 'combined'] as const) {
      const print = logFormat(name, undefined, tags);
      const lines = [
        print(makeEntry({ tag: 'NONE_NONE', suffix: 'ABORTED' })),
        print(makeEntry({ tag: 'TCP_DENIED', suffix: undefined })),
      ];
      expect(lines.map((line) => /(?<= )(?:TCP|NONE|TAG)[A-Z_]*(?=[/:])/.exec(line)?.[0])).toEqual([
        `${none}_ABORTED`,
        other,
      ]);
    }
  });

  test('the list of names is complete', () => {
    expect(LOG_FORMATS.map((name) => logFormat(name)(makeEntry())).length).toBe(new Set(LOG_FORMATS).size);
    expect(LOG_FORMATS).toHaveLength(6);
  });
});
