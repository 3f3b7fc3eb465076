// The manager's reports on the proxy's own port, as they are asked for over a socket.

import { describe, expect, test } from 'vitest';
import { expectNothingLeft } from '../support/leaks.ts';
import { connectThrough, say, startRig } from '../support/rig.ts';

expectNothingLeft();

const get = (target: string, more = ''): string => `GET ${target} HTTP/1.0\r\n${more}\r\n`;
const head = (reply: string): string => reply.slice(0, reply.indexOf('\r\n'));

describe('a report', () => {
  test.each([
    ['by the path', '/squid-internal-mgr/counters'],
    ['by the scheme of its own', 'cache_object://localhost/counters'],
  ])('%s is given as text, and is a line in the log', async (_name, target) => {
    const rig = await startRig();
    const reply = await say(rig.port, get(target));
    expect(head(reply)).toBe('HTTP/1.1 200 OK');
    expect(reply).toContain('\r\nContent-Type: text/plain;charset=utf-8\r\n');
    expect(reply).toContain('\r\nCache-Control: no-store\r\n');
    expect(reply).toContain('\r\n\r\nsample_time = ');
    expect(await rig.lines(1)).toEqual([`NONE_NONE/200 N GET ${target} - HIER_NONE/- text/plain`]);
  });

  test('has no body for HEAD', async () => {
    const rig = await startRig();
    const reply = await say(rig.port, 'HEAD /squid-internal-mgr/info HTTP/1.0\r\n\r\n');
    expect(reply).toMatch(/\r\nContent-Length: [1-9]\d+\r\n/);
    expect(reply.endsWith('\r\n\r\n')).toBe(true);
  });

  test('of no name is the menu', async () => {
    const rig = await startRig();
    const [whole, menu] = [
      await say(rig.port, get('cache_object://h/')),
      await say(rig.port, get('cache_object://h/menu')),
    ];
    expect(whole.slice(whole.indexOf('\r\n\r\n'))).toBe(menu.slice(menu.indexOf('\r\n\r\n')));
    expect(menu).toContain(' counters              \tTraffic and Resource Counters   \tpublic\n');
  });

  test.each(['nonesuch', 'shutdown', 'constructor', '__proto__', 'info/x'])(
    'that there is not, %s, is a 404',
    async (name) => {
      const rig = await startRig();
      expect(head(await say(rig.port, get(`/squid-internal-mgr/${name}`)))).toBe('HTTP/1.1 404 Not Found');
    },
  );

  test('is not changed by POST', async () => {
    const rig = await startRig();
    const reply = await say(rig.port, 'POST /squid-internal-mgr/info HTTP/1.0\r\nContent-Length: 0\r\n\r\n');
    expect(head(reply)).toBe('HTTP/1.1 405 Method Not Allowed');
  });

  test('counts what went before', async () => {
    const rig = await startRig();
    await say(rig.port, 'CONNECT denied.test:443 HTTP/1.1\r\nHost: denied.test:443\r\n\r\n');
    await rig.lines(1);
    const reply = await say(rig.port, get('cache_object://localhost/counters'));
    expect(reply).toContain('\nclient_http.requests = 1\n');
    expect(reply).toContain('\nclient_http.errors = 1\n');
  });

  test('shows a request while it is under way, itself among them', async () => {
    const rig = await startRig();
    const reply = await say(rig.port, get('/squid-internal-mgr/active_requests'));
    expect(reply).toMatch(/\nuri \/squid-internal-mgr\/active_requests\n/);
    expect(reply).toMatch(/\n\tremote: 127\.0\.0\.1:\d+\n/);
  });
});

describe('a report is refused', () => {
  test('to another client than those of the config', async () => {
    const rig = await startRig({ manager: { clients: ['10.0.0.0/8'] } });
    const reply = await say(rig.port, get('cache_object://localhost/info'));
    expect(head(reply)).toBe('HTTP/1.1 403 Forbidden');
    expect(reply).toContain('The manager does not answer 127.0.0.1.');
    expect(await rig.lines(1)).toEqual(['TCP_DENIED/403 N GET cache_object://localhost/info - HIER_NONE/- text/html']);
  });

  test('to a page in a browser', async () => {
    const rig = await startRig();
    const reply = await say(rig.port, get('/squid-internal-mgr/info', 'Host: rebound.test\r\n'));
    expect(head(reply)).toBe('HTTP/1.1 403 Forbidden');
  });

  test('without the password, of which the log has nothing', async () => {
    const rig = await startRig({ manager: { password: 'sesame' } });
    const refused = await say(rig.port, get('cache_object://localhost/info@wrong'));
    expect(head(refused)).toBe('HTTP/1.1 401 Unauthorized');
    expect(refused).toContain('\r\nWWW-Authenticate: Basic realm="manager", charset="UTF-8"\r\n');
    expect(head(await say(rig.port, get('cache_object://localhost/info@sesame')))).toBe('HTTP/1.1 200 OK');
    expect(await rig.lines(2)).toEqual([
      'TCP_DENIED/401 N GET cache_object://localhost/info - HIER_NONE/- text/plain',
      'NONE_NONE/200 N GET cache_object://localhost/info - HIER_NONE/- text/plain',
    ]);
  });

  test('through the proxy, whatever address it is asked by', async () => {
    const rig = await startRig({ policy: { default: 'allow' } });
    const url = `http://127.0.0.1:${rig.port}/squid-internal-mgr/info`;
    expect(head(await say(rig.port, `GET ${url} HTTP/1.0\r\n\r\n`))).toMatch(/^HTTP\/1\.1 (?:403|508) /);
    const { head: reply } = await connectThrough(rig.port, `127.0.0.1:${rig.port}`);
    expect(reply).toMatch(/^HTTP\/1\.1 (?:403|508) /);
  });
});
