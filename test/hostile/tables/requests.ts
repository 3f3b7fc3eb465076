// Requests that are odd but whole: what the client is answered, and what exactly the origin gets. Places as in the table
// of malformed requests.

import type { Row } from './row.ts';

export interface Sent {
  /** The bytes of one connection; the last request of it closes. */
  readonly bytes: string;
  /** Methods of the requests, where a reply cannot be read without them. */
  readonly methods?: readonly string[];
  /** What the origin sends for each whole request; its target as the body without it. */
  readonly answer?: string;
  /** On both sides without it. */
  readonly only?: 'plain' | 'tunnel';
}

export interface Outcome {
  readonly statuses: readonly number[];
  /** Request line, body and trailers of each request, as the origin got them. */
  readonly upstream: readonly string[];
  /** Values of some fields of the first request at the origin. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** Values of some fields of the last reply at the client. */
  readonly replyFields?: Readonly<Record<string, readonly string[]>>;
  /** Lines behind the body of the last reply. */
  readonly replyTrailers?: readonly string[];
}

export type Exchange = Row<Sent, Outcome>;

const START = (method: string, path: string): string => `${method} {U}${path} HTTP/1.1\r\nHost: {H}\r\n`;
const LAST = `${START('GET', '/last')}Connection: close\r\n\r\n`;
const CLOSE = 'Connection: close\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';

const row = (id: string, area: string, name: string, input: Sent, expected: Outcome): Exchange => ({
  id,
  area,
  name,
  input,
  expected,
});

const refused = (status: number): Outcome => ({ statuses: [status], upstream: [] });

/** One GET with some fields; `fields` are looked for at the origin. */
const get = (
  id: string,
  area: string,
  name: string,
  extra: string,
  fields: Outcome['fields'] = {},
  replyFields: Outcome['replyFields'] = {},
  answer?: string,
): Exchange =>
  row(
    id,
    area,
    name,
    {
      bytes: `${START('GET', '/a')}${extra}${/^connection:/im.test(extra) ? '' : CLOSE}\r\n`,
      ...(answer ? { answer } : {}),
    },
    { statuses: [200], upstream: ['GET /a HTTP/1.1'], fields, replyFields },
  );

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n';
const BODILESS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'] as const;

export const EXCHANGES: readonly Exchange[] = [
  row(
    'SMUG-03',
    'smuggling',
    '1,500 fields before a length that frames a second request',
    {
      bytes: `${START('GET', '/a')}${'A: b\r\n'.repeat(1_500)}Content-Length: 46\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n\r\n\r\n\r\n`,
    },
    refused(431),
  ),
  row(
    'SMUG-03',
    'smuggling',
    '1,500 fields before chunks that hide a second request',
    {
      bytes: `${START('GET', '/a')}${'A: b\r\n'.repeat(1_500)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`,
    },
    refused(431),
  ),
  ...BODILESS.flatMap((method) => [
    row(
      'SMUG-04',
      'smuggling',
      `${method} with a body by its length, then another request`,
      {
        bytes: `${START(method, '/a')}Content-Length: 5\r\n\r\nhello${LAST}`,
        methods: [method],
      },
      { statuses: [200, 200], upstream: [`${method} /a HTTP/1.1 | hello`, 'GET /last HTTP/1.1'] },
    ),
    row(
      'SMUG-04',
      'smuggling',
      `${method} with a body in chunks, then another request`,
      {
        bytes: `${START(method, '/a')}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n${LAST}`,
        methods: [method],
      },
      { statuses: [200, 200], upstream: [`${method} /a HTTP/1.1 | hello`, 'GET /last HTTP/1.1'] },
    ),
  ]),
  row(
    'SMUG-04',
    'smuggling',
    'a body that looks like a request',
    {
      bytes: `${START('POST', '/a')}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}${LAST}`,
    },
    {
      statuses: [200, 200],
      upstream: [`POST /a HTTP/1.1 | ${SMUGGLED}`, 'GET /last HTTP/1.1'],
    },
  ),
  get(
    'SMUG-06',
    'smuggling',
    'an upgrade to h2c is stripped',
    'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    { upgrade: [], 'http2-settings': [], connection: ['keep-alive'] },
  ),
  ...['200 OK', '426 Upgrade Required'].map((status) =>
    row(
      'SMUG-06',
      'smuggling',
      `an upgrade to WebSocket that is answered ${status} opens nothing`,
      {
        bytes: `${START('GET', '/ws')}Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
        answer: `HTTP/1.1 ${status}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n`,
      },
      {
        statuses: [Number(status.slice(0, 3))],
        upstream: ['GET /ws HTTP/1.1'],
        fields: { upgrade: ['websocket'], connection: ['Upgrade'] },
        replyFields: { upgrade: [] },
      },
    ),
  ),
  get(
    'SMUG-06',
    'smuggling',
    'of several upgrades only WebSocket goes on',
    'Connection: upgrade, close\r\nUpgrade: h2c, WebSocket, tcp\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
    { upgrade: ['WebSocket'], connection: ['Upgrade'] },
  ),
  get('SMUG-06', 'smuggling', 'an upgrade that Connection does not name stays here', 'Upgrade: websocket\r\n', {
    upgrade: [],
    connection: ['keep-alive'],
  }),
  ...['tcp', 'SPDY/3.1', 'connect-udp', 'h2c, tcp'].map((protocol) =>
    row(
      'SMUG-06',
      'smuggling',
      `an upgrade to ${protocol}`,
      { bytes: `${START('GET', '/a')}Connection: Upgrade, close\r\nUpgrade: ${protocol}\r\n\r\n`, methods: ['GET'] },
      refused(403),
    ),
  ),
  ...(
    [
      ['a WebSocket by POST', 'POST', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'],
      ['a WebSocket without a key', 'GET', ''],
      ['a WebSocket with two keys', 'GET', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'.repeat(2)],
      ['a WebSocket with a body', 'GET', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nContent-Length: 5\r\n'],
    ] as const
  ).map(([name, method, extra]) =>
    row(
      'SMUG-06',
      'smuggling',
      name,
      {
        bytes: `${START(method, '/a')}Connection: Upgrade, close\r\nUpgrade: websocket\r\n${extra}\r\n${extra.includes('Length') ? 'hello' : ''}`,
      },
      refused(400),
    ),
  ),
  get(
    'SMUG-08',
    'smuggling',
    'two Authorization fields pass as they are',
    'Authorization: Basic YQ==\r\nAuthorization: Basic Yg==\r\n',
    { authorization: ['Basic YQ==', 'Basic Yg=='] },
  ),
  get(
    'SMUG-08',
    'smuggling',
    'names that mean something to JavaScript pass as they are',
    '__proto__: a\r\nconstructor: b\r\ntoString: c\r\nX_Under: d\r\n__proto__: e\r\n',
    { ['__proto__']: ['a', 'e'], constructor: ['b'], tostring: ['c'], x_under: ['d'] },
  ),
  get(
    'HTTP-01',
    'semantics',
    'hop-by-hop fields stay on their hop, both ways',
    'Connection: close, x-a, X-B\r\nX-A: 1\r\nx-b: 2\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: X-T\r\nX-C: 3\r\n',
    { 'x-a': [], 'x-b': [], 'keep-alive': [], te: [], trailer: [], 'x-c': ['3'], connection: ['keep-alive'] },
    { 'x-d': [], 'keep-alive': [], 'x-e': ['5'], upgrade: [], connection: ['close'] },
    `${OK}Connection: x-d\r\nX-D: 4\r\nKeep-Alive: timeout=9\r\nUpgrade: x\r\nX-E: 5\r\nContent-Length: 0\r\n\r\n`,
  ),
  row(
    'HTTP-02',
    'semantics',
    'Connection cannot name away what frames or authorises',
    {
      bytes: `${START('POST', '/a')}Connection: close, host, content-length, authorization, transfer-encoding, cookie\r\nAuthorization: Basic YQ==\r\nCookie: a=b\r\nContent-Length: 5\r\n\r\nhello`,
    },
    {
      statuses: [200],
      upstream: ['POST /a HTTP/1.1 | hello'],
      fields: { host: ['{H}'], authorization: ['Basic YQ=='], cookie: ['a=b'], 'content-length': ['5'] },
    },
  ),
  get('HTTP-03', 'semantics', 'Via is begun', '', { via: ['1.1 sallyport'] }, { via: ['1.1 sallyport'] }),
  get('HTTP-03', 'semantics', 'Via is continued', 'Via: 1.0 a, 1.1 b\r\n', { via: ['1.0 a, 1.1 b', '1.1 sallyport'] }),
  get(
    'HTTP-03',
    'semantics',
    'Via is continued after 17',
    Array.from({ length: 17 }, (_, i) => `Via: 1.1 p${i}\r\n`).join(''),
    { via: [...Array.from({ length: 17 }, (_, i) => `1.1 p${i}`), '1.1 sallyport'] },
  ),
  row(
    'HTTP-04',
    'loop',
    'our own Via',
    { bytes: `${START('GET', '/a')}Via: 1.1 a, 1.1 sallyport (x)\r\n${CLOSE}\r\n` },
    refused(508),
  ),
  row(
    'HTTP-05',
    'semantics',
    'OPTIONS that may go no further',
    { bytes: `${START('OPTIONS', '/a')}Max-Forwards: 0\r\n${CLOSE}\r\n` },
    {
      statuses: [200],
      upstream: [],
    },
  ),
  row(
    'HTTP-05',
    'semantics',
    'OPTIONS that may go on is counted down',
    { bytes: `${START('OPTIONS', '/a')}Max-Forwards: 2\r\n${CLOSE}\r\n` },
    {
      statuses: [200],
      upstream: ['OPTIONS /a HTTP/1.1'],
      fields: { 'max-forwards': ['1'] },
    },
  ),
  ...['-1', 'x', '18446744073709551616', '', '1, 1'].map((value) =>
    row(
      'HTTP-05',
      'semantics',
      `OPTIONS with Max-Forwards "${value}"`,
      { bytes: `${START('OPTIONS', '/a')}Max-Forwards: ${value}\r\n\r\n` },
      refused(400),
    ),
  ),
  ...['0', '1', 'x'].map((value) =>
    row(
      'HTTP-05',
      'semantics',
      `TRACE with Max-Forwards ${value}`,
      {
        bytes: `${START('TRACE', '/a')}Max-Forwards: ${value}\r\nCookie: secret\r\n\r\n`,
      },
      { ...refused(405), replyFields: { allow: ['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT'] } },
    ),
  ),
  row(
    'HTTP-07',
    'semantics',
    'an expectation that nobody knows',
    { bytes: `${START('POST', '/a')}Expect: magic\r\nContent-Length: 1\r\n\r\na` },
    refused(417),
  ),
  ...['Expect: 100-continue\r\nExpect: 100-continue\r\n', 'Expect: 100-continue, 100-continue\r\n'].map((expect) =>
    row(
      'HTTP-07',
      'semantics',
      `an expectation said twice, ${JSON.stringify(expect)}`,
      {
        bytes: `${START('POST', '/a')}${expect}${CLOSE}Content-Length: 5\r\n\r\nhello`,
      },
      { statuses: [200], upstream: ['POST /a HTTP/1.1 | hello'], fields: { expect: ['100-continue'] } },
    ),
  ),
  row(
    'HTTP-08',
    'semantics',
    'the answer to HTTP/1.0 has no chunks',
    {
      bytes: 'GET {U}/a HTTP/1.0\r\nHost: {H}\r\n\r\n',
      answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    },
    {
      statuses: [200],
      upstream: ['GET /a HTTP/1.1'],
      fields: { via: ['1.0 sallyport'] },
      replyFields: { 'transfer-encoding': [], 'content-length': [], connection: ['close'] },
    },
  ),
  row(
    'HTTP-08',
    'semantics',
    'HTTP/1.0 gets neither interim replies nor trailers',
    {
      bytes: 'GET {U}/a HTTP/1.0\r\nHost: {H}\r\n\r\n',
      answer: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n`,
    },
    { statuses: [200], upstream: ['GET /a HTTP/1.1'], replyFields: { link: [] }, replyTrailers: [] },
  ),
  row(
    'HTTP-08',
    'semantics',
    'HTTP/1.0 keeps its connection when it asks for that, as long as replies have a length',
    {
      bytes: ['/a', '/b', '/c']
        .map(
          (path) => `GET {U}${path} HTTP/1.0\r\nHost: {H}\r\n${path === '/c' ? '' : 'Connection: Keep-Alive\r\n'}\r\n`,
        )
        .join(''),
    },
    {
      statuses: [200, 200, 200],
      upstream: ['GET /a HTTP/1.1', 'GET /b HTTP/1.1', 'GET /c HTTP/1.1'],
      replyFields: { connection: ['close'] },
    },
  ),
  row(
    'HTTP-08',
    'semantics',
    'HTTP/1.0 does not keep it behind a reply without a length',
    {
      bytes: 'GET {U}/a HTTP/1.0\r\nHost: {H}\r\nConnection: keep-alive\r\n\r\n'.repeat(2),
      answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    },
    { statuses: [200], upstream: ['GET /a HTTP/1.1'], replyFields: { connection: ['close'] } },
  ),
  row(
    'HTTP-08',
    'semantics',
    'HEAD has a length and no body',
    {
      bytes: `${START('HEAD', '/a')}${CLOSE}\r\n`,
      methods: ['HEAD'],
      answer: `${OK}Content-Length: 5\r\n\r\n`,
    },
    { statuses: [200], upstream: ['HEAD /a HTTP/1.1'], replyFields: { 'content-length': ['5'] } },
  ),
  ...[204, 205, 304].map((status) =>
    row(
      'HTTP-08',
      'semantics',
      `${status} has no body`,
      {
        bytes: `${START('GET', '/a')}${CLOSE}\r\n`,
        answer: `HTTP/1.1 ${status} X\r\n\r\n`,
      },
      { statuses: [status], upstream: ['GET /a HTTP/1.1'] },
    ),
  ),
  row(
    'HTTP-08',
    'semantics',
    'trailers of a request pass, but for those that mean something before it',
    {
      bytes: `${START('POST', '/a')}${CLOSE}Transfer-Encoding: chunked\r\nTrailer: Host\r\n\r\n5\r\nhello\r\n0\r\nHost: evil.test\r\nX-T: 1\r\n\r\n`,
    },
    {
      statuses: [200],
      upstream: ['POST /a HTTP/1.1 | hello | X-T: 1'],
      fields: { host: ['{H}'], 'x-t': [], trailer: [] },
    },
  ),
  row(
    'HTTP-08',
    'semantics',
    'trailers of a reply pass, but for those that mean something before it',
    {
      bytes: `${START('GET', '/a')}${CLOSE}\r\n`,
      answer: `${OK}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\nSet-Cookie: a=b\r\nLocation: x\r\nx-u:\r\n\r\n`,
    },
    {
      statuses: [200],
      upstream: ['GET /a HTTP/1.1'],
      replyFields: { 'x-t': [], 'set-cookie': [], trailer: ['X-T'], 'transfer-encoding': ['chunked'] },
      replyTrailers: ['X-T: 1', 'x-u: '],
    },
  ),
  get(
    'HTTP-09',
    'semantics',
    'what is between client and proxy never crosses',
    'Proxy-Authorization: Basic YQ==\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\n',
    { 'proxy-authorization': [], 'proxy-connection': [], 'proxy-authenticate': [] },
    { 'proxy-authenticate': [], 'proxy-connection': [], 'proxy-authentication-info': [] },
    `${OK}Proxy-Authenticate: Basic\r\nProxy-Connection: close\r\nProxy-Authentication-Info: x\r\nContent-Length: 0\r\n\r\n`,
  ),
  ...['Content-Length: 5\r\n\r\nhello', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'].map((rest) =>
    row(
      'HTTP-11',
      'semantics',
      `CONNECT with ${rest.split(':')[0]}`,
      { bytes: `CONNECT {H} HTTP/1.1\r\nHost: {H}\r\n${rest}` },
      refused(400),
    ),
  ),
  row(
    'HTTP-11',
    'semantics',
    'CONNECT without a port',
    { bytes: 'CONNECT ok.test HTTP/1.1\r\nHost: ok.test\r\n\r\n' },
    refused(400),
  ),
  row(
    'HTTP-11',
    'semantics',
    'CONNECT with two spaces',
    { bytes: 'CONNECT  {H} HTTP/1.1\r\nHost: {H}\r\n\r\n' },
    refused(400),
  ),
  row(
    'FRONT-06',
    'authority',
    'CONNECT inside a tunnel',
    {
      bytes: 'CONNECT {H} HTTP/1.1\r\nHost: {H}\r\n\r\n',
      only: 'tunnel',
    },
    refused(400),
  ),
  row(
    'HTTP-13',
    'limits',
    'a target of 8 KB',
    { bytes: `GET {U}/${'a'.repeat(8_191)} HTTP/1.1\r\nHost: {H}\r\n${CLOSE}\r\n` },
    {
      statuses: [200],
      upstream: [`GET /${'a'.repeat(8_191)} HTTP/1.1`],
    },
  ),
  row(
    'HTTP-13',
    'limits',
    'a target of 64 KB',
    { bytes: `GET {U}/${'a'.repeat(65_536)} HTTP/1.1\r\nHost: {H}\r\n\r\n` },
    refused(414),
  ),
  get('HTTP-13', 'limits', 'a field of 16 KB', `X-Long: ${'a'.repeat(16_384)}\r\n`, { 'x-long': ['a'.repeat(16_384)] }),
  row(
    'HTTP-13',
    'limits',
    'a field of 64 KB',
    { bytes: `${START('GET', '/a')}X-Long: ${'a'.repeat(65_536)}\r\n\r\n` },
    refused(431),
  ),
  get('HTTP-13', 'limits', '100 fields', 'X-Many: 1\r\n'.repeat(98), {
    'x-many': Array.from({ length: 98 }, () => '1'),
  }),
  row(
    'HTTP-13',
    'limits',
    '101 fields',
    { bytes: `${START('GET', '/a')}${'X-Many: 1\r\n'.repeat(100)}\r\n` },
    refused(431),
  ),
  row(
    'HTTP-13',
    'limits',
    '2,500 fields',
    { bytes: `${START('GET', '/a')}${'X-Many: 1\r\n'.repeat(2_499)}\r\n` },
    refused(431),
  ),
  get(
    'HTTP-14',
    'limits',
    'X-Forwarded-For with 5,000 entries',
    `X-Forwarded-For: ${Array.from({ length: 5_000 }, () => '10.0.0.1').join(',')}\r\n`,
    { 'x-forwarded-for': [Array.from({ length: 5_000 }, () => '10.0.0.1').join(',')] },
  ),
  get(
    'HTTP-14',
    'limits',
    'a Range of 10,000 parts',
    `Range: bytes=${Array.from({ length: 10_000 }, () => '0-1').join(',')}\r\n`,
    { range: [`bytes=${Array.from({ length: 10_000 }, () => '0-1').join(',')}`] },
  ),
  get('HTTP-14', 'limits', 'a Range to the end of 64 bits', 'Range: bytes=0-18446744073709551615\r\n', {
    range: ['bytes=0-18446744073709551615'],
  }),
  ...['FOO', 'get', 'A'.repeat(1_000)].map((method) =>
    row(
      'HTTP-15',
      'semantics',
      `the method ${method.slice(0, 10)}`,
      { bytes: `${START(method, '/a')}\r\n` },
      refused(400),
    ),
  ),
];
