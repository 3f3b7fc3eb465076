// A look at the first bytes: it sees every prefix, ends in every way, and leaves the stream as it was.

import { describe, expect, test } from 'vitest';
import { type Look, type PeekOptions, peek, peekError } from '../../src/net/peek.ts';
import { ends, hear, hearBytes } from '../support/hear.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { until } from '../support/rig.ts';
import { readBytes } from '../support/socket-pair.ts';

expectNothingLeft();

const OPTIONS: PeekOptions = { timeout: 2_000, ceiling: 65_536 };

/** Satisfied by `wanted` bytes, which is also what it asks for. */
const atLeast =
  (wanted: number): Look<string> =>
  (bytes) =>
    bytes.length < wanted
      ? { more: true, atLeast: wanted }
      : { more: false, value: bytes.toString('latin1', 0, wanted) };

/** Like it, but never says how much it wants. */
const oneMore =
  (wanted: number, seen: string[]): Look<string> =>
  (bytes) => {
    seen.push(bytes.toString('latin1'));
    return bytes.length < wanted
      ? { more: true, atLeast: bytes.length + 1 }
      : { more: false, value: bytes.toString('latin1') };
  };

describe('a look', () => {
  test('at every prefix of a message has its answer and leaves all bytes for the next reader', async () => {
    const message = Buffer.from('CONNECT ok.test:443 HTTP/1.1\r\n');
    for (let length = 1; length <= message.length; length += 1) {
      const { near, far, inlet } = await ends();
      far.end(message);
      const seen = await peek(inlet, atLeast(length), OPTIONS);
      expect(seen).toEqual({ seen: 'value', value: message.toString('latin1', 0, length) });
      expect(await hear(inlet)).toBe(message.toString());
      near.destroy();
    }
  });

  test('at a message that comes one byte at a time sees each prefix once', async () => {
    const { far, inlet } = await ends();
    const message = '\x16\x03\x01\x00\x05hello';
    const seen: string[] = [];
    const peeked = peek(inlet, oneMore(message.length, seen), OPTIONS);
    for (let i = 0; i < message.length; i += 1) {
      far.write(message[i] ?? '', 'latin1');
      await until(() => seen.length === i + 1, `prefix ${i + 1}`);
    }
    expect(await peeked).toEqual({ seen: 'value', value: message });
    expect(seen).toEqual(Array.from(message, (_, i) => message.slice(0, i + 1)));
    far.end('tail');
    expect(await hear(inlet)).toBe(`${message}tail`);
  });

  test('is not asked before the bytes are there that it said it needs', async () => {
    const { near, far, inlet } = await ends();
    const sizes: number[] = [];
    const peeked = peek(
      inlet,
      (bytes) => {
        sizes.push(bytes.length);
        return bytes.length < 5 ? { more: true, atLeast: 5 } : { more: false, value: 'done' };
      },
      OPTIONS,
    );
    far.write('a');
    await until(() => sizes.length === 1, 'the first look');
    for (const byte of 'bcd') {
      far.write(byte);
      await until(() => near.bytesRead === 'abcd'.indexOf(byte) + 1, `byte ${byte}`);
    }
    expect(sizes).toEqual([1]);
    far.write('e');
    await peeked;
    expect(sizes).toEqual([1, 5]);
  });

  test('may be followed by another at the same bytes', async () => {
    const { far, inlet } = await ends();
    far.end('GET / HTTP/1.1\r\n\r\n');
    expect(await peek(inlet, atLeast(1), OPTIONS)).toEqual({ seen: 'value', value: 'G' });
    expect(await peek(inlet, atLeast(5), OPTIONS)).toEqual({ seen: 'value', value: 'GET /' });
    expect(await hear(inlet)).toBe('GET / HTTP/1.1\r\n\r\n');
  });

  test('puts many chunks back in order, byte for byte', async () => {
    const { near, far, inlet } = await ends();
    const message = Buffer.from(Array.from({ length: 60_000 }, (_, i) => i % 251));
    const peeked = peek(inlet, atLeast(message.length), OPTIONS);
    for (let at = 0; at < message.length; at += 1_111) {
      const end = Math.min(at + 1_111, message.length);
      far.write(message.subarray(at, end));
      await until(() => near.bytesRead === end, `byte ${end}`);
    }
    await peeked;
    expect((await hearBytes(inlet, message.length)).equals(message)).toBe(true);
  });

  test('leaves nobody reading, and what comes next unread', async () => {
    const { near, far, inlet } = await ends();
    far.write('abc');
    await peek(inlet, atLeast(1), OPTIONS);
    far.write('def');
    await until(() => near.isPaused(), 'the socket to be stopped');
    expect(inlet.release()).toBe(near);
    expect((await readBytes(near, 6)).toString()).toBe('abcdef');
  });
});

describe('a look that has no answer', () => {
  test('by the ceiling ends as overflow, with the bytes put back', async () => {
    const { far, inlet } = await ends();
    far.write('x'.repeat(100));
    const peeked = await peek(inlet, oneMore(1_000, []), { timeout: 2_000, ceiling: 100 });
    expect(peeked).toEqual({ seen: 'overflow', bytes: 100 });
    expect((await hearBytes(inlet, 100)).toString()).toBe('x'.repeat(100));
  });

  test('does not hold more than the ceiling because it asks for more', async () => {
    const { far, inlet } = await ends();
    const sizes: number[] = [];
    const insatiable: Look<never> = (bytes) => {
      sizes.push(bytes.length);
      return { more: true, atLeast: 1_000_000 };
    };
    const peeked = peek(inlet, insatiable, { timeout: 2_000, ceiling: 100 });
    far.write('x'.repeat(10));
    await until(() => sizes.length === 1, 'the first look');
    far.write('x'.repeat(90));
    expect(await peeked).toEqual({ seen: 'overflow', bytes: 100 });
    expect(sizes).toEqual([10, 100]);
  });

  test.each([0, 3])('by the deadline ends as timeout, its %i bytes put back', async (count) => {
    const { far, inlet } = await ends();
    far.write('abc'.slice(0, count));
    expect(await peek(inlet, atLeast(10), { timeout: 60, ceiling: 100 })).toEqual({ seen: 'timeout', bytes: count });
    far.end('rest');
    expect(await hear(inlet)).toBe(`${'abc'.slice(0, count)}rest`);
  });

  test.each([0, 3])('before the other side ends, after %i bytes, ends as end', async (count) => {
    const { near, far, inlet } = await ends();
    far.end('abc'.slice(0, count));
    expect(await peek(inlet, atLeast(10), OPTIONS)).toEqual({ seen: 'end', bytes: count });
    near.destroy();
  });

  test('before the other side resets ends as end', async () => {
    const { near, far, inlet } = await ends();
    const peeked = peek(inlet, atLeast(10), OPTIONS);
    far.write('abc');
    await until(() => near.bytesRead === 3, 'the bytes');
    far.resetAndDestroy();
    expect(await peeked).toEqual({ seen: 'end', bytes: 3 });
  });

  test('on a socket that is gone already ends at once', async () => {
    const { near, inlet } = await ends();
    near.destroy();
    expect(await peek(inlet, atLeast(1), OPTIONS)).toEqual({ seen: 'end', bytes: 0 });
  });
});

describe('an unanswered look, as an error', () => {
  test.each([
    [{ seen: 'timeout', bytes: 3 } as const, 'hello-timeout', ''],
    [{ seen: 'overflow', bytes: 131_072 } as const, 'hello-malformed', 'No end within 131072 bytes.'],
    [{ seen: 'end', bytes: 0 } as const, 'client-aborted', ''],
  ])('%o is %s', (peeked, code, detail) => {
    expect(peekError(peeked)).toMatchObject({ code, detail });
  });
});
