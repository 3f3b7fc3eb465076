// What listeners behind a load balancer are given: a reader each, and together no more than may wait.

import { expect, test } from 'vitest';
import { forFronts, headersOf } from '../../src/net/fronts.ts';

const open = { address: '127.0.0.1', port: 0, names: [] };
const fronted = { ...open, proxyProtocol: { from: ['127.0.0.1'] } };
const other = { ...fronted };
const DIVISION = { connections: 10, waiting: 7, idle: 3 };

test('half of those who wait do so for their header, where there is one to come', () => {
  expect(forFronts([open, fronted], DIVISION)).toEqual({ ...DIVISION, waiting: 4 });
  expect(forFronts([open], DIVISION)).toEqual(DIVISION);
});

test('each listener behind a load balancer has a reader of its own, and no other has one', () => {
  const readers = headersOf([open, fronted, other], DIVISION);
  expect([...readers.keys()]).toEqual([fronted, other]);
  expect(readers.get(fronted)).not.toBe(readers.get(other));
  expect(headersOf([open], DIVISION).size).toBe(0);
});

test('sources that are none are refused', () => {
  const wrong = { ...open, proxyProtocol: { from: ['lb.test'] } };
  expect(() => headersOf([wrong], DIVISION)).toThrow('"lb.test" is not an IP address');
});
