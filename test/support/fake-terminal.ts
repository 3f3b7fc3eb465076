// A terminal that remembers what was written to it, for tests of single commands.

import type { Terminal } from '../../src/cli/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly bytes: () => Buffer;
  readonly outText: () => string;
  readonly errText: () => string;
}

/** Styles are written as `<red>text</red>` when `styled`, so that a test can see them; else not at all. */
export function fakeTerminal({ watched = false, styled = false } = {}): FakeTerminal {
  const out: Buffer[] = [];
  let err = '';
  return {
    out: (text) => void out.push(Buffer.from(text)),
    err: (text) => {
      err += text;
    },
    style: (format, text) => (styled ? `<${format}>${text}</${format}>` : text),
    watched: { out: watched, err: watched },
    bytes: () => Buffer.concat(out),
    outText: () => Buffer.concat(out).toString(),
    errText: () => err,
  };
}
