import { describe, expect, test } from 'vitest';
import type { Box } from '../../src/squid/box.ts';
import { EVERY_PORT } from '../../src/squid/box.ts';
import { hostPattern } from '../../src/squid/hosts.ts';
import { simplify } from '../../src/squid/simplify.ts';

const host = (text: string): Box => ({ hosts: [hostPattern(text) ?? []].flat() });
const allow = (box: Box) => ({ box, action: 'allow' }) as const;
const deny = (box: Box) => ({ box, action: 'deny' }) as const;
const open = [EVERY_PORT];

describe('a list of rulings', () => {
  test('loses what one above has taken', () => {
    expect(simplify([allow(host('.a.test')), deny(host('x.a.test')), allow(host('b.test'))], open)).toHaveLength(2);
  });
  test('loses denials that nothing hangs on, and keeps those that something does', () => {
    expect(simplify([deny(host('b.test')), allow(host('a.test')), deny({})], open)).toEqual([allow(host('a.test'))]);
    expect(simplify([deny(host('x.a.test')), allow(host('.a.test'))], open)).toHaveLength(2);
  });
  test('keeps a denial that is told in words of its own, whatever hangs on it', () => {
    const told = { ...deny({}), words: 'why' };
    expect(simplify([allow(host('a.test')), told, deny(host('b.test'))], open)).toEqual([allow(host('a.test')), told]);
  });
  test('names only ports that are open, and those that are not all of them', () => {
    const ports = (first: number, last: number) => ({ ports: [{ first: BigInt(first), last: BigInt(last) }] });
    const listed = simplify([allow(ports(1, 50)), allow({ methods: ['GET'], ...ports(80, 90) })], ports(80, 85).ports);
    expect(listed).toEqual([allow({ methods: ['GET'] })]);
  });
});
