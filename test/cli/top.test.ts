// `top` as one picture for a script, and as a live one in a real terminal.

import { describe, expect, test } from 'vitest';
import { isDrawable, isUtf8, top } from '../../src/cli/top.ts';
import { ACTIVITY, fakeOperator, STATUS, unservedConfig } from '../support/fake-operator.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

const answers = { '/v1/status': STATUS, '/v1/activity': ACTIVITY };

describe('once', () => {
  test.each([{ once: true }, {}])('is one picture in plain text: %j', async (options) => {
    const { config, asked } = await fakeOperator(answers);
    const terminal = fakeTerminal();
    expect(await top(terminal, { config, ...options })).toBe(0);
    expect(terminal.outText()).toMatch(/^Sallyport 1\.2\.3 {2}running .*\n12\/s requests/);
    expect(terminal.outText()).toMatch(/^ok\.test +12 +4\.5 kB/m);
    expect(terminal.outText()).toMatch(/^[\x20-\x7e\n]*$/);
    // The first question begins the counting.
    expect(asked.filter((path) => path === '/v1/activity')).toHaveLength(2);
  });

  test('is JSON for a script', async () => {
    const { config } = await fakeOperator(answers);
    const terminal = fakeTerminal();
    expect(await top(terminal, { config, json: true })).toBe(0);
    expect(JSON.parse(terminal.outText())).toEqual({ status: { ...STATUS, config }, activity: ACTIVITY });
  });
});

test('where none runs that is told, with an exit code of its own', async () => {
  const terminal = fakeTerminal({ watched: true });
  expect(await top(terminal, { config: unservedConfig() })).toBe(5);
  expect(terminal.errText()).toMatch(/^No proxy runs with /);
  expect(terminal.outText()).toBe('');
});

test.each([
  [true, 'xterm', true],
  [true, undefined, true],
  [true, 'dumb', false],
  [false, 'xterm', false],
])('where it is watched (%s) on %s it is drawn: %s', (watched, TERM, expected) => {
  expect(isDrawable(fakeTerminal({ watched }), { TERM })).toBe(expected);
});

test.each([
  [{ LANG: 'C.UTF-8' }, true],
  [{ LANG: 'en_GB.utf8' }, true],
  [{ LANG: 'en_GB.UTF-8', LC_ALL: 'C' }, false],
  [{ LC_CTYPE: 'UTF-8', LC_ALL: '' }, true],
  [{}, false],
])('%j has more than ASCII: %s', (environment, expected) => {
  expect(isUtf8(environment)).toBe(expected);
});
