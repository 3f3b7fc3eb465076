// Sockets that a service manager hands over: which there are, and which listener each is for.

import { describe, expect, test } from 'vitest';
import { askedOf, assignSockets, takeGivenSockets } from '../../src/net/given-sockets.ts';
import { startProgram } from '../support/program.ts';

const ACTIVATION = new URL('../support/activation.py', import.meta.url).pathname;
const MODULE = new URL('../../src/net/given-sockets.ts', import.meta.url).pathname;

describe('the variables', () => {
  test.each<[sentence: string, env: NodeJS.ProcessEnv]>([
    ['that are not there hand over nothing', {}],
    ['that are for another process hand over nothing', { LISTEN_PID: '2', LISTEN_FDS: '1' }],
    ['that say of no process hand over nothing', { LISTEN_FDS: '1' }],
    ['that count none hand over nothing', { LISTEN_PID: '1', LISTEN_FDS: '0' }],
    ['that count with a sign hand over nothing', { LISTEN_PID: '1', LISTEN_FDS: '-1' }],
    ['that count more than there can be hand over nothing', { LISTEN_PID: '1', LISTEN_FDS: '9999' }],
  ])('%s, and are taken away', (_, env) => {
    expect(takeGivenSockets(env, 1)).toEqual([]);
    expect(Object.keys(env)).toEqual([]);
  });
});

test.skipIf(process.platform !== 'linux')(
  'a socket is known by where it listens, and nobody is let in by that',
  async () => {
    const script = `
    import { takeGivenSockets } from '${MODULE}';
    console.log(JSON.stringify(takeGivenSockets(process.env, process.pid)));
  `;
    const words = ['-c', `echo | python3 ${ACTIVATION} 0 "$0" --input-type=module -e "$1"`, process.execPath, script];
    const program = startProgram(words, { command: '/bin/sh' });
    const [, port] = await program.out(/port (\d+)/);
    const [json = ''] = await program.out(/\[.*\]/);
    expect(JSON.parse(json)).toEqual([{ fd: 3, address: '127.0.0.1', port: Number(port) }]);
  },
);

test.skipIf(process.platform !== 'linux')('what is no socket that listens is an error', () => {
  // Standard streams of a test are none.
  expect(() => takeGivenSockets({ LISTEN_PID: '1', LISTEN_FDS: '200' }, 1)).toThrow(
    expect.objectContaining({
      code: 'listen-failed',
      detail: expect.stringMatching(/^Descriptor \d+, which was handed/),
    }),
  );
});

describe('a socket is for', () => {
  const at = (address: string, port: number) => ({ address, port, names: [] });
  const given = (address: string, port: number, fd = 3) => ({ address, port, fd });

  test.each<[sentence: string, Parameters<typeof assignSockets>, [string, number][]]>([
    [
      'the listener of its address and port',
      [[given('10.0.0.1', 80)], [at('10.0.0.1', 81), at('10.0.0.1', 80)]],
      [['10.0.0.1 80', 3]],
    ],
    [
      'that of the same address before another',
      [[given('::1', 80)], [at('10.0.0.1', 80), at('::1', 80)]],
      [['::1 80', 3]],
    ],
    [
      'the one of any address where it has any, too',
      [[given('::', 80)], [at('10.0.0.1', 80), at('0.0.0.0', 80)]],
      [['0.0.0.0 80', 3]],
    ],
    ['the only one of its port', [[given('::', 80)], [at('10.0.0.1', 80)]], [['10.0.0.1 80', 3]]],
    [
      'one listener, and the next for the next',
      [
        [given('::', 80), given('0.0.0.0', 80, 4)],
        [at('0.0.0.0', 80), at('::', 80)],
      ],
      [
        ['0.0.0.0 80', 3],
        [':: 80', 4],
      ],
    ],
    ['nothing where none is given', [[], [at('::', 80)]], []],
  ])('%s', (_, [sockets, listen], expected) => {
    expect([...assignSockets(sockets, listen)]).toEqual(expected);
  });

  test.each([
    ['no listener of another port', [at('::', 81)]],
    ['none of several that could be meant', [at('10.0.0.1', 80), at('10.0.0.2', 80)]],
  ])('%s: that is an error which names it', (_, listen) => {
    expect(() => assignSockets([given('10.0.0.9', 80)], listen)).toThrow(
      expect.objectContaining({
        code: 'listen-failed',
        detail: expect.stringMatching(/^10\.0\.0\.9:80 was handed over/),
      }),
    );
  });
});

test('what a config asks for is an address and a port', () => {
  expect(askedOf({ address: '::', port: 3128 })).toBe(':: 3128');
});
