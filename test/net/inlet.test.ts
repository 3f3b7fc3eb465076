// What a client says, through all hand-overs: each byte once, in order, to whoever reads then; the end behind all of them.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Inlet, Reader } from '../../src/net/inlet.ts';
import { ends, hear, hearBytes } from '../support/hear.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, until } from '../support/rig.ts';
import { closed, pourUntilStuck, readBytes } from '../support/socket-pair.ts';

expectNothingLeft();

/** Notes what it is told, in order. */
function scribe(onPiece: (text: string) => void = () => undefined): Reader & { readonly notes: string[] } {
  const notes: string[] = [];
  return {
    notes,
    onPiece: (bytes) => {
      notes.push(bytes.toString());
      onPiece(bytes.toString());
    },
    onEnd: () => void notes.push('(end)'),
    onClose: () => void notes.push('(close)'),
  };
}

/** So that the bytes have certainly come, and have been dealt with. */
async function arrived(near: Socket, bytes: number): Promise<void> {
  await until(() => near.bytesRead === bytes, `byte ${bytes}`);
  await new Promise((resolve) => setImmediate(resolve));
}

/** An inlet that listens, and that nobody reads for now. */
async function unread() {
  const all = await ends();
  all.inlet.read(scribe());
  all.inlet.hold();
  return all;
}

describe('an inlet', () => {
  test('listens to nothing before somebody reads', async () => {
    const { near, far, inlet } = await ends();
    far.end('hello');
    await new Promise((resolve) => setImmediate(resolve));
    expect(near.listenerCount('data')).toBe(0);
    expect(await hear(inlet)).toBe('hello');
  });

  test('gives each piece to whoever reads then', async () => {
    const { near, far, inlet } = await ends();
    const [first, second] = [scribe(), scribe()];
    inlet.read(first);
    far.write('one');
    await arrived(near, 3);
    inlet.read(second);
    far.end('two');
    await until(() => second.notes.includes('(end)'), 'the end');
    expect([first.notes, second.notes]).toEqual([['one'], ['two', '(end)']]);
    near.destroy();
    await until(() => second.notes.includes('(close)'), 'the close');
    expect([first.notes, second.notes]).toEqual([['one'], ['two', '(end)', '(close)']]);
  });

  test('listens once, however often it is handed on', async () => {
    const { near, inlet } = await ends();
    inlet.read(scribe());
    const before = near.eventNames().map((name) => near.listenerCount(name));
    for (let count = 0; count < 20; count += 1) {
      inlet.hold();
      inlet.read(scribe());
    }
    expect(near.eventNames().map((name) => near.listenerCount(name))).toEqual(before);
  });

  test('may be handed on by whoever has a piece just now', async () => {
    const { far, inlet } = await ends();
    const second = scribe();
    const first = scribe(() => {
      inlet.hold();
      inlet.putBack(Buffer.from('rest '));
      inlet.read(second);
    });
    inlet.read(first);
    far.end('one');
    await until(() => second.notes.includes('(end)'), 'the end');
    expect([first.notes, second.notes]).toEqual([['one'], ['rest ', '(end)']]);
  });

  test.each([0, 1, 2])(
    'holds what comes while nobody reads, and its end, handed on %i times meanwhile',
    async (times) => {
      const { near, far, inlet } = await ends();
      inlet.read(scribe());
      inlet.hold();
      far.end('hello');
      await arrived(near, 5);
      for (let count = 0; count < times; count += 1) inlet.hold();
      const reader = scribe();
      inlet.read(reader);
      await until(() => reader.notes.includes('(end)'), 'the end');
      expect(reader.notes).toEqual(['hello', '(end)']);
    },
  );

  test('tells of an end that has come while nobody read, at once', async () => {
    const { near, far, inlet } = await unread();
    far.end();
    await once(near, 'end');
    const reader = scribe();
    inlet.read(reader);
    expect(reader.notes).toEqual(['(end)']);
  });

  test('tells of a close that was there before, and of nothing else', async () => {
    const { near, far, inlet } = await unread();
    far.write('hello');
    await arrived(near, 5);
    near.destroy();
    const reader = scribe();
    inlet.read(reader);
    expect(reader.notes).toEqual(['(close)']);
    await closed(near);
    await new Promise((resolve) => setImmediate(resolve));
    expect(reader.notes).toEqual(['(close)']);
  });

  test('holds no more than a piece or two, whatever comes', async () => {
    const { near, far, inlet } = await unread();
    const sent = await pourUntilStuck(far, 256 << 20);
    expect(near.isPaused()).toBe(true);
    expect(near.readableLength).toBeLessThan(512 << 10);
    expect((await hearBytes(inlet, sent)).length).toBe(sent);
  });

  test('gives what was put back before what comes, and before what it holds', async () => {
    const { near, far, inlet } = await unread();
    far.end('three');
    await arrived(near, 5);
    inlet.putBack(Buffer.from('two '));
    inlet.putBack(Buffer.alloc(0));
    inlet.putBack(Buffer.from('one '));
    expect(await hear(inlet)).toBe('one two three');
  });

  test('gives what is left behind bytes that are used', async () => {
    const { far, inlet } = await ends();
    far.end('two');
    inlet.putBack(Buffer.from('header one '));
    inlet.skip('header '.length);
    expect(await hear(inlet)).toBe('one two');
  });

  test('that was stopped by who read before goes on for the next one', async () => {
    const { near, far, inlet } = await ends();
    inlet.read(scribe(() => void near.pause()));
    far.write('one');
    await arrived(near, 3);
    far.end('two');
    inlet.hold();
    expect(await hear(inlet)).toBe('two');
  });

  test('stays stopped by a reader that stops it at what was held', async () => {
    const { near, far, inlet } = await unread();
    far.write('one');
    await arrived(near, 3);
    const reader = scribe(() => void near.pause());
    inlet.read(reader);
    far.write('two');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(reader.notes).toEqual(['one']);
    near.resume();
    await until(() => reader.notes.length === 2, 'the second piece');
    expect(reader.notes).toEqual(['one', 'two']);
  });

  test('lets fall what nobody wants, so that the connection can end without a reset', async () => {
    const { near, far, inlet } = await unread();
    far.write('unwanted');
    await arrived(near, 8);
    inlet.drop();
    far.write('more of it');
    near.end('answer');
    expect(await readAll(far)).toBe('answer');
    far.end();
    await closed(near);
  });
});

describe('a socket that is released', () => {
  async function held(text: string): Promise<{ near: Socket; far: Socket; inlet: Inlet }> {
    const all = await unread();
    all.far.write(text);
    await arrived(all.near, text.length);
    return all;
  }

  test('is paused, has all that was held on it, and no listener of ours', async () => {
    const { near, far, inlet } = await held('hello');
    inlet.putBack(Buffer.from('and '));
    expect(inlet.release()).toBe(near);
    expect(['data', 'close'].map((name) => near.listenerCount(name))).toEqual([0, 0]);
    expect([near.isPaused(), near.readableLength]).toEqual([true, 9]);
    far.write(' all');
    expect((await readBytes(near, 13)).toString()).toBe('and hello all');
  });

  test('may be read here again', async () => {
    const { far, inlet } = await held('hello');
    inlet.release();
    far.end(' again');
    expect(await hear(inlet)).toBe('hello again');
  });

  test('before anybody has read is as it was', async () => {
    const { near, far, inlet } = await ends();
    far.write('hello');
    expect(inlet.release()).toBe(near);
    expect((await readBytes(near, 5)).toString()).toBe('hello');
  });

  test.each(['has ended', 'is gone'])('is none, and closed, when the other side %s', async (how) => {
    const { near, far, inlet } = await unread();
    if (how === 'has ended') {
      far.end();
      await once(near, 'end');
    } else {
      far.resetAndDestroy();
      await closed(near);
    }
    expect(inlet.release()).toBeUndefined();
    expect(near.destroyed).toBe(true);
    await closed(far.resume());
  });
});
