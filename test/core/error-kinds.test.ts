// The list of everything that can go wrong: each code is complete and can be told from the others.

import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/core/error-kinds.ts';

describe('the list', () => {
  test.each(Object.entries(ERROR_KINDS))('%s has a side, a status that fits it, and one sentence', (code, kind) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(kind.squid).toMatch(/^ERR_[A-Z_]+$/);
    expect(kind.sentence).toMatch(/^[A-Z][^\r\n"<>&]*\.$/);
    // 0: there is nobody left to send a status to.
    const statuses: Record<string, RegExp> = {
      client: /^(?:0|4\d\d)$/,
      // A parent proxy that refuses is another proxy's 403.
      upstream: /^(?:403|50[234])$/,
      proxy: /^(?:403|50\d)$/,
    };
    expect(String(kind.status)).toMatch(statuses[kind.side] ?? /$^/);
  });

  test('says every sentence once', () => {
    const sentences = Object.values(ERROR_KINDS).map((kind) => kind.sentence);
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});
