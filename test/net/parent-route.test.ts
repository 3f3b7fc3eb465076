// Several parents: who is asked, in which order, and what is remembered of it.

import { describe, expect, onTestFinished, test } from 'vitest';
import { ParentRoute } from '../../src/net/parent-route.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { makeParent } from '../support/parent-parts.ts';
import { scriptedParent } from '../support/parents.ts';
import { closedPort } from '../support/socket-pair.ts';

expectNothingLeft();

const TO = { kind: 'name', host: 'a.test', port: 443 } as const;
const OTHER = { ...TO, host: 'b.test' };
const yes = () => scriptedParent((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
const down = () => scriptedParent((socket) => socket.end('HTTP/1.1 503 No\r\n\r\n'));

async function nameOf(route: ParentRoute, to: typeof TO | typeof OTHER = TO): Promise<string | undefined> {
  const connection = await route.tunnel(to);
  if (connection) onTestFinished(() => void connection.socket.destroy());
  return connection?.parent?.name;
}

describe('parents in order', () => {
  test('have the first asked as long as it lives', async () => {
    const parents = [makeParent((await yes()).port, { name: 'one' }), makeParent((await yes()).port, { name: 'two' })];
    const route = new ParentRoute({
      parents: parents.map(({ parent }) => parent),
      choose: 'inOrder',
      lastDirect: false,
    });
    expect([await nameOf(route), await nameOf(route), route.turn(TO)?.name]).toEqual(['one', 'one', 'one']);
    parents[0]?.health.failed('for the test');
    expect([await nameOf(route), route.turn(TO)?.name]).toEqual(['two', 'two']);
    parents[0]?.health.answered();
    expect([await nameOf(route), route.turn(TO)?.name]).toEqual(['one', 'one']);
  });

  test('have the one remembered that led to a host, for that host', async () => {
    const first = await down();
    const parents = [makeParent(first.port, { name: 'one' }), makeParent((await yes()).port, { name: 'two' })];
    const route = new ParentRoute({
      parents: parents.map(({ parent }) => parent),
      choose: 'inOrder',
      lastDirect: false,
    });
    expect([await nameOf(route), await nameOf(route), first.heads.length]).toEqual(['two', 'two', 1]);
    expect([route.turn(TO)?.name, route.turn(OTHER)?.name]).toEqual(['two', 'one']);
    // Where that one is down, it is no way any more.
    parents[1]?.health.failed('for the test');
    expect(route.turn(TO)?.name).toBe('one');
  });

  test('are asked though they are down where there is no other way', async () => {
    const { parent, health } = makeParent((await yes()).port);
    const route = new ParentRoute({ parents: [parent], choose: 'inOrder', lastDirect: false });
    health.failed('for the test');
    expect([route.turn(TO)?.name, await nameOf(route), health.up]).toEqual(['hq', 'hq', true]);
  });

  test('tell all failures where all fail, by the code of an answer if there is one', async () => {
    const parents = [
      makeParent((await down()).port, { name: 'one' }).parent,
      makeParent(await closedPort(), { name: 'two' }).parent,
    ];
    const route = new ParentRoute({ parents, choose: 'inOrder', lastDirect: false });
    await expect(route.tunnel(TO)).rejects.toMatchObject({
      code: 'parent-failed',
      detail: expect.stringMatching(/^one .* 503 No\. two .*ECONNREFUSED/),
      parent: { name: 'one', code: 'FIRSTUP_PARENT' },
      peer: '127.0.0.1',
    });
  });
});

describe('a way without', () => {
  test('is there while all are down, and no longer', async () => {
    const { parent, health } = makeParent((await yes()).port);
    const route = new ParentRoute({ parents: [parent], choose: 'inOrder', lastDirect: true });
    expect(await nameOf(route)).toBe('hq');
    health.failed('for the test');
    expect([route.turn(TO), await route.tunnel(TO), await route.reach(TO)]).toEqual([undefined, undefined, undefined]);
    health.answered();
    expect(await nameOf(route)).toBe('hq');
  });

  test('is found by the request that finds the last parent dead', async () => {
    const { parent } = makeParent(await closedPort());
    const route = new ParentRoute({ parents: [parent], choose: 'inOrder', lastDirect: true });
    expect(await route.tunnel(TO)).toBeUndefined();
  });

  test('is none past a parent that answers', async () => {
    const { parent } = makeParent((await down()).port);
    const route = new ParentRoute({ parents: [parent], choose: 'inOrder', lastDirect: true });
    await expect(route.tunnel(TO)).rejects.toMatchObject({ code: 'parent-failed' });
  });
});

test('parents in turn are asked in turn, whoever is down left out', async () => {
  const made = await Promise.all(['a', 'b', 'c'].map(async (name) => makeParent((await yes()).port, { name })));
  const route = new ParentRoute({ parents: made.map(({ parent }) => parent), choose: 'roundRobin', lastDirect: false });
  const names: unknown[] = [];
  for (let i = 0; i < 4; i += 1) names.push(await nameOf(route));
  expect(names).toEqual(['a', 'b', 'c', 'a']);
  expect(route.turn(TO)?.name).toBe('b');
  route.advance();
  expect(route.turn(TO)?.name).toBe('c');
  made[2]?.health.failed('for the test');
  expect(route.turn(TO)?.name).toBe('a');
});
