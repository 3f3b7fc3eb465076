import { hashSync } from 'bcryptjs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { HashPool } from '../../src/auth/hash-pool.ts';
import { type PasswordHash, parsePasswordHash } from '../../src/auth/password-hash.ts';

function bcrypt(password: string, cost: number): PasswordHash {
  const hash = parsePasswordHash(hashSync(password, cost));
  if (!hash.ok) throw new Error(hash.reason);
  return hash.value;
}

const CHEAP = bcrypt('secret', 4);
/** Some tens of milliseconds and more. */
const DEAR = bcrypt('secret', 9);

function open(patience?: number, threads = 1): HashPool {
  const pool = new HashPool(patience, threads);
  onTestFinished(() => pool.close());
  return pool;
}

test('a password fits its hash or does not, one after another', async () => {
  const pool = open();
  const asked = ['secret', 'secreT', 'secret', ''].map((password) => pool.compare('a', CHEAP, password));
  expect(await Promise.all(asked)).toEqual(['fits', 'wrong', 'fits', 'wrong']);
  expect(pool.waiting).toBe(0);
});

test('two are compared at once where there are two threads, and each gets its own answer', async () => {
  const pool = open(undefined, 2);
  const asked = ['secret', 'x', 'secret', 'y'].map((password, at) => pool.compare(`c${at}`, DEAR, password));
  expect(pool.waiting).toBe(2);
  expect(await Promise.all(asked)).toEqual(['fits', 'wrong', 'fits', 'wrong']);
  expect(pool.waiting).toBe(0);
});

test('as many as have a place in the line wait for half a minute, and are answered', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const pool = open();
  const asked = Array.from({ length: 60 }, (_, at) => pool.compare(`c${at}`, CHEAP, 'secret'));
  vi.advanceTimersByTime(29_000);
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['fits']));
});

test('the event loop goes on meanwhile', async () => {
  const pool = open();
  await pool.compare('a', CHEAP, 'secret');
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const compared = await pool.compare('a', bcrypt('secret', 11), 'secret');
  clearInterval(timer);
  expect(compared).toBe('fits');
  expect(turns).toBeGreaterThan(10);
});

test('each client has its turn, however long the line of another', async () => {
  const pool = open();
  const order: string[] = [];
  const many = Array.from({ length: 20 }, () => pool.compare('many', DEAR, 'x').then(() => order.push('many')));
  const one = pool.compare('one', DEAR, 'secret').then(() => order.push('one'));
  await Promise.all([...many, one]);
  expect(order.indexOf('one')).toBeLessThanOrEqual(2);
});

test('the line has an end, and the one that fills it gives way to others', async () => {
  const pool = open();
  const many = Array.from({ length: 100 }, () => pool.compare('many', CHEAP, 'x'));
  expect(pool.waiting).toBe(64);
  const one = pool.compare('one', CHEAP, 'secret');
  expect(pool.waiting).toBe(64);
  expect(await one).toBe('fits');
  const answers = await Promise.all(many);
  expect(answers.filter((answer) => answer === 'wrong')).toHaveLength(64);
  expect(answers.filter((answer) => answer === 'busy')).toHaveLength(36);
});

test('whoever waits too long is told so', async () => {
  const pool = open(50);
  const asked = Array.from({ length: 10 }, () => pool.compare('a', bcrypt('secret', 10), 'x'));
  expect(await Promise.all(asked)).toContain('busy');
  expect(pool.waiting).toBe(0);
});

test('closing tells all who wait', async () => {
  const pool = new HashPool();
  const asked = Array.from({ length: 5 }, () => pool.compare('a', DEAR, 'x'));
  await pool.close();
  expect(await Promise.all(asked)).toEqual(['busy', 'busy', 'busy', 'busy', 'busy']);
});

test('a thread that is lost costs the one answer it was busy with', async () => {
  const pool = open();
  // No thread can be told this: what it cannot read ends it.
  const broken: PasswordHash = JSON.parse('{"kind":"bcrypt"}');
  expect(await pool.compare('a', broken, 'x')).toBe('busy');
  expect(await pool.compare('a', CHEAP, 'secret')).toBe('fits');
});
