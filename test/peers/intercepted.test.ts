// A real firewall that turns connections around, and curl that knows nothing of a proxy: behind a gateway of iptables in
// network namespaces, and without one by names that point at the listener.

import { describe, expect, test } from 'vitest';
import { askGateway, CLIENT, hasGateway, ORIGIN, type Visited } from '../support/gateway.ts';
import { httpOrigin, httpsOrigin } from '../support/origin.ts';
import { startRig } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { TestCa } from '../support/test-ca.ts';

const CURL = findTool('curl');
/** Curl that has all it wants may reset a tunnel, or end it. */
const whole = (line: string): string => line.replace('TCP_TUNNEL_ABORTED', 'TCP_TUNNEL');
const missing = (what: string, found: boolean): string => (found ? '' : ` (skipped: no ${what} here)`);

describe.skipIf(!hasGateway)(
  `behind iptables REDIRECT${missing('iptables in a network namespace', hasGateway)}`,
  () => {
    test('each connection is decided on by its name, and logged as that of the client', {
      timeout: 60_000,
    }, async () => {
      const [bumped, spliced, plain, denied, plainDenied, nameless] = await askGateway(
        [
          { name: 'bumped', url: 'https://bump.test/p?q', trust: 'interception' },
          { name: 'spliced', url: 'https://splice.test/', trust: 'origin' },
          { name: 'plain', url: 'http://plain.test/x', trust: 'origin' },
          { name: 'denied', url: 'https://no.test/', trust: 'interception' },
          { name: 'denied, plain', url: 'http://no.test/', trust: 'interception' },
          { name: 'without a name', url: `https://${ORIGIN}/`, trust: 'interception' },
        ],
        1,
      );
      const native = (visited: Visited | undefined): string[] =>
        (visited?.lines ?? []).map((line) => whole(line).replace(/ [1-9]\d* (?=[A-Z])/, ' N ')).sort();

      expect(bumped).toMatchObject({ code: 0, out: 'secure bump.test', err: '' });
      expect(native(bumped)).toEqual([
        `${CLIENT} NONE_NONE/000 0 CONNECT bump.test:443 - HIER_DIRECT/${ORIGIN} -`,
        `${CLIENT} TCP_MISS/200 N GET https://bump.test/p? - HIER_DIRECT/${ORIGIN} -`,
      ]);
      expect(spliced).toMatchObject({ code: 0, out: 'secure splice.test', err: '' });
      expect(native(spliced)).toEqual([`${CLIENT} TCP_TUNNEL/200 N CONNECT splice.test:443 - HIER_DIRECT/${ORIGIN} -`]);
      expect(plain).toMatchObject({ code: 0, out: 'plain plain.test', err: '' });
      expect(native(plain)).toEqual([`${CLIENT} TCP_MISS/200 N GET http://plain.test/x - HIER_DIRECT/${ORIGIN} -`]);
      expect(denied).toMatchObject({ code: 35, out: '', err: expect.stringMatching(/alert access denied/) });
      expect(native(denied)).toEqual([`${CLIENT} TCP_DENIED/000 0 CONNECT no.test:443 - HIER_NONE/- -`]);
      expect(plainDenied).toMatchObject({ code: 0, out: expect.stringContaining('not allow') });
      expect(native(plainDenied)).toEqual([`${CLIENT} TCP_DENIED/403 N GET http://no.test/ - HIER_NONE/- text/plain`]);
      expect(nameless).toMatchObject({ code: 35, err: expect.stringMatching(/missing extension|alert number 109/) });
      expect(nameless?.entries).toEqual([expect.objectContaining({ error: 'sni-missing', client: CLIENT })]);
    });

    const loops = ({ entries }: Visited): number => entries.filter(({ error }) => error === 'loop').length;

    test('a rule that also catches the proxy makes no circle', { timeout: 60_000 }, async () => {
      const visited = await askGateway(
        [
          { name: 'bumped', url: 'https://loop.test/', trust: 'interception', loops: true },
          { name: 'unread', url: 'https://splice.test/', trust: 'origin', loops: true },
        ],
        1,
      );
      for (const visit of visited) {
        expect(loops(visit)).toBe(1);
        expect(visit.entries.length).toBeLessThan(4);
      }
      // The client is told in a page that its origin could not be reached.
      expect(visited[0]).toMatchObject({ code: 0, out: expect.stringContaining('upstream-tls') });
      expect(visited[1]?.code).toBeGreaterThan(0);
    });

    test('of two workers, one meets its own connection after some rounds', { timeout: 60_000 }, async () => {
      const visited = await askGateway(
        [
          { name: 'unread', url: 'https://splice.test/', trust: 'origin', loops: true },
          { name: 'afterwards', url: 'https://splice.test/', trust: 'origin' },
        ],
        2,
      );
      const [unread, afterwards] = visited;
      expect(unread && loops(unread)).toBe(1);
      expect(unread?.entries.length).toBeLessThan(100);
      expect(afterwards).toMatchObject({ code: 0, out: 'secure splice.test' });
    });
  },
);

describe.skipIf(!CURL)(`curl whose names point at the listener${missing('curl', CURL !== undefined)}`, () => {
  const curl = (...words: string[]): Promise<Ran> =>
    run(CURL ?? '', ['-sS', '--max-time', '20', '--noproxy', '*', ...words]);

  test('is bumped, spliced, denied and served in plain, and behind a load balancer it is who that says', async () => {
    const ca = new TestCa();
    const pair = ca.leaf({ san: 'DNS:bump.test,DNS:splice.test' });
    const secure = await httpsOrigin(pair, (request, response) => response.end(`secure ${request.url}`));
    const plain = await httpOrigin((request, response) => response.end(`plain ${request.url}`));
    const hosts = { 'bump.test': '127.0.0.1', 'splice.test': '127.0.0.1', 'plain.test': '127.0.0.1' };
    const policy = {
      rules: [
        { name: 'decrypt', clients: ['127.0.0.3'], hosts: ['bump.test', 'plain.test'], action: 'allow' },
        { name: 'unread', hosts: ['splice.test'], action: 'allow', tls: 'splice' },
      ],
    } as const;
    const transparent = { httpsPort: secure.port, httpPort: plain.port };
    const rigs = [
      [await startRig({ trust: [ca.rootFile], hosts, policy, listen: { transparent } }), []],
      [
        await startRig({
          trust: [ca.rootFile],
          hosts,
          policy,
          listen: { transparent, proxyProtocol: { from: ['127.0.0.3'] } },
        }),
        ['--haproxy-protocol'],
      ],
    ] as const;
    for (const [rig, extra] of rigs) {
      const ask = (url: string, trust: string): Promise<Ran> =>
        curl(...extra, '--interface', '127.0.0.3', '--connect-to', `::127.0.0.1:${rig.port}`, '--cacert', trust, url);
      const ours = `${rig.folder}/ca/ca.pem`;
      const bumped = await ask(`https://bump.test:${secure.port}/a`, ours);
      expect({ ...bumped, out: bumped.out.toString() }).toEqual({ code: 0, out: 'secure /a', err: '' });
      const spliced = await ask(`https://splice.test:${secure.port}/b`, ca.rootFile);
      expect({ ...spliced, out: spliced.out.toString() }).toEqual({ code: 0, out: 'secure /b', err: '' });
      const served = await ask(`http://plain.test:${plain.port}/c`, ours);
      expect({ ...served, out: served.out.toString() }).toEqual({ code: 0, out: 'plain /c', err: '' });
      const denied = await ask(`https://no.test:${secure.port}/`, ours);
      expect(denied).toMatchObject({ code: 35, err: expect.stringMatching(/alert access denied/) });
      expect(new Set((await rig.entries(5)).map(({ client }) => client))).toEqual(new Set(['127.0.0.3']));
      expect(new Set((await rig.lines(5)).map(whole))).toEqual(
        new Set([
          `NONE_NONE/000 0 CONNECT bump.test:${secure.port} - HIER_DIRECT/127.0.0.1 -`,
          `TCP_MISS/200 N GET https://bump.test:${secure.port}/a - HIER_DIRECT/127.0.0.1 -`,
          `TCP_TUNNEL/200 N CONNECT splice.test:${secure.port} - HIER_DIRECT/127.0.0.1 -`,
          `TCP_MISS/200 N GET http://plain.test:${plain.port}/c - HIER_DIRECT/127.0.0.1 -`,
          `TCP_DENIED/000 0 CONNECT no.test:${secure.port} - HIER_NONE/- -`,
        ]),
      );
    }
    await secure.close();
    await plain.close();
  });
});
