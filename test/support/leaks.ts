// Holds each test of a file to leaving nothing behind: no socket, no listener, no timer that keeps the process alive.

import { beforeEach, onTestFinished } from 'vitest';
import { until } from './rig.ts';

const KINDS = ['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'Timeout'] as const;

function held(): number[] {
  const all = process.getActiveResourcesInfo();
  return KINDS.map((kind) => all.filter((one) => one === kind).length);
}

/** Called once at the top of a test file. What a test opened with `onTestFinished` to close it is closed before we look. */
export function expectNothingLeft(): void {
  beforeEach(() => {
    const before = held();
    onTestFinished(() =>
      until(
        // The timer of this very wait is not held at the moment it looks.
        () => held().every((count, index) => count <= (before[index] ?? 0)),
        'everything to be closed',
        () => KINDS.map((kind, index) => `${kind}: ${before[index]} before, ${held()[index]} after`).join('\n'),
      ),
    );
  });
}
