// One parent: dialled, asked, and judged by what it does.

import { describe, expect, onTestFinished, test } from 'vitest';
import { expectNothingLeft } from '../support/leaks.ts';
import { makeParent } from '../support/parent-parts.ts';
import { scriptedParent } from '../support/parents.ts';
import { until } from '../support/rig.ts';
import { closedPort, readBytes } from '../support/socket-pair.ts';

expectNothingLeft();

const TO = { kind: 'name', host: 'a.test', port: 443 } as const;
const SIX = { kind: 'ipv6', host: '2001:db8::1', port: 8443 } as const;

describe('a tunnel', () => {
  test('is asked for in the words of RFC 9110, and what stands behind the answer is in it', async () => {
    const server = await scriptedParent((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhello'));
    const { parent } = makeParent(server.port, { authorization: 'Basic eDp5', via: 'me (1)' });
    const { socket, address, parent: through } = await parent.tunnel(SIX, ['1.0 before'], 'FIRSTUP_PARENT');
    onTestFinished(() => void socket.destroy());
    expect(server.heads).toEqual([
      'CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\nVia: 1.0 before, 1.1 me (1)\r\n' +
        'Proxy-Authorization: Basic eDp5\r\n\r\n',
    ]);
    expect([address, through]).toEqual(['127.0.0.1', { name: 'hq', code: 'FIRSTUP_PARENT', via: 'me (1)' }]);
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
  });

  test('is asked for without what there is not', async () => {
    const server = await scriptedParent((socket) => socket.write('HTTP/1.0 204 Fine\r\n\r\n'));
    const { parent } = makeParent(server.port);
    const { socket } = await parent.tunnel(TO, [], 'ROUNDROBIN_PARENT');
    onTestFinished(() => void socket.destroy());
    expect(server.heads).toEqual(['CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n']);
  });

  test.each([
    ['HTTP/1.1 407 Who\r\n\r\n', 'parent-auth', 'it answered CONNECT with 407 Who'],
    ['HTTP/1.1 403\r\n\r\n', 'parent-refused', 'it answered CONNECT with 403'],
    ['HTTP/1.1 300 Choose\r\n\r\n', 'parent-refused', 'it answered CONNECT with 300 Choose'],
    ['HTTP/1.1 599 Odd\r\n\r\n', 'parent-failed', 'it answered CONNECT with 599 Odd'],
    [`HTTP/1.1 500 ${'x'.repeat(500)}\r\n\r\n`, 'parent-failed', `it answered CONNECT with 500 ${'x'.repeat(71)}`],
    ['HTTP/1.1 OK\r\n\r\n', 'parent-malformed', 'its answer is none: Malformed status line'],
  ])('that is answered %j is an error that says so, and the connection is closed', async (answer, code, detail) => {
    const sockets: { destroyed: boolean }[] = [];
    const server = await scriptedParent((socket) => {
      sockets.push(socket.on('end', () => socket.end()));
      socket.write(answer);
      socket.resume();
    });
    const { parent, health, told } = makeParent(server.port);
    await expect(parent.tunnel(TO, [], 'FIRSTUP_PARENT')).rejects.toMatchObject({
      code,
      detail: `hq (127.0.0.1:${server.port}): ${detail}.`,
      peer: '127.0.0.1',
      parent: { name: 'hq', code: 'FIRSTUP_PARENT' },
    });
    await until(() => sockets[0]?.destroyed === true, 'the close');
    expect([health.up, told]).toEqual([true, []]);
  });

  test('of a parent that is silent about three hosts takes it out', async () => {
    const server = await scriptedParent(() => undefined);
    const { parent, told } = makeParent(server.port, { timeout: 50 });
    for (const host of ['a.test', 'b.test', 'c.test']) {
      await expect(parent.tunnel({ ...TO, host }, [], 'FIRSTUP_PARENT')).rejects.toMatchObject({
        code: 'parent-timeout',
      });
    }
    expect(told).toEqual([[false, expect.stringContaining('no answer to CONNECT')]]);
  });

  test('is not asked for where there is no connection, and that takes the parent out', async () => {
    const { parent, told } = makeParent(await closedPort());
    await expect(parent.tunnel(TO, [], 'FIRSTUP_PARENT')).rejects.toMatchObject({
      code: 'parent-unreachable',
      peer: '127.0.0.1',
      detail: expect.stringMatching(/^hq \(127\.0\.0\.1:\d+\): .*ECONNREFUSED/),
    });
    expect(told).toEqual([[false, expect.stringContaining('ECONNREFUSED')]]);
  });

  test('of a parent whose name is not found says so', async () => {
    const authority = { kind: 'name', host: 'nowhere.test', port: 3128 } as const;
    const { parent } = makeParent(0, { authority });
    await expect(parent.tunnel(TO, [], 'FIRSTUP_PARENT')).rejects.toMatchObject({
      code: 'parent-unreachable',
      detail: expect.stringMatching(/^hq \(nowhere\.test:3128\): nowhere\.test/),
    });
  });
});

test('a connection for plain requests has what they need, and nothing is said on it', async () => {
  const server = await scriptedParent(() => undefined);
  const { parent, health } = makeParent(server.port, { authorization: 'Basic eDp5', via: 'me (1)' });
  const { socket, parent: through } = await parent.reach('ROUNDROBIN_PARENT');
  onTestFinished(() => void socket.destroy());
  const plain = { authorization: 'Basic eDp5', health };
  expect(through).toEqual({ name: 'hq', code: 'ROUNDROBIN_PARENT', via: 'me (1)', plain });
  expect([socket.bytesWritten, server.heads]).toEqual([0, []]);
});

describe('a parent that is down', () => {
  test.each([
    ['answers', 'HTTP/1.1 400 Bad Request\r\n\r\n', true],
    ['says what is no answer', 'SSH-2.0-x\r\n', false],
  ])('is looked at when its pause is over; it is back where it %s', async (_what, answer, isBack) => {
    const server = await scriptedParent((socket) => socket.end(answer));
    const { parent, health, told, wait } = makeParent(server.port, { authorization: 'Basic eDp5' });
    health.failed('for the test');
    await parent.lookAfter();
    expect(server.heads).toEqual([]);
    wait(10_000);
    await parent.lookAfter();
    await parent.lookAfter();
    // No secret goes with it: it is not known yet who answers, and any answer will do.
    expect(server.heads).toEqual([
      `OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n`,
    ]);
    expect(health.up).toBe(isBack);
    expect(told.map(([up]) => up)).toEqual(isBack ? [false, true] : [false]);
  });

  test('and stays so is looked at in vain, and nothing is thrown', async () => {
    const { parent, health, wait } = makeParent(await closedPort());
    health.failed('for the test');
    wait(10_000);
    await parent.lookAfter();
    expect(health.up).toBe(false);
  });
});
