// A reset at any moment, from either side, costs that connection only: afterwards the same proxy serves as before, holds
// no connection and no descriptor, and has met no fault of its own.

import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServiceLog } from '../../src/log/service-log.ts';
import { type RunningProxy, startProxy } from '../../src/proxy.ts';
import { type CuttingRelay, type Piece, startCuttingRelay } from '../support/cutting-relay.ts';
import { httpsOrigin } from '../support/origin.ts';
import { rigConfig, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

/** Positions that are tried at least, on each side and in each way. */
const MIN_POSITIONS = 60;
const ASKED = 6_000;
const ANSWERED = 40_000;
const TIMEOUT = 60_000;

const ca = new TestCa();

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe.skipIf(process.platform !== 'linux').each(['bump', 'splice'] as const)('in a %s', (tls) => {
  test.each(['client', 'origin'] as const)(
    'a reset of the %s at any byte costs one connection',
    {
      timeout: TIMEOUT,
    },
    async (side) => {
      const world = await openWorld(tls);
      const relay = side === 'client' ? world.clientRelay : world.originRelay;
      const base = descriptors();

      expect(await world.exchange()).toBe(ANSWERED);
      const positions = positionsIn(relay.seen.pieces);
      expect(positions.length).toBeGreaterThanOrEqual(MIN_POSITIONS);

      for (const position of positions) {
        await world.originRelay.drop();
        relay.cutAt(position);
        const got = await world.exchange();
        // Where nothing of the request had left yet, the proxy may have asked again on a new connection.
        if (relay.seen.connections === 1) expect(got).not.toBe(ANSWERED);
        else
          expect({ side, got, connections: relay.seen.connections }).toEqual({
            side: 'origin',
            got: ANSWERED,
            connections: 2,
          });
        expect(relay.seen.hasCut).toBe(true);
        relay.cutAt(Number.POSITIVE_INFINITY);
      }

      const begin = performance.now();
      expect(await world.exchange()).toBe(ANSWERED);
      expect(performance.now() - begin).toBeLessThan(1_000);
      await world.originRelay.drop();
      await until(() => world.proxy.connections === 0, 'no connection to be left');
      await until(
        () => descriptors() <= base,
        'every descriptor to be closed',
        () => `${descriptors()} instead of ${base}`,
      );
      expect(world.faults).toEqual([]);
      expect(world.lines().filter((line) => line.error === 'internal')).toEqual([]);
    },
  );
});

/** Both ends of every piece and its middle, and more in the longest pieces: each phase of the exchange has some. */
function positionsIn(pieces: readonly Piece[]): number[] {
  const positions = new Set([0, 1]);
  let at = 0;
  for (const { length } of pieces) {
    const parts = length > 1_000 ? 16 : 8;
    for (let part = 1; part < parts; part += 1) positions.add(at + Math.floor((length * part) / parts));
    positions.add(at + 1).add(at + length - 1);
    at += length;
    positions.add(at);
  }
  // Signatures and tickets differ in length from run to run: the last bytes may not come.
  return [...positions].filter((position) => position < at - 200).sort((a, b) => a - b);
}

interface World {
  readonly proxy: RunningProxy;
  readonly clientRelay: CuttingRelay;
  readonly originRelay: CuttingRelay;
  /** What the proxy has told its operator as faults of its own. */
  readonly faults: readonly string[];
  lines(): { error?: string }[];
  /** CONNECT, TLS, and a POST with its reply; how many bytes of body came, whatever ended it. */
  exchange(): Promise<number>;
}

/** Client, relay, proxy, relay, origin: all in this process, closed when the test ends. */
async function openWorld(tls: 'bump' | 'splice'): Promise<World> {
  const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (request, response) => {
    request.resume().once('end', () => response.end(Buffer.alloc(ANSWERED)));
  });
  const originRelay = await startCuttingRelay(() => origin.port, 'client');
  const folder = mkdtempSync(join(tmpdir(), 'abuse-'));
  const config = rigConfig(folder, {
    trust: [ca.rootFile],
    hosts: { 'ok.test': '127.0.0.1' },
    policy: { rules: [{ name: 'all', hosts: ['ok.test'], action: 'allow', tls }] },
  });
  const faults: string[] = [];
  const ignore = (): void => undefined;
  const service: ServiceLog = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields, message) => void faults.push(`${message}: ${inspect(fields)}`),
  };
  const proxy = await startProxy(config, service);
  const clientRelay = await startCuttingRelay(() => proxy.addresses[0]?.port ?? 0, 'server');
  onTestFinished(async () => {
    await Promise.all([clientRelay.close(), originRelay.close(), origin.close()]);
    await proxy.close(0);
  });
  const authority = `ok.test:${originRelay.port}`;
  const trust = tls === 'bump' ? readFileSync(config.ca.cert, 'utf8') : ca.root;
  return {
    proxy,
    clientRelay,
    originRelay,
    faults,
    lines: () =>
      readFileSync(join(folder, 'access.json'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line): { error?: string } => JSON.parse(line)),
    exchange: () => exchange(clientRelay.port, authority, trust),
  };
}

function exchange(port: number, authority: string, trust: string): Promise<number> {
  return new Promise((resolve) => {
    const tcp = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    let reply = Buffer.alloc(0);
    const over = (): void => {
      tcp.destroy();
      const end = reply.indexOf('\r\n\r\n');
      resolve(end < 0 ? 0 : reply.length - end - 4);
    };
    tcp.on('error', over).once('close', over);
    tcp.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      tcp.off('data', onData);
      const inside = connectTls({ socket: tcp, servername: 'ok.test', ca: trust });
      inside.on('error', over).once('end', over).once('close', over);
      inside.on('data', (part: Buffer) => {
        reply = Buffer.concat([reply, part]);
      });
      inside.write(`POST /x HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\nContent-Length: ${ASKED}\r\n\r\n`);
      inside.write(Buffer.alloc(ASKED));
    };
    tcp.on('data', onData);
  });
}
