// FRONT-*: what a connection was opened for, what its ClientHello names and what its requests name must be one.

import type { Row } from './row.ts';

/** The ClientHello of a tunnel; `{P}` is the port of the origin. */
export interface Hello {
  readonly connect: string;
  /** No server name without it; several where there are several. */
  readonly names?: readonly string[];
  /** An Encrypted Client Hello beside it. */
  readonly encrypted?: true;
}

/** `passed`: the origin is reached; `closed`: it is not, and the log has both names. */
export type HelloRow = Row<Hello, { readonly splice: 'passed' | 'closed'; readonly bump: 'passed' | 'closed' }>;

const hello = (id: string, name: string, input: Hello, splice: 'passed' | 'closed', bump = splice): HelloRow => ({
  id,
  area: 'authority',
  name,
  input,
  expected: { splice, bump },
});

export const HELLOS: readonly HelloRow[] = [
  hello('FRONT-01', 'the same name', { connect: 'ok.test', names: ['ok.test'] }, 'passed'),
  hello('FRONT-01', 'the same name, spelled otherwise', { connect: 'ok.test', names: ['OK.test.'] }, 'passed'),
  hello('FRONT-01', 'a name that is not allowed', { connect: 'ok.test', names: ['blocked.test'] }, 'closed'),
  hello('FRONT-01', 'another name that is allowed', { connect: 'ok.test', names: ['other.test'] }, 'closed'),
  hello('FRONT-01', 'a name below it', { connect: 'ok.test', names: ['sub.ok.test'] }, 'closed'),
  hello(
    'FRONT-01',
    'two names, the right one first',
    { connect: 'ok.test', names: ['ok.test', 'blocked.test'] },
    'closed',
  ),
  hello(
    'FRONT-01',
    'two names, the right one last',
    { connect: 'ok.test', names: ['blocked.test', 'ok.test'] },
    'closed',
  ),
  hello('FRONT-01', 'an empty name', { connect: 'ok.test', names: [''] }, 'closed'),
  hello('FRONT-01', 'a name behind a NUL', { connect: 'ok.test', names: ['ok.test\0.blocked.test'] }, 'closed'),
  hello('FRONT-05', 'no name, and the tunnel is for a name', { connect: 'ok.test' }, 'closed', 'passed'),
  hello('FRONT-05', 'no name, and the tunnel is for an address', { connect: '127.0.0.2' }, 'passed'),
  hello('FRONT-05', 'an address for a name', { connect: 'ok.test', names: ['127.0.0.2'] }, 'closed'),
  hello('FRONT-05', 'a name for an address', { connect: '127.0.0.2', names: ['ok.test'] }, 'closed'),
  hello('FRONT-05', 'another address', { connect: '127.0.0.2', names: ['127.0.0.3'] }, 'closed'),
  hello(
    'FRONT-05',
    'an encrypted hello beside the right name',
    { connect: 'ok.test', names: ['ok.test'], encrypted: true },
    'passed',
  ),
  hello(
    'FRONT-05',
    'an encrypted hello below an allowed cover name',
    {
      connect: 'cloudflare-ech.com',
      names: ['cloudflare-ech.com'],
      encrypted: true,
    },
    'closed',
  ),
  hello(
    'FRONT-05',
    'an encrypted hello whose cover name is not the host',
    {
      connect: 'ok.test',
      names: ['cloudflare-ech.com'],
      encrypted: true,
    },
    'closed',
  ),
];

/** A request inside a bumped tunnel to ok.test; `{H}` its authority, `{P}` the port. */
export const INSIDE: readonly Row<string, number>[] = (
  [
    ['FRONT-02', 'another Host', 'GET /x HTTP/1.1\r\nHost: blocked.test\r\n\r\n', 421],
    ['FRONT-02', 'another Host that is allowed', 'GET /x HTTP/1.1\r\nHost: other.test:{P}\r\n\r\n', 421],
    ['FRONT-02', 'the right Host with another port', 'GET /x HTTP/1.1\r\nHost: ok.test:1\r\n\r\n', 421],
    ['FRONT-02', 'the address of the host as Host', 'GET /x HTTP/1.1\r\nHost: 127.0.0.2:{P}\r\n\r\n', 421],
    ['FRONT-02', 'two Hosts', 'GET /x HTTP/1.1\r\nHost: {H}\r\nHost: blocked.test\r\n\r\n', 400],
    [
      'FRONT-03',
      'an absolute URL of another host',
      'GET https://blocked.test/x HTTP/1.1\r\nHost: blocked.test\r\n\r\n',
      421,
    ],
    [
      'FRONT-03',
      'an absolute URL of another host, the right Host',
      'GET https://blocked.test/x HTTP/1.1\r\nHost: {H}\r\n\r\n',
      421,
    ],
    [
      'FRONT-03',
      'an absolute URL of the right host, another Host',
      'GET https://{H}/x HTTP/1.1\r\nHost: blocked.test\r\n\r\n',
      421,
    ],
    ['FRONT-03', 'an absolute URL without TLS', 'GET http://{H}/x HTTP/1.1\r\nHost: {H}\r\n\r\n', 421],
    ['FRONT-03', 'the self-test host', 'GET /x HTTP/1.1\r\nHost: sallyport.internal\r\n\r\n', 421],
    ['FRONT-06', 'CONNECT to another host', 'CONNECT blocked.test:443 HTTP/1.1\r\nHost: blocked.test:443\r\n\r\n', 400],
    ['FRONT-06', 'CONNECT to the same host', 'CONNECT {H} HTTP/1.1\r\nHost: {H}\r\n\r\n', 400],
  ] as const
).map(([id, name, input, expected]) => ({ id, area: 'authority', name, input, expected }));
