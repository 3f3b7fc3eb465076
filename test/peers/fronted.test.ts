// A real load balancer in front: HAProxy says by the PROXY protocol whose connection it passes on; curl says so itself.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpsOrigin } from '../support/origin.ts';
import { startProgram } from '../support/program.ts';
import { startRig, until } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { closedPort } from '../support/socket-pair.ts';
import { TestCa } from '../support/test-ca.ts';

const CURL = findTool('curl');
const HAPROXY = findTool('haproxy') ?? ['/usr/sbin/haproxy'].find(existsSync);
const hasBoth = CURL !== undefined && HAPROXY !== undefined;
const CLIENT = '127.0.0.3';
const NO_REQUEST = 'error:transaction-end-before-headers';

const curl = (...words: string[]): Promise<Ran> =>
  run(CURL ?? '', ['-sS', '--max-time', '20', '--noproxy', '', '--interface', CLIENT, ...words]);

/** Listens on a port of its own for each way to pass a connection on to `target`. */
async function startHaproxy(target: number, servers: readonly string[]): Promise<number[]> {
  const ports: number[] = [];
  const listeners: string[] = [];
  for (const server of servers) {
    const port = await closedPort();
    ports.push(port);
    listeners.push(`listen l${port}\n  bind 127.0.0.1:${port}\n  server proxy 127.0.0.1:${target} ${server}`);
  }
  const file = join(mkdtempSync(join(tmpdir(), 'haproxy-')), 'haproxy.cfg');
  const timeouts = ['connect', 'client', 'server', 'tunnel'].map((name) => `  timeout ${name} 20s`);
  const defaults = ['defaults', '  mode tcp', ...timeouts];
  writeFileSync(file, ['global', '  maxconn 100', ...defaults, ...listeners, ''].join('\n'));
  startProgram(['-db', '-f', file], { command: HAPROXY ?? '' });
  const last = ports.at(-1) ?? 0;
  let open = false;
  await until(
    () => {
      const probe = connect(last, '127.0.0.1', () => {
        open = true;
        probe.destroy();
      });
      probe.on('error', () => undefined);
      return open;
    },
    'HAProxy',
    () => '',
    20_000,
  );
  return ports;
}

describe.skipIf(!hasBoth)(`behind HAProxy${hasBoth ? '' : ' (skipped: no haproxy or no curl here)'}`, () => {
  test('the client is the one that it tells of, by either version, whatever it adds', async () => {
    const ca = new TestCa();
    const content = randomBytes(5 << 20);
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end(content));
    const rig = await startRig({
      trust: [ca.rootFile],
      hosts: { 'ok.test': '127.0.0.1' },
      listen: { proxyProtocol: { from: ['127.0.0.1'] } },
      policy: { rules: [{ name: 'told', clients: [CLIENT], hosts: ['ok.test'], action: 'allow' }] },
    });
    const ports = await startHaproxy(rig.port, [
      'send-proxy',
      'send-proxy-v2',
      'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority',
    ]);
    const url = `https://ok.test:${origin.port}/`;
    for (const port of ports) {
      const ran = await curl('-x', `http://127.0.0.1:${port}`, '--cacert', join(rig.folder, 'ca', 'ca.pem'), url);
      expect({ code: ran.code, err: ran.err, same: ran.out.equals(content) }).toEqual({ code: 0, err: '', same: true });
    }
    // The probes that found HAProxy open came from 127.0.0.1, and asked for nothing.
    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    const entries = (await rig.entries(6)).filter(({ outcome }) => outcome !== 'no_request');
    expect(entries.map(({ client, outcome }) => `${client} ${outcome}`)).toEqual(
      ports.flatMap(() => [`${CLIENT} bumped`, `${CLIENT} forwarded`]),
    );
    await origin.close();
  });

  test('its own health checks speak for themselves, and leave a line that blames nobody', async () => {
    const rig = await startRig({ listen: { proxyProtocol: { from: ['127.0.0.1'] } } });
    await startHaproxy(rig.port, [
      'send-proxy check inter 50ms',
      'send-proxy-v2 check check-send-proxy inter 50ms',
      'send-proxy-v2 proxy-v2-options crc32c check check-send-proxy inter 50ms',
    ]);
    const entries = await rig.entries(12);
    expect(new Set(entries.map(({ outcome, error }) => `${outcome} ${error}`))).toEqual(
      new Set(['no_request undefined']),
    );
    expect(new Set(await rig.lines(12))).toEqual(new Set([`NONE_NONE/000 0 - ${NO_REQUEST} - HIER_NONE/- -`]));
  });

  test('one that is not trusted is let in with no header and refused with one', async () => {
    const rig = await startRig({ listen: { proxyProtocol: { from: ['192.0.2.1'] } } });
    const [plain = 0, sending = 0] = await startHaproxy(rig.port, ['', 'send-proxy-v2']);
    const page = await curl(`http://127.0.0.1:${plain}/ca.pem`);
    expect({ code: page.code, out: page.out.toString() }).toEqual({ code: 0, out: rig.ca });
    expect((await curl(`http://127.0.0.1:${sending}/ca.pem`)).code).not.toBe(0);
    await until(() => rig.proxy.connections === 0, 'the end of all connections');
    const told = (await rig.entries(2)).map(({ client, outcome, error }) => `${client} ${outcome} ${error}`);
    // The probes that found HAProxy open were passed on, too: with a header, or reset before anybody had looked.
    const seen = new Set(['127.0.0.1 answered undefined', '127.0.0.1 terminated proxy-header']);
    expect(new Set(told.filter((line) => !line.endsWith(' no_request undefined')))).toEqual(seen);
  });
});

describe.skipIf(!CURL)(`curl that says who it is${CURL ? '' : ' (skipped: no curl here)'}`, () => {
  test('is believed where it is trusted, and refused where not', async () => {
    const trusting = await startRig({ listen: { proxyProtocol: { from: [CLIENT] } } });
    const believed = await curl('--haproxy-protocol', `http://127.0.0.1:${trusting.port}/ca.pem`);
    expect({ code: believed.code, out: believed.out.toString() }).toEqual({ code: 0, out: trusting.ca });
    expect((await curl(`http://127.0.0.1:${trusting.port}/ca.pem`)).code).not.toBe(0);
    expect((await trusting.entries(2)).map(({ client, outcome, error }) => [client, outcome, error])).toEqual([
      [CLIENT, 'answered', undefined],
      [CLIENT, 'terminated', 'proxy-header'],
    ]);

    const doubting = await startRig({ listen: { proxyProtocol: { from: ['127.0.0.1'] } } });
    expect((await curl('--haproxy-protocol', `http://127.0.0.1:${doubting.port}/ca.pem`)).code).not.toBe(0);
    const own = await curl(`http://127.0.0.1:${doubting.port}/ca.pem`);
    expect({ code: own.code, out: own.out.toString() }).toEqual({ code: 0, out: doubting.ca });
    expect((await doubting.entries(2)).map(({ outcome, error }) => [outcome, error])).toEqual([
      ['terminated', 'proxy-header'],
      ['answered', undefined],
    ]);
  });
});
