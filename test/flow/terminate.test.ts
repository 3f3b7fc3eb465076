// A tunnel that is closed without a word: nothing is sent, the log says at which step and why.

import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { connectThrough, readAll, say, startRig } from '../support/rig.ts';

describe('a terminated tunnel', () => {
  test('by rule ends at the CONNECT with status 000, and the log names the rule', async () => {
    const rig = await startRig({
      policy: { rules: [{ name: 'cut', hosts: ['a.test'], action: 'deny', tls: 'terminate' }] },
    });
    expect(await say(rig.port, 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n')).toBe('');
    expect(await rig.lines(1)).toEqual(['NONE_NONE/000 0 CONNECT a.test:443 - HIER_NONE/- -']);
    expect((await rig.entries(1))[0]).toMatchObject({
      outcome: 'terminated',
      rule: 'cut',
      step: 'connect',
      action: 'deny',
    });
  });

  test('at the hello keeps the 200 it was answered with, and the log has the reason', async () => {
    const rig = await startRig();
    const { socket } = await connectThrough(rig.port, 'sallyport.internal:443');
    socket.write('EHLO\r\n');
    expect(await readAll(socket)).toBe('');
    expect(await rig.lines(1)).toEqual(['NONE_NONE/200 0 CONNECT sallyport.internal:443 - HIER_NONE/- -']);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'terminated', error: 'not-tls' });
  });

  test('is reset where what came is not TLS, since a relay in between passes nothing else on', async () => {
    const rig = await startRig();
    const { socket, head } = await connectThrough(rig.port, 'sallyport.internal:443');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    const broken = once(socket, 'error');
    socket.resume().write('SSH-2.0-x\r\n');
    expect(await broken).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
  });
});
