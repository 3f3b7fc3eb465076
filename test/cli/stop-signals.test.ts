// Which signals ask for a stop, and which of them is the first one over again.

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { StopSignals } from '../../src/cli/stop-signals.ts';

const NAMES = ['SIGINT', 'SIGTERM'] as const;
type Name = (typeof NAMES)[number];

/** `hear` calls what listens since then, and nothing that the test runner has for itself. */
function listening() {
  const before = NAMES.map((name) => process.listeners(name));
  const added = () => NAMES.map((name, at) => process.listeners(name).filter((one) => !before[at]?.includes(one)));
  const signals = new StopSignals();
  onTestFinished(() => signals.forget());
  const hear = (name: Name): void => {
    for (const one of added()[NAMES.indexOf(name)] ?? []) one(name);
  };
  return { signals, hear, counts: () => added().map(({ length }) => length) };
}

describe('a signal to stop', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
  });

  test.each(NAMES)('%s is heard from the beginning, before anybody listens', (name) => {
    const { signals, hear } = listening();
    expect(signals.asked.aborted).toBe(false);
    hear(name);
    expect([signals.asked.aborted, signals.asked.reason]).toEqual([true, name]);
  });

  test('is told to the one who listens: the first, and each further one', () => {
    const { signals, hear } = listening();
    const told: [string, boolean][] = [];
    signals.listen((name, first) => void told.push([name, first]));
    hear('SIGTERM');
    vi.advanceTimersByTime(250);
    hear('SIGINT');
    vi.advanceTimersByTime(250);
    hear('SIGTERM');
    expect(told).toEqual([
      ['SIGTERM', true],
      ['SIGINT', false],
      ['SIGTERM', false],
    ]);
    expect(signals.asked.reason).toBe('SIGTERM');
  });

  test('that comes again at once, of whichever kind, is the first one over again', () => {
    const { signals, hear } = listening();
    const told: string[] = [];
    signals.listen((name) => void told.push(name));
    hear('SIGINT');
    vi.advanceTimersByTime(249);
    hear('SIGINT');
    hear('SIGTERM');
    expect(told).toEqual(['SIGINT']);
    vi.advanceTimersByTime(1);
    hear('SIGTERM');
    expect(told).toEqual(['SIGINT', 'SIGTERM']);
  });

  test('has its usual effect again when they are forgotten', () => {
    const { signals, counts } = listening();
    expect(counts()).toEqual([1, 1]);
    signals.forget();
    expect(counts()).toEqual([0, 0]);
  });
});
