// One scenario for every outcome of the access-log contract: a client that drives any proxy by raw sockets, and the lines
// that Squid 5.7 was measured to write for it. For tests that hold two proxies side by side.

import type { Socket } from 'node:net';
import { clientOf, type OutcomeClient, type ProxyUnderTest, readAll, readUntil } from './outcome-client.ts';
import {
  BARE_PATH,
  type OutcomeHost,
  type OutcomeWorld,
  PRIVATE_PATH,
  SILENT_PATH,
  STREAM_PATH,
} from './outcome-origins.ts';

export interface OutcomeScenario {
  readonly name: string;
  /** Lines of Squid 5.7, normalised as by `normaliseLine`. */
  readonly squid: readonly string[];
  /** Resolves when the client has seen all it waits for. */
  run(client: OutcomeClient): Promise<void>;
}

const EXTRA_LINES_WITHIN = 150;
const DEADLINE = 8000;

/** Plays a scenario and gives the lines that the proxy wrote for it, normalised, in their order. */
export async function playOutcome(
  scenario: OutcomeScenario,
  proxy: ProxyUnderTest,
  world: OutcomeWorld,
): Promise<string[]> {
  const before = (await proxy.accessLines()).length;
  const sockets: Socket[] = [];
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${scenario.name}: the proxy keeps the client waiting`)), DEADLINE);
  try {
    await Promise.race([scenario.run(clientOf(proxy, world, sockets)), late]);
    const end = performance.now() + DEADLINE;
    let lines = (await proxy.accessLines()).slice(before);
    while (lines.length < scenario.squid.length && performance.now() < end) {
      await pause(10);
      lines = (await proxy.accessLines()).slice(before);
    }
    // A line too many shows itself only by time.
    await pause(EXTRA_LINES_WITHIN);
    lines = (await proxy.accessLines()).slice(before);
    return lines.map(normaliseLine);
  } finally {
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  }
}

/**
 * A line without what differs from run to run: time, elapsed and client go, a size above zero becomes `N` (zero says
 * something, so it stays), the port after a name becomes `PORT`.
 */
export function normaliseLine(line: string): string {
  const [result = '', bytes = '', ...rest] = line.trim().split(/ +/).slice(3);
  const tail = rest.join(' ').replace(/(\.test):\d+/g, '$1:PORT');
  return `${result} ${bytes === '0' ? '0' : 'N'} ${tail}`;
}

const GET = (host: string, path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const CLOSE = 'Connection: close\r\n';

const getInside =
  (host: OutcomeHost, path: string): OutcomeScenario['run'] =>
  async (client) => {
    const tls = await client.tls(host);
    tls.write(GET(client.world.authority(host), path, CLOSE));
    await readAll(tls);
  };

const getPlain =
  (host: OutcomeHost): OutcomeScenario['run'] =>
  async (client) => {
    const authority = client.world.authority(host);
    await client.say(GET(authority, `http://${authority}/page?key=1`, CLOSE));
  };

const connectRefused =
  (host: OutcomeHost): OutcomeScenario['run'] =>
  async (client) => {
    const authority = client.world.authority(host);
    await client.say(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${CLOSE}\r\n`, 'refusing');
  };

export const OUTCOMES: readonly OutcomeScenario[] = [
  {
    name: 'a GET with a query inside a bump',
    squid: [
      'NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -',
      'TCP_MISS/200 N GET https://good.test:PORT/items? - HIER_DIRECT/127.0.0.2 text/plain',
    ],
    run: getInside('good.test', '/items?token=1'),
  },
  {
    name: 'three requests inside one bump',
    squid: [
      'NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -',
      'TCP_MISS/200 N GET https://good.test:PORT/1 - HIER_DIRECT/127.0.0.2 text/plain',
      'TCP_MISS/200 N GET https://good.test:PORT/2 - HIER_DIRECT/127.0.0.2 text/plain',
      'TCP_MISS/200 N GET https://good.test:PORT/3 - HIER_DIRECT/127.0.0.2 text/plain',
    ],
    run: async (client) => {
      const tls = await client.tls('good.test');
      const host = client.world.authority('good.test');
      for (const path of ['/1', '/2']) {
        tls.write(GET(host, path));
        await readUntil(tls, 'hello\n');
      }
      tls.write(GET(host, '/3', CLOSE));
      await readAll(tls);
    },
  },
  {
    name: 'a bump without a request',
    squid: ['NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -'],
    run: async (client) => {
      const tls = await client.tls('good.test');
      tls.end();
      await readAll(tls);
    },
  },
  {
    name: 'a splice',
    squid: ['TCP_TUNNEL/200 N CONNECT splice.test:PORT - HIER_DIRECT/127.0.0.7 -'],
    run: async (client) => {
      const tls = await client.tls('splice.test', 'origins');
      tls.write(GET('splice.test', '/', CLOSE));
      await readAll(tls);
    },
  },
  {
    name: 'CONNECT denied by a 403',
    squid: ['TCP_DENIED/403 N CONNECT denied.test:PORT - HIER_NONE/- text/html'],
    run: connectRefused('denied.test'),
  },
  {
    name: 'CONNECT denied by a page inside',
    squid: [
      'TCP_DENIED/200 0 CONNECT denied-page.test:PORT - HIER_NONE/- -',
      'NONE_NONE/403 N GET https://denied-page.test:PORT/x? - HIER_NONE/- text/html',
    ],
    run: getInside('denied-page.test', '/x?y'),
  },
  {
    name: 'a URL denied inside a bump',
    squid: [
      'NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -',
      'TCP_DENIED/403 N GET https://good.test:PORT/private/x - HIER_NONE/- text/html',
    ],
    run: getInside('good.test', PRIVATE_PATH),
  },
  {
    name: 'terminate',
    squid: ['NONE_NONE/000 0 CONNECT terminate.test:PORT - HIER_NONE/- -'],
    run: async (client) => {
      await client.tls('terminate.test').catch(() => undefined);
    },
  },
  {
    name: 'an origin whose certificate has expired',
    squid: [
      'NONE_NONE/200 0 CONNECT expired.test:PORT - HIER_NONE/- -',
      'NONE_NONE/503 N GET https://expired.test:PORT/ - HIER_NONE/- text/html',
    ],
    run: getInside('expired.test', '/'),
  },
  {
    name: 'an origin that vouches for itself',
    squid: [
      'NONE_NONE/200 0 CONNECT selfsigned.test:PORT - HIER_NONE/- -',
      'NONE_NONE/503 N GET https://selfsigned.test:PORT/ - HIER_NONE/- text/html',
    ],
    run: getInside('selfsigned.test', '/'),
  },
  {
    name: 'an origin with a certificate for another name',
    squid: [
      'NONE_NONE/200 0 CONNECT wrongname.test:PORT - HIER_NONE/- -',
      'NONE_NONE/503 N GET https://wrongname.test:PORT/ - HIER_NONE/- text/html',
    ],
    run: getInside('wrongname.test', '/'),
  },
  {
    name: 'a bump to a closed port',
    squid: [
      'NONE_NONE/200 0 CONNECT refused.test:PORT - HIER_DIRECT/127.0.0.6 -',
      'NONE_NONE/503 N GET https://refused.test:PORT/ - HIER_NONE/- text/html',
    ],
    run: getInside('refused.test', '/'),
  },
  {
    name: 'a splice to a closed port',
    squid: ['NONE_NONE/503 0 CONNECT refused-splice.test:PORT - HIER_DIRECT/127.0.0.8 -'],
    run: async (client) => {
      await client.tls('refused-splice.test', 'origins').catch(() => undefined);
    },
  },
  {
    name: 'a plain request to a closed port',
    squid: ['TCP_MISS/503 N GET http://refused-plain.test:PORT/page? - HIER_DIRECT/127.0.0.10 text/html'],
    run: getPlain('refused-plain.test'),
  },
  {
    name: 'a client that leaves before the reply',
    squid: [
      'NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -',
      'TCP_MISS_ABORTED/000 0 GET https://good.test:PORT/silent - HIER_DIRECT/127.0.0.2 -',
    ],
    run: async (client) => {
      const tls = await client.tls('good.test');
      const requested = client.world.requested(SILENT_PATH);
      tls.write(GET(client.world.authority('good.test'), SILENT_PATH));
      await requested;
      tls.destroy();
    },
  },
  {
    name: 'a client that leaves within the body',
    squid: [
      'NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -',
      'TCP_MISS_ABORTED/200 N GET https://good.test:PORT/stream - HIER_DIRECT/127.0.0.2 text/plain',
    ],
    run: async (client) => {
      const tls = await client.tls('good.test');
      tls.write(GET(client.world.authority('good.test'), STREAM_PATH));
      await readUntil(tls, 'xxx');
      tls.destroy();
    },
  },
  {
    name: 'a client that does not trust the leaf',
    squid: ['NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -'],
    run: async (client) => {
      await client.tls('good.test', 'origins').catch(() => undefined);
    },
  },
  {
    name: 'CONNECT and then the end',
    squid: ['NONE_NONE_ABORTED/200 0 CONNECT good.test:PORT - HIER_NONE/- -'],
    run: async (client) => {
      const socket = await client.connect('good.test');
      socket.end();
      await readAll(socket);
    },
  },
  {
    name: 'no bytes at all',
    squid: ['NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -'],
    run: async (client) => {
      const socket = await client.dial();
      socket.end();
      await readAll(socket);
    },
  },
  {
    name: 'a word that is no request',
    squid: ['NONE_NONE/400 N garbage error:invalid-request - HIER_NONE/- text/html'],
    run: async (client) => {
      await client.say('garbage\r\n\r\n');
    },
  },
  {
    name: 'bytes that are no request',
    squid: ['NONE_NONE/400 N - error:invalid-request - HIER_NONE/- text/html'],
    run: async (client) => {
      await client.say('\x01\x02\x7f\r\n\r\n');
    },
  },
  {
    name: 'a plain GET with a query',
    squid: ['TCP_MISS/200 N GET http://plain.test:PORT/page? - HIER_DIRECT/127.0.0.9 text/plain'],
    run: getPlain('plain.test'),
  },
  {
    name: 'a plain GET, denied',
    squid: ['TCP_DENIED/403 N GET http://denied.test:PORT/page? - HIER_NONE/- text/html'],
    run: getPlain('denied.test'),
  },
  {
    name: 'bytes that are not TLS where a bump was to be',
    squid: ['NONE_NONE/200 0 CONNECT good.test:PORT - HIER_NONE/- -'],
    run: async (client) => {
      const socket = await client.connect('good.test');
      socket.write('SSH-2.0-OpenSSH_9.2\r\n');
      await readAll(socket);
    },
  },
  {
    name: 'a plain request where a bump was to be',
    squid: ['NONE_NONE/200 0 CONNECT good.test:PORT - HIER_NONE/- -'],
    run: async (client) => {
      const socket = await client.connect('good.test');
      socket.write(GET(client.world.authority('good.test'), '/', CLOSE));
      await readAll(socket);
    },
  },
  {
    name: 'a plain request whose client leaves before the reply',
    squid: ['TCP_MISS_ABORTED/000 0 GET http://plain.test:PORT/silent - HIER_DIRECT/127.0.0.9 -'],
    run: async (client) => {
      const socket = await client.dial();
      const authority = client.world.authority('plain.test');
      const requested = client.world.requested(SILENT_PATH);
      socket.write(GET(authority, `http://${authority}${SILENT_PATH}`));
      await requested;
      socket.destroy();
    },
  },
  {
    name: 'a reply without a body or a type',
    squid: [
      'NONE_NONE/200 0 CONNECT good.test:PORT - HIER_DIRECT/127.0.0.2 -',
      'TCP_MISS/204 N GET https://good.test:PORT/bare - HIER_DIRECT/127.0.0.2 -',
    ],
    run: getInside('good.test', BARE_PATH),
  },
  {
    name: 'a target in origin form',
    squid: ['NONE_NONE/400 N GET /x - HIER_NONE/- text/html'],
    run: async (client) => {
      await client.say(GET('plain.test', '/x', CLOSE));
    },
  },
];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
