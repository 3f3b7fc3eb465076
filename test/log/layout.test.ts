// A logformat compiled: what it wants, what it cannot have, how long a line gets.

import { describe, expect, test } from 'vitest';
import { compileLayout } from '../../src/log/layout.ts';
import { logFormat } from '../../src/log/log-format.ts';
import { LOGGED_OUTCOMES, makeEntry } from '../support/log-entries.ts';

const SQUID = '%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt';
const COMMON = '%>a - %[un [%tl] "%rm %ru HTTP/%rv" %03>Hs %<st %Ss:%Sh';

const compiled = (layout: string) => {
  const result = compileLayout(layout);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};

describe('a layout', () => {
  test.each(LOGGED_OUTCOMES.filter(({ entry }) => !entry.user?.includes(' ')))(
    'as Squid documents its own format prints $name as the format itself does',
    ({ entry }) => {
      expect(compiled(SQUID).printer()(entry)).toBe(logFormat('squid')(entry));
    },
  );

  test('as Squid documents the common format prints a request as the format itself does', () => {
    const entry = makeEntry({ user: 'alice' });
    expect(compiled(COMMON).printer()(entry)).toBe(logFormat('common')(entry));
  });

  test.each([
    ['%ts %>a %ru', []],
    ['%>p', ['ends']],
    ['%{Host}>h %>st', ['request']],
    ['%{Server}<h %>p', ['ends', 'reply']],
    ['%ssl::<cert_subject', ['certificates']],
    ['%ssl::>received_hello_version', ['hello']],
  ])('%s wants to know no more than it tells', (layout, needs) => {
    expect([...compiled(layout).needs].sort()).toEqual(needs);
  });

  test('says which of its codes are always empty, and why', () => {
    expect(compiled('%ui %>a %credentials %ui').absent).toEqual([
      '%ui: nobody is asked by ident',
      '%credentials: passwords are never logged',
    ]);
  });

  test.each([
    ['', 'it is empty'],
    ['  ', 'it is empty'],
    ['a\nb', 'a record is one line of text'],
    ['%{%Q}tl', 'position 1: %{%Q}tl: strftime has no "%Q"'],
    ['%>a %{colour}note', 'position 5: %{colour}note: the notes are '],
    ['%{:x}>h', 'position 1: %{:x}>h: a field name was expected'],
  ])('%j is refused', (layout, reason) => {
    const result = compileLayout(layout);
    expect(result.ok ? 'compiled' : result.reason).toMatch(new RegExp(`^${reason.replace(/[{}%?]/g, '\\$&')}`));
  });

  test('counts its records, for each log by itself', () => {
    const layout = compiled('%sn %rm');
    const [one, other] = [layout.printer(), layout.printer()];
    const entry = makeEntry({ url: `http://h.test/${'x'.repeat(9000)}` });
    expect([one(entry), one(entry), other(entry)]).toEqual(['1 GET', '2 GET', '1 GET']);
  });

  test('cuts what is too long, with a mark, and keeps the other fields', () => {
    const entry = makeEntry({ url: `http://h.test/${'x'.repeat(20_000)}`, userAgent: 'a' });
    const line = compiled('%ru %ru %ru %rm').printer()(entry);
    expect(line.length).toBeLessThan(8192);
    expect(line.match(/%\.\.\./g)).toHaveLength(3);
    expect(line).toMatch(/ GET$/);
  });

  test('of text alone that is too long ends in the mark', () => {
    const line = compiled('x'.repeat(9000)).printer()(makeEntry());
    expect(line).toHaveLength(8191);
    expect(line).toMatch(/x%\.\.\.$/);
  });

  test('writes letters beyond ASCII in the layout as their UTF-8', () => {
    expect(Buffer.from(compiled('größe=%<st').printer()(makeEntry()), 'latin1').toString()).toBe('größe=1512');
  });
});
