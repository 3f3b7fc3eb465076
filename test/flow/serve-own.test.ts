// What the proxy answers itself: on its own port, and as the self-test host.

import { describe, expect, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import { isOwnHost, ownPermit } from '../../src/flow/serve-own.ts';
import { dialProxy, get, say, startRig, tlsThrough } from '../support/rig.ts';

const own: Authority = { kind: 'name', host: 'sallyport.internal', port: 443 };

test('only the self-test host is our own, by its whole name', () => {
  expect(isOwnHost(own)).toBe(true);
  for (const host of ['a.sallyport.internal', 'sallyport.internal.test', 'xsallyport.internal']) {
    expect(isOwnHost({ ...own, host })).toBe(false);
  }
});

test('its permit says why it passes', () => {
  expect(ownPermit(own)).toMatchObject({ action: 'allow', tls: 'bump', rule: 'sallyport.internal', wouldDeny: false });
});

describe('a page of ours', () => {
  test.each([
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['a length and chunks', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ])('is not given to a request with %s', async (_name, bytes) => {
    const rig = await startRig();
    expect(await say(rig.port, bytes)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('has no body for HEAD', async () => {
    const rig = await startRig();
    const reply = await say(rig.port, 'HEAD /ca.pem HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n');
    expect(reply).toMatch(/\r\nContent-Length: [1-9]\d*\r\n/);
    expect(reply.endsWith('\r\n\r\n')).toBe(true);
  });

  test('spells the proxy as the client did, but only where that is safe to print', async () => {
    const rig = await startRig();
    expect(await get(await dialProxy(rig.port), 'proxy.example.com:3128')).toContain(
      'HTTPS_PROXY=http://proxy.example.com:3128',
    );
    expect(await say(rig.port, 'GET / HTTP/1.0\r\n\r\n')).toContain(`HTTPS_PROXY=http://127.0.0.1:${rig.port}`);
  });

  test('is there below the self-test host too, and nothing else is', async () => {
    const rig = await startRig();
    const open = () => tlsThrough(rig.port, 'sallyport.internal:443', { ca: rig.ca });
    expect(await get(await open(), 'sallyport.internal', '/ca.pem')).toContain(rig.ca.trim());
    expect(await get(await open(), 'sallyport.internal', '/none')).toMatch(/^HTTP\/1\.1 400 /);
  });
});
