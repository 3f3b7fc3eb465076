// Who answers a request: the origin, we, or nobody; and what is left of its connection.

import { describe, expect, test } from 'vitest';
import { httpOrigin } from '../support/origin.ts';
import { dialProxy, readAll, readUntil, say, startRig } from '../support/rig.ts';

const hosts = { 'ok.test': '127.0.0.1' };
const policy = { rules: [{ name: 'ok', hosts: ['ok.test'], action: 'allow' as const }] };

describe('a request that is refused', () => {
  test('keeps its connection when nothing of it is left to come', async () => {
    const rig = await startRig();
    const socket = await dialProxy(rig.port);
    for (let i = 0; i < 3; i += 1) {
      socket.write('GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\n\r\n');
      expect(await readUntil(socket, '</html>\n')).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(await rig.lines(3)).toHaveLength(3);
  });

  test('loses it when its body is still to come, whatever stands in that body', async () => {
    const rig = await startRig();
    const socket = await dialProxy(rig.port);
    const inner = 'GET http://no.test/smuggled HTTP/1.1\r\nHost: no.test\r\n\r\n';
    socket.write(
      `POST http://no.test/ HTTP/1.1\r\nHost: no.test\r\nContent-Length: ${inner.length + 10}\r\n\r\n${inner}`,
    );
    const reply = await readAll(socket);
    expect(reply.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(reply).toMatch(/\r\nConnection: close\r\n/);
    expect(await rig.lines(1)).toEqual(['TCP_DENIED/403 N POST http://no.test/ - HIER_NONE/- text/html']);
  });

  test('is not told to go on with its body', async () => {
    const rig = await startRig();
    const bytes = 'POST http://no.test/ HTTP/1.1\r\nHost: no.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n';
    expect(await say(rig.port, bytes)).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('a request with our own Via', () => {
  test.each(['1.1 sallyport', '1.0 a, 1.1 sallyport (x)'])('"%s" has come round', async (via) => {
    let asked = 0;
    const origin = await httpOrigin((_request, response) => {
      asked += 1;
      response.end();
    });
    const rig = await startRig({ hosts, policy });
    const host = `ok.test:${origin.port}`;
    const reply = await say(
      rig.port,
      `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nVia: ${via}\r\nConnection: close\r\n\r\n`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 508 Loop Detected\r\n/);
    expect(asked).toBe(0);
    await origin.close();
  });

  test('passes where Via is off', async () => {
    const origin = await httpOrigin((request, response) => response.end(`via ${request.headers.via}`));
    const rig = await startRig({ hosts, policy, via: undefined });
    const host = `ok.test:${origin.port}`;
    const reply = await say(
      rig.port,
      `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nVia: 1.1 sallyport\r\nConnection: close\r\n\r\n`,
    );
    expect(reply).toContain('via 1.1 sallyport');
    await origin.close();
  });
});
