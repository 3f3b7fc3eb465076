// Whether the proxy can have its ports.

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkPorts } from '../../../src/cli/doctor/ports.ts';
import { configFolder, MAIN, startProgram } from '../../support/program.ts';

async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const at = (port: number, address = '127.0.0.1') => ({ listen: [{ address, port, names: [] }] });

describe('a port', () => {
  test('that is free is free again afterwards', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    for (const _ of [1, 2]) {
      expect(await checkPorts(at(port))).toEqual([{ check: 'port', state: 'ok', reason: `127.0.0.1:${port} is free` }]);
    }
  });

  test('of the system’s choice is none to look at', async () => {
    expect(await checkPorts(at(0, '::1'))).toMatchObject([{ state: 'ok', reason: '::1: the system chooses one' }]);
  });

  test('that somebody else has is named with him', async () => {
    const port = await takenPort();
    const [found] = await checkPorts(at(port));
    expect(found).toMatchObject({ state: 'failed', mend: expect.stringContaining('another port') });
    expect(found?.reason).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port} is taken by .* \\(process ${process.pid}\\)$`));
  });

  test('that the proxy itself has is well', async () => {
    const port = await takenPort();
    expect(await checkPorts(at(port), 1)).toEqual([
      { check: 'port', state: 'ok', reason: `127.0.0.1:${port} is open, the proxy has it` },
    ]);
  });

  test('that a proxy has of whom nothing is known is known by its words', async () => {
    const { config } = configFolder('log: { access: { path: stdout } }');
    const program = startProgram([MAIN, 'run', '--config', config]);
    const port = Number((await program.err(/"port":(\d+)/))[1]);
    const [found] = await checkPorts(at(port));
    expect(found).toMatchObject({ state: 'ok', reason: expect.stringMatching(/this program has it: node main\.ts/) });
  });

  test('at an address that this machine does not have has failed by the words of a start', async () => {
    const [found] = await checkPorts(at(3128, '192.0.2.1'));
    expect(found).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('is not an address of this machine'),
    });
  });
});
