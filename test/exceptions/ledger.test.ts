// The ledger by itself: what makes an exception, what keeps one from being made, how each ends, and that it stays small.

import { describe, expect, test } from 'vitest';
import type { Pair } from '../../src/exceptions/entry.ts';
import { Ledger, LIFE, NEEDED, type Seen, WINDOW } from '../../src/exceptions/ledger.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 10, 22);
const pair: Pair = { client: '10.0.0.5', host: 'ok.test', port: 443 };

function seen(time: number, more: Partial<Seen> = {}): Seen {
  const how = { alert: 'unknown_ca', confidence: 'certain', rule: 'all', byName: true } as const;
  return { ...pair, ...how, time: START + time, begin: START + time, ...more };
}

/** Rejections at these times, the last of them as the verdict. */
function rejectAt(ledger: Ledger, times: readonly number[], more: Partial<Seen> = {}, mayExempt = true) {
  return times.map((time) => ledger.reject(seen(time, more), mayExempt)).at(-1);
}

const exempted = (): Ledger => {
  const ledger = new Ledger();
  expect(rejectAt(ledger, [0, MINUTE, 2 * MINUTE])?.made).toBeDefined();
  return ledger;
};

describe('an exception', () => {
  test.each<[string, readonly number[], Partial<Seen>, boolean]>([
    ['three rejections in ten minutes make one', [0, 4 * MINUTE, 9 * MINUTE], {}, true],
    ['two do not', [0, MINUTE], {}, false],
    ['three in eleven minutes do not', [0, 5 * MINUTE, 11 * MINUTE], {}, false],
    ['the last three count', [0, 8 * MINUTE, 11 * MINUTE, 12 * MINUTE], {}, true],
    [
      'those that are only suspected count too',
      [0, MINUTE, 2 * MINUTE],
      { confidence: 'suspected', alert: 'none' },
      true,
    ],
    ['attempts that overlap an earlier one do not', [0, 1, 2], { begin: START - 5 }, false],
    ['a host that is not allowed by name has none', [0, 1, 2, 3], { byName: false }, false],
    ['a client that took our certificate before has none', [0, 1, 2, 3], { accepted: START - HOUR }, false],
  ])('%s', (_name, times, more, made) => {
    const verdict = rejectAt(new Ledger(), times, more);
    expect(verdict?.made !== undefined).toBe(made);
  });

  test('says who, what and until when', () => {
    const ledger = new Ledger();
    const made = rejectAt(ledger, [0, 1, 2])?.made;
    expect(made).toMatchObject({
      change: 'made',
      by: 'the proxy',
      entry: { ...pair, count: NEEDED, made: START + 2, expires: START + 2 + LIFE },
    });
  });

  test('is for that client, that host and that port', () => {
    const ledger = exempted();
    const now = START + HOUR;
    expect(ledger.exemption(pair, now)).toMatchObject(pair);
    const others = [{ client: '10.0.0.6' }, { host: 'a.ok.test' }, { port: 8443 }];
    expect(others.map((other) => ledger.exemption({ ...pair, ...other }, now))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('ends after twelve hours, and is told once', () => {
    expect(LIFE).toBe(12 * HOUR);
    const ledger = exempted();
    const end = START + 2 * MINUTE + LIFE;
    expect([end - 1, end].map((now) => ledger.exemption(pair, now) !== undefined)).toEqual([true, false]);
    expect(ledger.sweep(end - 1)).toEqual([]);
    expect(ledger.sweep(end)).toMatchObject([{ change: 'expired', by: 'time', entry: pair }]);
    expect(ledger.sweep(end)).toEqual([]);
    expect(ledger.find(pair)).toBeUndefined();
  });

  test('ends when it is revoked, is told once, and is not made again for twelve hours', () => {
    const ledger = exempted();
    const now = START + HOUR;
    expect(ledger.revoke(({ host }) => host === 'other.test', now, 'somebody')).toEqual([]);
    expect(ledger.revoke(({ host }) => host === 'ok.test', now, 'somebody')).toMatchObject([
      { change: 'revoked', by: 'somebody', entry: { ...pair, made: START + 2 * MINUTE } },
    ]);
    expect(ledger.revoke(() => true, now, 'somebody')).toEqual([]);
    expect(rejectAt(ledger, [HOUR + 1, HOUR + 2, HOUR + 3, HOUR + 4])?.made).toBeUndefined();
    const late = HOUR + LIFE;
    expect(rejectAt(ledger, [late, late + 1, late + 2])?.made).toBeDefined();
  });

  test('ends when the client takes our certificate after all, for good', () => {
    const ledger = exempted();
    expect(ledger.accept(pair, START + HOUR)).toMatchObject([{ change: 'revoked', entry: pair }]);
    const late = HOUR + LIFE;
    expect(rejectAt(ledger, [late, late + 1, late + 2])?.made).toBeUndefined();
  });

  test('is made once: further rejections change nothing', () => {
    const ledger = exempted();
    const { made, expires } = ledger.find(pair) ?? {};
    expect(rejectAt(ledger, [3 * MINUTE, 4 * MINUTE, 5 * MINUTE])).toEqual({});
    expect(ledger.find(pair)).toMatchObject({ made, expires });
  });
});

describe('a suggestion', () => {
  test('is due at once for an alert, at most once an hour', () => {
    const times = [0, MINUTE, 59 * MINUTE, 60 * MINUTE, 61 * MINUTE];
    const ledger = new Ledger();
    const due = times.map((time) => ledger.reject(seen(time), false).suggest !== undefined);
    expect(due).toEqual([true, false, false, true, false]);
  });

  test('is due for the second silence within ten minutes, not for the first', () => {
    const silent = { alert: 'none', confidence: 'suspected' } as const;
    const due = (gap: number): boolean => rejectAt(new Ledger(), [0, gap], silent, false)?.suggest !== undefined;
    expect(new Ledger().reject(seen(0, silent), false)).toEqual({});
    expect([WINDOW - 1, WINDOW + 1].map(due)).toEqual([true, false]);
  });

  test('is not due for the silence of a client that took our certificate before', () => {
    const silent = { alert: 'none', confidence: 'suspected', accepted: START } as const;
    expect(rejectAt(new Ledger(), [1, 2, 3, 4], silent, false)).toEqual({});
  });

  test('is due for its alert all the same, since another program may run there', () => {
    expect(rejectAt(new Ledger(), [1], { accepted: START }, true)?.suggest).toMatchObject({ accepted: START });
  });
});

describe('the users of an entry', () => {
  const usersOf = (...users: (string | undefined)[]) => {
    const ledger = new Ledger();
    for (const [index, user] of users.entries()) ledger.reject(seen(index, { user }), false);
    const { ledger: again, damaged } = Ledger.parse(ledger.format());
    expect(damaged).toBe(false);
    return again.find(pair)?.users;
  };

  test.each<[string, (string | undefined)[], string[] | undefined]>([
    ['there are none where the rule is for everybody', [undefined, undefined], undefined],
    ['each is named once', ['alice', 'bob', 'alice'], ['bob', 'alice']],
    ['who is nobody takes none away', ['alice', undefined], ['alice']],
    ['the latest eight are kept', [...'abcdefghij'], [...'cdefghij']],
  ])('%s', (_what, users, expected) => {
    expect(usersOf(...users)).toEqual(expected);
  });

  test.each([[['']], [['a\n']], ['alice'], [[7]], [[]]])('%j in a file are none', (users) => {
    const entry = { ...pair, rule: 'all', recent: [], count: 1, users };
    const { ledger } = Ledger.parse(JSON.stringify({ version: 1, entries: [entry] }));
    expect(ledger.size).toBe(1);
    expect(ledger.find(pair)?.users).toBeUndefined();
  });
});

describe('the ledger stays small', () => {
  test('one client has 64 entries, and pushes out only its own', () => {
    const ledger = new Ledger();
    ledger.reject(seen(0, { client: '10.0.0.6' }), false);
    for (let i = 0; i < 100; i += 1) ledger.reject(seen(i, { host: `h${i}.test` }), false);
    expect(ledger.size).toBe(65);
    expect(ledger.find({ ...pair, client: '10.0.0.6' })).toBeDefined();
    expect([0, 35, 36, 99].map((i) => ledger.find({ ...pair, host: `h${i}.test` }) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test('all clients together have 1,024, and none of them an exception less', () => {
    const ledger = exempted();
    for (let i = 0; i < 2_000; i += 1) {
      ledger.reject(seen(5 * MINUTE + i, { client: `10.1.${i >> 8}.${i & 255}` }), false);
    }
    expect(ledger.size).toBe(1_024);
    expect(ledger.exemption(pair, START + HOUR)).toBeDefined();
  });

  test('what nobody adds to for a day is forgotten', () => {
    const ledger = new Ledger();
    ledger.reject(seen(0), false);
    ledger.sweep(START + 24 * HOUR);
    expect(ledger.size).toBe(1);
    ledger.sweep(START + 24 * HOUR + 1);
    expect(ledger.size).toBe(0);
  });
});

describe('the text of a ledger', () => {
  test('reads back as it was', () => {
    const ledger = exempted();
    ledger.reject(seen(0, { client: 'fe80::1%eth0', host: '2001:db8::1' }), false);
    const { ledger: again, damaged } = Ledger.parse(ledger.format());
    expect(damaged).toBe(false);
    expect(again.format()).toBe(ledger.format());
  });

  test('cut anywhere is damaged, and never more than what was in it', () => {
    const text = exempted().format().trimEnd();
    for (let end = 0; end < text.length; end += 1) {
      const { ledger, damaged } = Ledger.parse(text.slice(0, end));
      expect([damaged, ledger.size]).toEqual([true, 0]);
    }
  });

  const good = { ...pair, rule: 'all', recent: [], count: 3, made: START, expires: START + HOUR };
  test.each<[string, unknown]>([
    ['no object', 7],
    ['null', null],
    ['a list', []],
    ['a client that is a name', { ...good, client: 'ok.test' }],
    ['a client with a line break', { ...good, client: '10.0.0.5\n' }],
    ['a host in capitals', { ...good, host: 'OK.test' }],
    ['a pattern as host', { ...good, host: '*' }],
    ['a host that leads with a dot', { ...good, host: '.test' }],
    ['a port of zero', { ...good, port: 0 }],
    ['a port as text', { ...good, port: '443' }],
    ['no rule', { ...good, rule: undefined }],
    ['a count that is none', { ...good, count: -1 }],
    ['a rejection that is none', { ...good, recent: [{}] }],
    ['an alert that is no word', { ...good, recent: [{ time: 1, alert: '<b>', confidence: 'certain' }] }],
  ])('%s is no entry, and costs no other', (_name, entry) => {
    const { ledger, damaged } = Ledger.parse(JSON.stringify({ version: 1, entries: [entry, good] }));
    expect(damaged).toBe(true);
    expect(ledger.entries).toHaveLength(1);
    expect(ledger.exemption(pair, START)).toBeDefined();
  });

  test('gives no exception a longer life than we give', () => {
    const forever = { ...good, expires: START + 1_000 * HOUR };
    const { ledger } = Ledger.parse(JSON.stringify({ version: 1, entries: [forever] }));
    expect(ledger.exemption(pair, START + LIFE - 1)).toBeDefined();
    expect(ledger.exemption(pair, START + LIFE)).toBeUndefined();
  });

  test('of another version is not guessed at', () => {
    expect(Ledger.parse(JSON.stringify({ version: 2, entries: [good] }))).toMatchObject({ damaged: true });
  });
});
