// A squid.conf decides alike in Squid itself and in ours: one file, two proxies, a thousand requests that are made up, from
// several addresses, plain and through tunnels, decrypted and not.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { hasSquid } from '../support/squid.ts';
import { ask, HAS_IPV6, type Question, startAlike } from '../support/squid-alike.ts';
import { TestCa } from '../support/test-ca.ts';

const ADDRESS = '127.0.0.2';
const NAMES = [
  'a.test',
  'www.a.test',
  'deep.www.a.test',
  'b.test',
  'ab.test',
  'mirror.b.test',
  'bank.c.test',
  'c.test',
];
const CLIENTS = ['127.0.0.5', '127.0.0.6', '127.0.0.17', '127.0.0.18', '127.0.0.33', ...(HAS_IPV6 ? ['::1'] : [])];
const PATHS = ['/', '/v2/', '/v2/x', '/v2', '/v1/x', '/v2/x?q=1', '/up/load'];
const METHODS = ['GET', 'GET', 'GET', 'POST', 'HEAD'];
/** At the same time, of each proxy. */
const AT_ONCE = 8;

const ca = new TestCa('Alike Authority');
const root = new TestCa('Alike Root');
const origins: Origin[] = [];
/** Two of each, so that there is one in every list and one that is not. */
let plain: readonly number[] = [];
let secure: readonly number[] = [];

beforeAll(async () => {
  if (!hasSquid) return;
  const leaf = root.leaf({ san: NAMES.map((name) => `DNS:${name}`).join(',') });
  const answer = (
    _: unknown,
    response: { writeHead: (status: number, fields: Record<string, string>) => { end: (text: string) => void } },
  ) => response.writeHead(200, { 'X-Origin': 'yes' }).end('yes');
  for (let at = 0; at < 2; at += 1) {
    origins.push(await httpOrigin(answer, ADDRESS), await httpsOrigin(leaf, answer, ADDRESS));
  }
  plain = origins.filter((_, at) => at % 2 === 0).map(({ port }) => port);
  secure = origins.filter((_, at) => at % 2 === 1).map(({ port }) => port);
});
afterAll(async () => {
  for (const origin of origins) await origin.close();
});

/** Numbers that look random and are the same in every run (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * sides);
  };
}

const ACLS = (): string[] => [
  'acl few src 127.0.0.5 127.0.0.6',
  'acl six src ::1',
  'acl every src 0.0.0.0/0',
  'acl range src 127.0.0.16-127.0.0.31',
  'acl masked src 127.0.0.32/255.255.255.248',
  'acl tree dstdomain -n .a.test',
  'acl one dstdomain -n b.test www.a.test',
  'acl cs dstdomain -n .c.test',
  'acl ending dstdom_regex -n -i (^|\\.)mirror\\.b\\.test$ ^ab\\.test$',
  // Its dots are any characters, and yet no other name of these is meant by it.
  'acl loose dstdom_regex -n ^www.a.test$',
  `acl number dstdomain -n ${ADDRESS}`,
  `acl first port ${plain[0]} ${secure[0]}`,
  `acl tls port ${secure.join(' ')}`,
  'acl reading method GET HEAD',
  'acl posting method POST',
  `acl v2 url_regex ^http://b\\.test:${plain[0]}/v2/ ^https://b\\.test:${secure[0]}/v2/`,
  'acl either any-of tree posting',
  'acl both all-of few one',
  'acl both all-of range !tree',
  'acl step1 at_step SslBump1',
  'acl named ssl::server_name .c.test',
];
const TERMS = [
  'few',
  'six',
  'every',
  'loose',
  'number',
  'range',
  'masked',
  'tree',
  'one',
  'cs',
  'ending',
  'first',
  'tls',
  'reading',
  'posting',
  'either',
  'both',
  'CONNECT',
  'all',
];

const BY_HAND: Readonly<Record<string, { lines: readonly string[]; bumps: boolean }>> = {
  'ports, networks and names': {
    bumps: false,
    lines: [
      'http_access deny !first',
      'http_access deny CONNECT !tls',
      'http_access deny range !tree',
      'http_access allow few',
      'http_access allow range',
      'http_access allow masked one',
      'http_access allow six loose',
      'http_access allow number reading',
      'http_access deny every',
    ],
  },
  'denials, and what is left is allowed': {
    bumps: false,
    lines: ['http_access deny posting !few', 'http_access deny cs !masked', 'http_access deny either range'],
  },
  'all decrypted, and URLs decided on': {
    bumps: true,
    lines: [
      'http_access deny posting cs',
      'http_access allow CONNECT few',
      'http_access allow few v2',
      'http_access allow few tree reading',
      'http_access allow masked',
      'http_access deny all',
      'ssl_bump server-first all',
    ],
  },
  'some decrypted, some not, some closed': {
    bumps: true,
    lines: [
      'http_access deny ending range',
      'http_access allow few',
      'http_access allow range reading',
      'http_access allow range CONNECT',
      'http_access deny all',
      'ssl_bump peek step1',
      'ssl_bump splice named',
      'ssl_bump bump all',
    ],
  },
};

/** Lists that nobody would write: what they mean is clear all the same. */
function madeUp(seed: number): readonly string[] {
  const roll = dice(seed);
  return Array.from({ length: 4 + roll(5) }, () => {
    const terms = Array.from({ length: 1 + roll(3) }, () => `${roll(4) === 0 ? '!' : ''}${TERMS[roll(TERMS.length)]}`);
    return `http_access ${roll(2) === 0 ? 'allow' : 'deny'} ${terms.join(' ')}`;
  });
}

const CASES = [
  ...Object.entries(BY_HAND).map(([name, { lines, bumps }], at) => ({
    name,
    lines: () => lines,
    bumps,
    seed: 100 + at,
  })),
  ...[1, 2, 3, 4].map((seed) => ({ name: `a list made up (${seed})`, lines: () => madeUp(seed), bumps: false, seed })),
  ...[5, 6].map((seed) => ({
    name: `a list made up, decrypted (${seed})`,
    lines: () => [...madeUp(seed), 'ssl_bump bump all'],
    bumps: true,
    seed,
  })),
];
const EACH = 100;
/** How often Squid gave each, in all cases. */
const answers = new Map<string, number>();

describe.skipIf(!hasSquid)('a squid.conf in Squid and here (skipped where Squid is not installed)', () => {
  test.each(CASES)('$name: 100 requests are decided alike', { timeout: 120_000 }, async ({ lines, bumps, seed }) => {
    const hosts = Object.fromEntries(NAMES.map((name) => [name, ADDRESS]));
    const alike = await startAlike({ lines: [...ACLS(), ...lines()], bumps, hosts, ca, root: root.root });
    try {
      const roll = dice(seed * 7_919);
      const questions = Array.from({ length: EACH }, (): Question => {
        const isSecure = roll(2) === 0;
        return {
          client: CLIENTS[roll(CLIENTS.length)] ?? '',
          secure: isSecure,
          // Squid takes no certificate for an address.
          host: (isSecure ? NAMES : [...NAMES, ADDRESS])[roll(NAMES.length + (isSecure ? 0 : 1))] ?? '',
          port: (isSecure ? secure : plain)[roll(2)] ?? 0,
          method: METHODS[roll(METHODS.length)] ?? '',
          path: PATHS[roll(PATHS.length)] ?? '',
        };
      });
      const ourPort = ({ client }: Question) => (client.includes(':') ? alike.ourPort6 : alike.ourPort) ?? 0;
      const theirs = await askAll(() => alike.squidPort, questions);
      const ours = await askAll(ourPort, questions);
      const told = (answers: readonly string[]) => questions.map((one, at) => `${spelled(one)} → ${answers[at]}`);
      expect(told(ours), alike.yaml).toEqual(told(theirs));
      for (const answer of theirs) answers.set(answer, (answers.get(answer) ?? 0) + 1);
    } finally {
      await alike.close();
    }
  });

  test('there are a thousand of them, some allowed and some denied, and no other answer', () => {
    expect(CASES.length * EACH).toBe(1_000);
    expect([...answers.keys()].sort()).toEqual(['allowed', 'denied']);
    expect(Math.min(...answers.values())).toBeGreaterThan(100);
  });
});

const spelled = ({ client, secure: isSecure, host, port, method, path }: Question): string =>
  `${client} ${method} ${isSecure ? 'https' : 'http'}://${host}:${port}${path}`;

async function askAll(portOf: (question: Question) => number, questions: readonly Question[]): Promise<string[]> {
  const given: string[] = [];
  const lane = async (first: number): Promise<void> => {
    for (let at = first; at < questions.length; at += AT_ONCE) {
      const question = questions[at];
      if (question) given[at] = await ask(portOf(question), question);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => lane(first)));
  return given;
}
