// What a terminal is told when `top` takes it, draws, and gives it back.

import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Screen, type Streams } from '../../../src/cli/top/screen.ts';

interface Fake {
  readonly screen: Screen;
  readonly press: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  readonly raw: () => boolean;
  /** What was written, one item for each write. */
  readonly writes: string[];
  readonly redraws: () => number;
}

/** A terminal of which only that is true which a screen asks for. */
function openFake(): Fake {
  const input = new PassThrough();
  const output = new EventEmitter();
  const writes: string[] = [];
  let raw = false;
  let redraws = 0;
  const tty = Object.assign(input, {
    isTTY: true,
    setRawMode: (mode: boolean) => {
      raw = mode;
    },
  });
  const shown = Object.assign(output, { columns: 80, rows: 24, write: (text: string) => writes.push(text) > 0 });
  const streams: unknown = { input: tty, output: shown };
  const screen = new Screen(streams as Streams);
  screen.open(() => {
    redraws += 1;
  });
  onTestFinished(() => screen.close());
  return {
    screen,
    press: (keys) => void input.write(keys),
    resize: (columns, rows) => {
      Object.assign(shown, { columns, rows });
      output.emit('resize');
    },
    raw: () => raw,
    writes,
    redraws: () => redraws,
  };
}

describe('a screen', () => {
  test('takes the terminal, and gives it back once', () => {
    const { screen, raw, writes } = openFake();
    expect(raw()).toBe(true);
    expect(writes).toEqual(['\u001b[?1049h\u001b[?25l\u001b[?7l']);
    const heard = process.listenerCount('SIGINT');
    screen.close();
    screen.close();
    expect(raw()).toBe(false);
    expect(writes.slice(1)).toEqual(['\u001b[?7h\u001b[?25h\u001b[?1049l']);
    expect(process.listenerCount('SIGINT')).toBe(heard - 1);
    screen.draw(['late']);
    expect(writes).toHaveLength(2);
  });

  test('draws by one write, and clears what is left of the picture before', () => {
    const { screen, writes, resize } = openFake();
    screen.draw(['one', 'two']);
    expect(writes[1]).toBe('\u001b[?2026h\u001b[H\u001b[Kone\r\n\u001b[Ktwo\r\n\u001b[J\u001b[?2026l');
    resize(80, 2);
    screen.draw(['one', 'two']);
    expect(writes[2]).toBe('\u001b[?2026h\u001b[H\u001b[Kone\r\n\u001b[Ktwo\u001b[?2026l');
  });

  test.each(['q', 'Q', '\u0003', '\u0004', 'xq'])('is over by %j', async (keys) => {
    const { screen, press } = openFake();
    press(keys);
    await screen.over;
  });

  test('is over by a signal', async () => {
    const { screen } = openFake();
    process.emit('SIGHUP', 'SIGHUP');
    await screen.over;
  });

  test('knows its new size, and is drawn anew', () => {
    const { screen, resize, redraws } = openFake();
    resize(120, 40);
    expect([screen.size, redraws()]).toEqual([{ columns: 120, rows: 40 }, 1]);
    resize(0, 0);
    expect(screen.size).toEqual({ columns: 80, rows: 24 });
  });

  test('comes back after it was put aside', () => {
    const { writes, redraws } = openFake();
    process.emit('SIGCONT', 'SIGCONT');
    expect([writes.length, redraws()]).toEqual([2, 1]);
  });
});
