// One head to a parent, and its answer in any number of pieces.

import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { askParent } from '../../src/net/ask-parent.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readBytes, socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const WORDS = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n';
const OK = 'HTTP/1.1 200 Connection established\r\nProxy-Agent: x\r\n\r\n';

/** What is left on the socket, after `length` bytes have come. */
async function rest(near: Parameters<typeof readBytes>[0], length: number): Promise<string> {
  return (await readBytes(near, length)).toString('latin1');
}

describe('an answer', () => {
  test('is what comes to the words, and what stands behind it stays on the socket', async () => {
    const { near, far } = await socketPair();
    const asked = askParent(near, WORDS, 2_000);
    expect((await readBytes(far, WORDS.length)).toString()).toBe(WORDS);
    far.write(`${OK}server speaks`);
    expect(await asked).toMatchObject({ outcome: 'answer', head: { status: 200, reason: 'Connection established' } });
    expect(near.isPaused()).toBe(true);
    far.write(' first');
    expect(await rest(near, 19)).toBe('server speaks first');
  });

  test('may come byte by byte, behind interim ones', async () => {
    const { near, far } = await socketPair();
    const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n${OK}!`;
    const asked = askParent(near, WORDS, 5_000);
    far.setNoDelay(true);
    for (const byte of text) {
      far.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await asked).toMatchObject({ outcome: 'answer', head: { status: 200 } });
    expect(await rest(near, 1)).toBe('!');
  });

  test('is waited for at every prefix, and no longer than the time there is', async () => {
    for (let length = 0; length < OK.length; length += 1) {
      const { near, far } = await socketPair();
      far.write(OK.slice(0, length));
      expect(await askParent(near, WORDS, 10), `${length} bytes`).toEqual({ outcome: 'late' });
      near.destroy();
    }
  });

  test('that is cut at any prefix is none', async () => {
    for (let length = 0; length < OK.length; length += 1) {
      const { near, far } = await socketPair();
      far.end(OK.slice(0, length));
      const answer = await askParent(near, WORDS, 2_000);
      expect(answer, `${length} bytes`).toEqual({
        outcome: 'none',
        reason: 'it closed the connection without an answer',
      });
      near.destroy();
    }
  });

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH\r\n', /^its answer is none: /],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x46', /^its answer is none: /],
    ['a bare line feed', 'HTTP/1.1 200 OK\n\n', /^its answer is none: /],
    ['a folded field', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', /^its answer is none: /],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', /^its answer is none: /],
    ['HTTP/2 by name', 'HTTP/2 200\r\n\r\n', /^its answer is none: /],
    ['fields without end', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(15_000)}`, /too long/],
    ['a line without end', `HTTP/1.1 200 ${'x'.repeat(70_000)}`, /too long/],
    ['a change of protocol', 'HTTP/1.1 101 Switching\r\n\r\n', /interim/],
    ['interim replies without end', 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(11), /interim/],
  ])('that is %s is none', async (_name, text, reason) => {
    const { near, far } = await socketPair();
    far.write(text, 'latin1');
    expect(await askParent(near, WORDS, 5_000)).toEqual({ outcome: 'none', reason: expect.stringMatching(reason) });
  });

  test('that drips without an end is late, however much has come', async () => {
    const { near, far } = await socketPair();
    far.write('HTTP/1.1 200 OK\r\nX: ');
    const drip = setInterval(() => far.write('x'), 10);
    const begin = performance.now();
    expect(await askParent(near, WORDS, 150)).toEqual({ outcome: 'late' });
    clearInterval(drip);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test('does not come from a socket that is gone', async () => {
    const { near } = await socketPair();
    near.destroy();
    await once(near, 'close');
    expect(await askParent(near, WORDS, 2_000)).toMatchObject({ outcome: 'none' });
  });

  test('does not come from one that breaks', async () => {
    const { near, far } = await socketPair();
    const asked = askParent(near, WORDS, 2_000);
    far.resetAndDestroy();
    expect(await asked).toMatchObject({ outcome: 'none' });
  });
});
