// Origins that want a client certificate: how long it is remembered, of which, and of how many.

import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import { WantingOrigins } from '../../src/flow/wanting-origins.ts';

const at = (host: string, port = 443): Authority => ({ kind: 'name', host, port });
const HOUR = 3_600_000;

describe('what is known of an origin that wants a client certificate', () => {
  test('is for its host and port alone', () => {
    const wanting = new WantingOrigins();
    wanting.remember(at('ok.test'), 'required', 0);
    const asked = [at('ok.test'), at('ok.test', 8443), at('a.ok.test')].map((authority) =>
      wanting.wishOf(authority, 1),
    );
    expect(asked).toEqual(['required', undefined, undefined]);
  });

  test('is forgotten after an hour, and what is learnt later takes its place', () => {
    const wanting = new WantingOrigins();
    wanting.remember(at('ok.test'), 'required', 0);
    expect(wanting.wishOf(at('ok.test'), HOUR - 1)).toBe('required');
    expect(wanting.wishOf(at('ok.test'), HOUR)).toBeUndefined();
    wanting.remember(at('ok.test'), 'optional', HOUR);
    expect(wanting.wishOf(at('ok.test'), HOUR + 1)).toBe('optional');
  });

  test('is never that it requires one where it has answered without, within the hour, whatever is seen of it', () => {
    const wanting = new WantingOrigins();
    wanting.remember(at('ok.test'), 'required', 0);
    wanting.answered(at('ok.test'), 1);
    expect([wanting.wishOf(at('ok.test'), 2), wanting.hasAnswered(at('ok.test'), 2)]).toEqual(['optional', true]);
    wanting.remember(at('ok.test'), 'required', 3);
    expect([wanting.wishOf(at('ok.test'), 4), wanting.hasAnswered(at('ok.test'), 4)]).toEqual(['suspected', true]);
    wanting.remember(at('ok.test'), 'required', 3 + HOUR);
    expect([wanting.wishOf(at('ok.test'), 4 + HOUR), wanting.hasAnswered(at('ok.test'), 4 + HOUR)]).toEqual([
      'required',
      false,
    ]);
  });

  test('lives for an hour behind its last answer or nearly, and what it is suspected of stays', () => {
    const wanting = new WantingOrigins();
    wanting.remember(at('ok.test'), 'suspected', 0);
    wanting.answered(at('ok.test'), 1);
    wanting.answered(at('ok.test'), HOUR - 1);
    expect([wanting.wishOf(at('ok.test'), HOUR + 2), wanting.hasAnswered(at('ok.test'), HOUR + 2)]).toEqual([
      'suspected',
      true,
    ]);
  });

  test('is bounded: of 1,025 the first is forgotten', () => {
    const wanting = new WantingOrigins();
    for (let i = 0; i <= 1_024; i += 1) wanting.remember(at(`h${i}.test`), 'required', 0);
    expect([0, 1, 1_024].map((i) => wanting.wishOf(at(`h${i}.test`), 1))).toEqual([undefined, 'required', 'required']);
  });
});
