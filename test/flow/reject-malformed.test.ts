// What the parser cannot read gets one answer and one line, on the plain side and inside a tunnel.

import { describe, expect, test } from 'vitest';
import { dialProxy, readAll, readUntil, say, startRig, tlsThrough } from '../support/rig.ts';

describe('bytes that are no request', () => {
  test.each([
    ['a bare line feed and a folded field', 'GET http://a.test/ HTTP/1.1\nHost: a.test\n x: y\n\n'],
    ['a NUL in a field', 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n'],
    ['a length with a sign', 'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: +1\r\n\r\na'],
    ['a version of the future', 'GET http://a.test/ HTTP/3.0\r\nHost: a.test\r\n\r\n'],
  ])('%s', async (_name, bytes) => {
    const rig = await startRig();
    expect(await say(rig.port, bytes)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(await rig.lines(1)).toEqual(['NONE_NONE/400 N - error:invalid-request - HIER_NONE/- text/html']);
    expect((await rig.entries(1))[0]).toMatchObject({ outcome: 'malformed', error: 'request-malformed' });
  });

  test('inside a tunnel', async () => {
    const rig = await startRig();
    const tls = await tlsThrough(rig.port, 'sallyport.internal:443', { ca: rig.ca });
    tls.write('what is this\r\n\r\n');
    expect(await readAll(tls)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(await rig.lines(2)).toEqual([
      'NONE_NONE/200 0 CONNECT sallyport.internal:443 - HIER_NONE/- -',
      'NONE_NONE/400 N - error:invalid-request - HIER_NONE/- text/html',
    ]);
  });

  test('after a good request on the same connection', async () => {
    const rig = await startRig();
    const socket = await dialProxy(rig.port);
    socket.write('GET /proxy.pac HTTP/1.1\r\nHost: p\r\n\r\n');
    await readUntil(socket, '}\n');
    socket.write('\x01\x02\r\n\r\n');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(await rig.lines(2)).toHaveLength(2);
  });
});

test('a client that goes away between two requests leaves no line of its own', async () => {
  const rig = await startRig();
  const socket = await dialProxy(rig.port);
  socket.write('GET /proxy.pac HTTP/1.1\r\nHost: p\r\n\r\n');
  await readUntil(socket, '}\n');
  socket.resetAndDestroy();
  const other = await dialProxy(rig.port);
  other.end();
  // The line of the connection that came later is the second, or another worker's: nothing came between.
  const lines = await rig.lines(2);
  expect(lines.filter((line) => line.includes('error:transaction-end-before-headers'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('GET /proxy.pac'))).toHaveLength(1);
});
