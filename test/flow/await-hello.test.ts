// After the 200: how long the client may think, and what its first words are taken for.

import { describe, expect, test } from 'vitest';
import { notTls } from '../../src/flow/await-hello.ts';
import { tcpOrigin } from '../support/origin.ts';
import { connectThrough, dialProxy, readAll, readUntil, startRig } from '../support/rig.ts';

const MEND = 'only a rule with tls: tunnel lets through what is not TLS.';

describe('after the 200', () => {
  test('a client that is to speak TLS has the handshake deadline to begin', async () => {
    const rig = await startRig({ limits: { handshakeTimeout: 120 } });
    const { socket } = await connectThrough(rig.port, 'sallyport.internal:443');
    expect(await readAll(socket)).toBe('');
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'timed_out', error: 'hello-timeout', status: 200 });
  });

  test('one whose rule lets anything through is waited for no longer than a second', async () => {
    const origin = await tcpOrigin((socket) => socket.end('welcome\r\n'));
    const rig = await startRig({
      hosts: { 'raw.test': '127.0.0.1' },
      policy: { rules: [{ name: 'raw', hosts: ['raw.test'], action: 'allow', tls: 'tunnel' }] },
    });
    const { socket } = await connectThrough(rig.port, `raw.test:${origin.port}`);
    expect(await readUntil(socket, '\r\n')).toBe('welcome\r\n');
    await origin.close();
  });

  test('bytes that came behind the CONNECT are its first words', async () => {
    const rig = await startRig();
    const socket = await dialProxy(rig.port);
    socket.write('CONNECT sallyport.internal:443 HTTP/1.1\r\nHost: sallyport.internal\r\n\r\nSSH-2.0-x\r\n');
    await readAll(socket);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'terminated', error: 'not-tls' });
  });
});

describe('notTls', () => {
  test.each([
    ['silent' as const, 'not-tls', `The client said nothing; ${MEND}`],
    [{ state: 'malformed' as const, reason: 'It is cut' }, 'hello-malformed', 'It is cut.'],
    [{ state: 'not-tls' as const, reason: 'It looks like plain HTTP' }, 'not-tls', `It looks like plain HTTP; ${MEND}`],
  ])('%o is told as %s', (words, code, detail) => {
    expect(notTls(words)).toMatchObject({ code, detail });
  });
});
