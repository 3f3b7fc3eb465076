// The answer to a CONNECT that goes nowhere, read as a client reads it: status line and headers.

import { describe, expect, test } from 'vitest';
import { get, say, startRig, tlsThrough } from '../support/rig.ts';

const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

describe('a refused CONNECT', () => {
  test('by a rule names it in the reason phrase and in a header, with the reason for machines', async () => {
    const rig = await startRig({ policy: { rules: [{ name: 'no games', hosts: ['.games.test'], action: 'deny' }] } });
    const reply = await say(rig.port, connect('a.games.test:443'));
    expect(reply).toMatch(
      /^HTTP\/1\.1 403 Denied by no games: rule "no games" denies requests to a\.games\.test:443\r\n/,
    );
    expect(reply).toMatch(/\r\nX-Proxy-Denied: no games\r\n/);
    expect(reply).toMatch(/\r\nProxy-Status: sallyport; error=http_request_denied; details="(?:[^"\\]|\\.)*no games/);
    expect(reply).toMatch(/\r\nConnection: close\r\n/);
    const [entry] = await rig.entries(1);
    expect(entry).toMatchObject({ outcome: 'denied', rule: 'no games', status: 403, bytes: reply.length });
    // The page and the log line are joined by the id.
    expect(reply).toContain(`<dd>${entry?.['tunnel']}</dd>`);
  });

  test('by a name that does not resolve says so at once where nothing would be decrypted', async () => {
    const rig = await startRig({
      limits: { connectTimeout: 300 },
      policy: { rules: [{ name: 'pass', hosts: ['.test'], action: 'allow', tls: 'splice' }] },
    });
    // The second time it is remembered, and nobody is asked.
    for (const count of [1, 2]) {
      const reply = await say(rig.port, connect('nowhere.test:443'));
      expect(reply).toMatch(/^HTTP\/1\.1 50[34] /);
      expect(reply).toContain('X-Squid-Error: ERR_DNS_FAIL 0');
      const lines = await rig.lines(count);
      expect(lines).toHaveLength(count);
      expect(lines.at(-1)).toMatch(/^NONE_NONE\/50[34] N CONNECT nowhere\.test:443 - HIER_NONE\/- text\/html$/);
    }
  });

  test('by a name that does not resolve is told inside the tunnel where it is decrypted, each time', async () => {
    const rig = await startRig({
      limits: { connectTimeout: 300 },
      policy: { rules: [{ name: 'read', hosts: ['.test'], action: 'allow', tls: 'bump' }] },
    });
    for (const count of [2, 4]) {
      const client = await tlsThrough(rig.port, 'nowhere.test:443', { ca: rig.ca });
      expect(await get(client, 'nowhere.test')).toMatch(/^HTTP\/1\.1 50[34] /);
      client.destroy();
      const entries = (await rig.entries(count)).slice(-2);
      expect(entries.map(({ error }) => error)).toContainEqual(expect.stringMatching(/^dns-(failed|timeout)$/));
    }
  });

  test('that is malformed is told with what was asked', async () => {
    const rig = await startRig();
    expect(await say(rig.port, 'CONNECT nonsense HTTP/1.1\r\nHost: nonsense\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n/,
    );
    expect(await rig.lines(1)).toEqual(['NONE_NONE/400 N CONNECT nonsense - HIER_NONE/- text/html']);
  });
});
