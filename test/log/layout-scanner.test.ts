// A logformat taken apart: encodings, widths, arguments, and what is wrong where.

import { describe, expect, test } from 'vitest';
import { CODE_NAMES } from '../../src/log/layout-codes.ts';
import { scanLayout } from '../../src/log/layout-scanner.ts';

const scan = (text: string) => scanLayout(text, CODE_NAMES);
const code = (text: string) => {
  const scanned = scan(text);
  const [piece] = scanned.ok ? scanned.value : [];
  return piece?.kind === 'code' ? piece : undefined;
};

describe('a logformat', () => {
  test('is text and codes in turn', () => {
    const scanned = scan('a %ts.%03tu 100%% b');
    const pieces = scanned.ok ? scanned.value.map((piece) => (piece.kind === 'text' ? piece.text : [piece.code])) : [];
    expect(pieces).toEqual(['a ', ['ts'], '.', ['tu'], ' 100', '%', ' b']);
  });

  test.each([
    ['%6tr', { code: 'tr', width: 6, zero: false, left: false }],
    ['%-6tr', { code: 'tr', width: 6, left: true }],
    ['%03tu', { code: 'tu', width: 3, zero: true }],
    ['%10.3Ss', { code: 'Ss', width: 10, max: 3 }],
    ['%.2rm', { code: 'rm', width: 0, max: 2 }],
    ['%"{User-Agent}>h', { code: '>h', encoding: '"', argument: 'User-Agent' }],
    ['%>h{User-Agent}', { code: '>h', argument: 'User-Agent' }],
    ['%[un', { code: 'un', encoding: '[' }],
    ["%'ru", { code: 'ru', encoding: "'" }],
    ['%/>a', { code: '>a', encoding: '/' }],
    ['%#-10.20ru', { code: 'ru', encoding: '#', left: true, width: 10, max: 20 }],
    ['%http::>h{Host}', { code: '>h', argument: 'Host' }],
    ['%http::rm', { code: 'rm' }],
    ['%ssl::>sni', { code: 'ssl::>sni' }],
    ['%ssl::<cert_errors{,}', { code: 'ssl::<cert_errors', argument: ',' }],
    ['%{%Y-%m-%d}tl', { code: 'tl', argument: '%Y-%m-%d' }],
    ['%>ha', { code: '>ha' }],
    ['%<sH', { code: '<sH' }],
    ['%<st', { code: '<st' }],
    ['%tS', { code: 'tS' }],
  ])('reads %s', (text, expected) => {
    expect(code(text)).toMatchObject(expected);
  });

  test('spells what stands in quotes and brackets so that it stays there', () => {
    const scanned = scan('[%tl] "%rm" %un "%{a}>h" %[un [%>a]');
    const encodings = scanned.ok ? scanned.value.flatMap((one) => (one.kind === 'code' ? [one.encoding] : [])) : [];
    expect(encodings).toEqual(['[', '"', undefined, '"', '[', '[']);
  });

  test.each([
    ['%>a %>HS', 'position 5: there is no code %>HS: did you mean %>Hs?'],
    ['%<Ss', 'position 1: there is no code %<Ss'],
    ['%ssl::>sin', 'position 1: there is no code %ssl::>sin: did you mean %ssl::>sni?'],
    ['%nosuchcode', 'position 1: there is no code %nosuchcode'],
    ['abc %', 'position 5: there is no code behind this "%"; write %% for a percent sign'],
    ['%{Host', 'position 1: the "{" of "%{Host" is never closed'],
    ['%>h{Host', 'position 1: the "{" behind %>h is never closed'],
    ['%{a}>h{b}', 'position 1: %>h has an argument before it and another behind it'],
    ['%99999rm', 'position 1: no field is wider than 4096'],
    ['% rm', 'position 1: " rm" is no code'],
  ])('%s is refused with its position', (text, reason) => {
    const scanned = scan(text);
    expect(scanned.ok ? 'read' : scanned.reason).toMatch(
      new RegExp(`^${reason.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
    );
  });

  test('every beginning of a format is read or refused, and nothing else happens', () => {
    const whole = '[%{%d/%b}tl] %"-10.20{User-Agent}>h %ssl::<cert_errors{,} %% "%http::>rm" %06tr';
    for (let end = 0; end <= whole.length; end += 1) expect(typeof scan(whole.slice(0, end)).ok).toBe('boolean');
    expect(scan(whole).ok).toBe(true);
  });
});
