// Whole connections in logs of the administrator's own: what a format asks for is collected, secrets are not shown, and
// open tunnels are told of in the JSON log.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, tcpOrigin } from '../support/origin.ts';
import { connectThrough, get, type Rig, say, startRig, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const hosts = { 'ok.test': '127.0.0.2', 'pass.test': '127.0.0.3' };
const policy = {
  rules: [
    { name: 'pass', hosts: ['pass.test'], action: 'allow' as const, tls: 'tunnel' as const },
    { name: 'read', hosts: ['ok.test'], action: 'allow' as const },
  ],
};

const own = (name: string, layout: string) => ({ path: name, format: { name, layout } });
const linesOf = async (rig: Rig, file: string, count: number): Promise<string[]> => {
  const read = (): string[] => readFileSync(join(rig.folder, file), 'latin1').split('\n').slice(0, -1);
  await until(
    () => read().length >= count,
    `${count} lines of ${file}`,
    () => read().join('\n'),
  );
  return read();
};

describe('a log with a format of its own', () => {
  test('tells both ends, the messages and the certificate of a bumped request', async () => {
    const origin = await httpsOrigin(
      ca.leaf({ san: 'DNS:ok.test' }),
      (_request, response) => void response.setHeader('X-Served-By', 'origin 1').end('hello'),
      '127.0.0.2',
    );
    const layout =
      '%rm %>p %>la:%lp %<a:%<p %<la "%{X-Ask}>h" %{Authorization}>h "%{X-Served-By}<h" %<Hs ' +
      '%ssl::bump_mode %ssl::>sni %ssl::>negotiated_version %ssl::>received_supported_version [%ssl::<cert_subject] %{rule}note';
    const rig = await startRig({ policy, hosts, trust: [ca.rootFile], logs: [own('own.log', layout)] });
    const authority = `ok.test:${origin.port}`;
    const tls = await tlsThrough(rig.port, authority, { ca: rig.ca });
    const port = tls.localPort;
    await get(tls, authority, '/p?token=1', 'X-Ask: a "b"\r\nAuthorization: Basic c2VjcmV0\r\n');
    const lines = await linesOf(rig, 'own.log', 2);
    const ends = `${port} 127.0.0.1:${rig.port} 127.0.0.2:${origin.port} 127.0.0.1`;
    const tlsPart = 'bump ok.test TLS/1.3 TLS/1.3 \\[/CN=[^\\]]*\\] read';
    expect(lines[0]).toMatch(new RegExp(`^CONNECT ${ends} "-" - "-" - ${tlsPart}$`));
    const quoted = '"a \\"b\\"" *** "origin 1" 200';
    expect(lines[1]?.startsWith(`GET ${ends} ${quoted} `)).toBe(true);
    expect(lines[1]).toMatch(new RegExp(`${tlsPart}$`));
    expect(readFileSync(join(rig.folder, 'own.log'), 'latin1')).not.toContain('c2VjcmV0');
    await origin.close();
  });

  test('has what it selects, in the tags that it asks for', async () => {
    const origin = await httpOrigin((_request, response) => void response.end('hello'), '127.0.0.2');
    const rig = await startRig({
      policy,
      hosts,
      logs: [
        { ...own('denied.log', '%>Hs %ru'), when: { outcomes: ['denied'] } },
        { ...own('others.log', '%>Hs %Ss'), unless: { outcomes: ['denied'] }, tags: '3.5' },
      ],
    });
    const through = (url: string): Promise<string> =>
      say(rig.port, `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`);
    await through(`http://ok.test:${origin.port}/a`);
    await through('http://no.test/b');
    const { head, socket } = await connectThrough(rig.port, 'ok.test:1');
    expect(head).toContain('200');
    socket.destroy();
    expect(await linesOf(rig, 'denied.log', 1)).toEqual(['403 http://no.test/b']);
    expect(await linesOf(rig, 'others.log', 2)).toEqual(['200 TCP_MISS', '200 TAG_NONE_ABORTED']);
    await origin.close();
  });
});

describe('an open tunnel', () => {
  test('is told of in the JSON log when it begins and while it goes on, and in the native log at its end', async () => {
    const origin = await tcpOrigin((socket) => void socket.pipe(socket), '127.0.0.3');
    const rig = await startRig({ policy, hosts, tunnelEvents: { open: true, progress: 30 } });
    const { socket } = await connectThrough(rig.port, `pass.test:${origin.port}`);
    socket.write('SSH-2.0-test\r\n');
    await until(
      () => readFileSync(join(rig.folder, 'access.json'), 'utf8').includes('"bytes":14,"bytes_in":14'),
      'progress',
    );
    const events = (await rig.entries(2)).filter(({ event }) => event !== undefined);
    expect(events[0]).toMatchObject({ event: 'tunnel-open', tag: 'TCP_TUNNEL', bytes: 0, bytes_in: 0, rule: 'pass' });
    expect(events.at(-1)).toMatchObject({ event: 'tunnel-progress', bytes: 14, bytes_in: 14, outcome: 'tunnelled' });
    expect((await rig.lines(1)).length).toBe(1);
    socket.end();
    const lines = await rig.lines(2);
    expect(lines[1]).toBe(`TCP_TUNNEL/200 N - pass.test:${origin.port} - HIER_DIRECT/127.0.0.3 -`);
    await origin.close();
  });
});
