// How a connection comes in: whoever is turned away can read why, whatever it goes on to say and whatever was read of it.

import { describe, expect, test } from 'vitest';
import { expectNothingLeft } from '../support/leaks.ts';
import { lineHeader } from '../support/proxy-header.ts';
import { dialProxy, readAll, readUntil, startRig, until } from '../support/rig.ts';

expectNothingLeft();

const FRONTED = { proxyProtocol: { from: ['127.0.0.1'] } };
const HEAD = 'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8000000\r\n\r\n';

describe('a connection for which there is no place', () => {
  test.each([
    ['that comes by itself', {}, ''],
    ['that a load balancer tells of', { listen: FRONTED }, lineHeader().toString('latin1')],
  ])('%s is read to its end, so that it can read its 429', async (_name, options, header) => {
    const rig = await startRig({ ...options, limits: { connectionsPerClient: 1 } });
    const first = await dialProxy(rig.port);
    first.write(`${header}GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n`);
    await readUntil(first, '\r\n\r\n');
    const second = await dialProxy(rig.port);
    let broken: Error | undefined;
    second.on('error', (error) => {
      broken = error;
    });
    const reply = readAll(second);
    second.write(`${header}${HEAD}`);
    second.end(Buffer.alloc(8_000_000));
    expect(await reply).toMatch(/^HTTP\/1\.1 429 /);
    // Long before it is cut, two seconds later.
    const begin = performance.now();
    await until(() => rig.proxy.connections === 1, 'the end of the connection');
    expect(performance.now() - begin).toBeLessThan(1_500);
    expect(broken).toBeUndefined();
    first.destroy();
  });
});

describe('a connection that comes in', () => {
  test.each([
    ['has its line, and nothing in it, when it ends without a word', {}, 'end', undefined],
    ['is closed when it says nothing in time', { limits: { headerTimeout: 80 } }, 'wait', 'request-timeout'],
  ] as const)('%s', async (_name, options, how, error) => {
    const rig = await startRig(options);
    const socket = await dialProxy(rig.port);
    if (how === 'end') socket.end();
    expect(await readAll(socket)).toBe('');
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ outcome: 'no_request', url: 'error:transaction-end-before-headers' });
    expect(entry?.['error']).toBe(error);
  });
});
