// ClientHellos of real programs and made ones: what is read, at which byte, and what is refused with which reason.

import { spawn } from 'node:child_process';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ClientHello, MAX_CLIENT_HELLO, readClientHello } from '../../src/wire/client-hello.ts';
import {
  catchHello,
  extension,
  type HelloParts,
  handshake,
  hello,
  helloBody,
  hostNames,
  messageIn,
  numbers,
  records,
  vector,
} from '../support/client-hello.ts';

function read(bytes: Uint8Array): ClientHello {
  const reading = readClientHello(bytes);
  if (reading.state !== 'hello') throw new Error(JSON.stringify(reading));
  return reading.hello;
}

const made = (parts: HelloParts = {}): ClientHello => read(hello(parts));
const refusal = (parts: HelloParts) => readClientHello(hello(parts));
const malformed = (reason: string) => ({ state: 'malformed', reason });

/** Starts a program that speaks TLS to the port; how it ends does not matter, its hello does. */
const run = (command: string, args: (port: number) => string[]) => (port: number) => {
  spawn(command, args(port), { stdio: ['ignore', 'ignore', 'ignore'] });
};

/** The system's OpenSSL may be set up to offer older versions as well. */
const MODERN = expect.arrayContaining([0x0304, 0x0303]);

const PYTHON = `
import socket, ssl, sys
context = ssl.create_default_context()
context.set_alpn_protocols(["http/1.1"])
context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="python.test")
`;

const nodeHello = (options: object) => (port: number) => {
  connect({ host: '127.0.0.1', port, ...options }).on('error', () => undefined);
};

describe('the hello of a real program', () => {
  const programs: [string, (port: number) => void, Partial<ClientHello>][] = [
    [
      'curl',
      run('curl', (port) => [
        '-qsk',
        '--http1.1',
        '--noproxy',
        '*',
        '--resolve',
        `curl.test:${port}:127.0.0.1`,
        `https://curl.test:${port}/`,
      ]),
      { serverName: 'curl.test', alpn: ['http/1.1'], versions: MODERN, ecdsa: true },
    ],
    [
      'openssl s_client',
      run('openssl', (port) => ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'openssl.test']),
      { serverName: 'openssl.test', alpn: [], versions: MODERN, ecdsa: true },
    ],
    [
      'openssl s_client of TLS 1.2 without ECDSA',
      run('openssl', (port) => [
        's_client',
        ...['-connect', `127.0.0.1:${port}`, '-noservername', '-tls1_2'],
        ...['-cipher', 'ECDHE-RSA-AES128-GCM-SHA256', '-sigalgs', 'RSA+SHA256', '-alpn', 'a,b'],
      ]),
      { alpn: ['a', 'b'], versions: [0x0303], ecdsa: false, signatureAlgorithms: [0x0401] },
    ],
    [
      'python',
      run('python3', (port) => ['-c', PYTHON, String(port)]),
      { serverName: 'python.test', alpn: ['http/1.1'], versions: MODERN, ecdsa: true },
    ],
    [
      'node',
      nodeHello({ servername: 'node.test', ALPNProtocols: ['http/1.1'] }),
      { serverName: 'node.test', alpn: ['http/1.1'], versions: [0x0304, 0x0303], ecdsa: true },
    ],
    [
      'node of TLS 1.2 with an RSA suite',
      nodeHello({ servername: 'node.test', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
      { serverName: 'node.test', versions: [0x0303], ecdsa: false },
    ],
    [
      'node of TLS 1.2 without the curve of our leaf',
      nodeHello({ servername: 'node.test', maxVersion: 'TLSv1.2', ecdhCurve: 'P-384' }),
      { serverName: 'node.test', versions: [0x0303], ecdsa: false },
    ],
  ];

  test.each(programs)('%s', async (_name, dial, expected) => {
    const bytes = await catchHello(dial);
    const found = read(bytes);
    expect(found).toMatchObject(expected);
    expect('serverName' in found).toBe('serverName' in expected);
    expect(found).toMatchObject({ length: bytes.length, encryptedClientHello: false });
    expect(found.cipherSuites.length).toBeGreaterThan(0);

    for (const part of [bytes, records(messageIn(bytes), 1)]) {
      for (let end = 0; end < part.length; end += 1) {
        const { state } = readClientHello(part.subarray(0, end));
        if (state !== 'more') throw new Error(`${state} at ${end} of ${part.length}`);
      }
      expect(read(part)).toEqual({ ...found, length: part.length });
    }
  });
});

describe('a hello of unusual size', () => {
  const padding = (size: number): HelloParts => ({
    extensions: [extension(0, hostNames('a.test')), extension(21, new Uint8Array(size))],
  });

  test.each([
    [16_000, 16_384],
    [40_000, 16_384],
    [40_000, 100],
    [10_000, 1],
  ])('padded by %d bytes in records of %d is read whole, and not before', (size, recordSize) => {
    const bytes = hello(padding(size), recordSize);
    for (let end = 0; end < bytes.length; end += 211) {
      expect(readClientHello(bytes.subarray(0, end)).state).toBe('more');
    }
    expect(readClientHello(bytes.subarray(0, -1)).state).toBe('more');
    expect(read(bytes)).toMatchObject({ serverName: 'a.test', length: bytes.length });
  });

  test('beyond 64 KB in all its records is malformed', () => {
    const reason = 'handshake message needs more than 65536 bytes';
    expect(readClientHello(hello(padding(40_000), 5))).toEqual(malformed(reason));
    expect(readClientHello(hello(padding(12_000), 1))).toEqual(malformed(reason));
    expect(MAX_CLIENT_HELLO).toBe(65_536);
  });

  test('with bytes behind it ends where its records end', () => {
    const bytes = hello();
    expect(read(Buffer.concat([bytes, Buffer.from('early data')])).length).toBe(bytes.length);
  });
});

describe('the server name', () => {
  test.each(['ok.test', 'OK.test.', '127.0.0.1', '../../x', 'a\r\nb', '"quoted"', '*.x', 'caf\xe9', 'a'.repeat(255)])(
    '%j is handed on as it stands',
    (name) => {
      const bytes = Buffer.from(name, 'latin1');
      expect(made({ extensions: [extension(0, hostNames(bytes))] }).serverName).toBe(name);
    },
  );

  test('is absent when the extension is', () => {
    expect('serverName' in made({ extensions: null })).toBe(false);
    expect('serverName' in made({ extensions: [] })).toBe(false);
  });

  test.each([
    ['two names', hostNames('a.test', 'b.test'), 'server name list has more than one name'],
    ['the same name twice', hostNames('a.test', 'a.test'), 'server name list has more than one name'],
    ['an empty name', hostNames(''), 'server name is empty'],
    ['a NUL', hostNames('ok.test\0.evil.test'), 'server name has a NUL in it'],
    ['256 bytes', hostNames('a'.repeat(256)), 'server name is longer than 255 bytes'],
    ['an empty list', vector(2, []), 'server name list ends early'],
    ['an empty extension', [], 'extension 0 ends early'],
    [
      'a name of another kind',
      vector(2, [1, ...vector(2, [97])]),
      'server name list has a name that is not a host name',
    ],
    ['a list too long for its extension', [0, 9, 0, 0, 1, 97], 'extension 0 ends early'],
    ['a name too long for its list', vector(2, [0, 0, 9, 97]), 'server name list ends early'],
    ['bytes behind the list', [...hostNames('a.test'), 0], 'extension 0 has bytes left over'],
  ])('with %s is malformed', (_what, data, reason) => {
    expect(refusal({ extensions: [extension(0, data)] })).toEqual(malformed(reason));
  });

  test('in a second extension is malformed', () => {
    const twice = [extension(0, hostNames('a.test')), extension(0, hostNames('b.test'))];
    expect(refusal({ extensions: twice })).toEqual(malformed('list of extensions has extension 0 twice'));
  });
});

describe('extensions that nobody reads', () => {
  test.each([5, 31, 32, 37, 63, 64, 99, 0xff01])('of the number %i are malformed when they come twice', (type) => {
    const twice = [extension(type, []), extension(35, [1]), extension(type, [1])];
    expect(refusal({ extensions: twice })).toEqual(malformed(`list of extensions has extension ${type} twice`));
  });

  test('are told from each other, also those whose numbers are 32 apart', () => {
    const types = [1, 5, 31, 32, 33, 37, 63, 64, 69, 95, 96, 0xff01];
    expect(made({ extensions: types.map((type) => extension(type, [])) })).toMatchObject({ alpn: [] });
  });
});

describe('what else is read', () => {
  test('GREASE is skipped in every list', () => {
    const found = made({
      cipherSuites: [0xfafa, 0x1301, 0x0a1a],
      extensions: [
        extension(0x2a2a, []),
        extension(13, vector(2, numbers(0x4a4a, 0x0403))),
        extension(16, vector(2, [...vector(1, [0x1a, 0x1a]), ...vector(1, Buffer.from('h2'))])),
        extension(43, vector(1, numbers(0x3a3a, 0x0304, 0x0303))),
        extension(0xfafa, [0]),
      ],
    });
    expect(found).toMatchObject({
      alpn: ['h2'],
      versions: [0x0304, 0x0303],
      cipherSuites: [0x1301, 0x0a1a],
      signatureAlgorithms: [0x0403],
    });
  });

  test.each([
    [0x0301, [0x0301]],
    [0x0303, [0x0303]],
    [0x0304, [0x0303]],
  ])('legacy version 0x%s alone offers what TLS 1.2 makes of it', (version, versions) => {
    expect(made({ version }).versions).toEqual(versions);
  });

  test('supported_versions outweighs the legacy version', () => {
    expect(made({ version: 0x0303, extensions: [extension(43, vector(1, numbers(0x0304)))] }).versions).toEqual([
      0x0304,
    ]);
  });

  test('an encrypted hello is seen, whatever is in it', () => {
    expect(made({ extensions: [extension(0xfe0d, [1, 2, 3])] }).encryptedClientHello).toBe(true);
    expect(made().encryptedClientHello).toBe(false);
  });

  test('a hello without any extension is one of TLS 1.2', () => {
    expect(made({ extensions: null, cipherSuites: [0xc02f] })).toEqual({
      alpn: [],
      versions: [0x0303],
      cipherSuites: [0xc02f],
      signatureAlgorithms: [],
      ecdsa: false,
      encryptedClientHello: false,
      length: hello({ extensions: null, cipherSuites: [0xc02f] }).length,
    });
  });
});

describe('whether the client takes an ECDSA leaf', () => {
  const algorithms = (...list: number[]) => extension(13, vector(2, numbers(...list)));
  const groups = (...list: number[]) => extension(10, vector(2, numbers(...list)));
  const versions = (...list: number[]) => extension(43, vector(1, numbers(...list)));
  const ECDSA = [0xc02b, 0xc02f];
  const RSA = [0xc02f, 0x009c];

  test.each<[string, boolean, number[], number[][]]>([
    ['1.3 with ecdsa_secp256r1_sha256', true, [0x1301], [versions(0x0304), algorithms(0x0804, 0x0403)]],
    ['1.3 with RSA algorithms only', false, [0x1301], [versions(0x0304), algorithms(0x0804, 0x0401)]],
    ['1.3 with another curve only', false, [0x1301], [versions(0x0304), algorithms(0x0503)]],
    ['1.3 with SHA-1 only', false, [0x1301], [versions(0x0304), algorithms(0x0203)]],
    ['1.3 without algorithms', false, [0x1301], [versions(0x0304)]],
    ['1.3 and 1.2, ECDSA suites but RSA algorithms', false, ECDSA, [versions(0x0304, 0x0303), algorithms(0x0804)]],
    ['1.2 with suite and algorithm', true, ECDSA, [algorithms(0x0403)]],
    ['1.2 with suite and SHA-1', true, ECDSA, [algorithms(0x0203)]],
    ['1.2 with suite, no algorithms', true, ECDSA, []],
    ['1.2 with suite, RSA algorithms', false, ECDSA, [algorithms(0x0401)]],
    ['1.2 with algorithm, RSA suites', false, RSA, [algorithms(0x0403)]],
    ['1.2 said by supported_versions', true, ECDSA, [versions(0x0303), algorithms(0x0403)]],
    ['1.2 with the curve', true, ECDSA, [algorithms(0x0403), groups(29, 23)]],
    ['1.2 without the curve', false, ECDSA, [algorithms(0x0403), groups(29, 24)]],
    ['1.3 without the curve', true, [0x1301], [versions(0x0304), algorithms(0x0403), groups(29)]],
    ['1.2 with ChaCha20', true, [0xcca9], [algorithms(0x0403)]],
    ['1.2 with RC4 as the only ECDSA suite', false, [0xc007, 0xc02f], [algorithms(0x0403)]],
  ])('%s: %s', (_what, expected, cipherSuites, extensions) => {
    expect(made({ cipherSuites, extensions }).ecdsa).toBe(expected);
  });
});

describe('malformed', () => {
  test.each<[string, HelloParts, string]>([
    ['a major version that is not 3', { version: 0x0203 }, 'ClientHello is of TLS major version 2'],
    [
      'a session id of 33 bytes',
      { sessionId: new Uint8Array(33) },
      'ClientHello has a session id longer than 32 bytes',
    ],
    ['no cipher suite', { cipherSuites: [] }, 'list of cipher suites is empty'],
    ['no compression method', { compressions: [] }, 'ClientHello has no compression method'],
    ['bytes behind the extensions', { rest: [0] }, 'ClientHello has bytes left over'],
    ['half a length of extensions', { extensions: null, rest: [0] }, 'ClientHello ends early'],
    ['extensions cut short', { extensions: null, rest: [0, 9, 0, 0] }, 'ClientHello ends early'],
    ['an extension cut short', { extensions: [[0, 99, 0, 9, 1]] }, 'list of extensions ends early'],
    [
      'an unknown extension twice',
      { extensions: [extension(99, []), extension(99, [])] },
      'list of extensions has extension 99 twice',
    ],
    [
      'an odd list of algorithms',
      { extensions: [extension(13, vector(2, [4, 3, 8]))] },
      'list of signature algorithms ends early',
    ],
    [
      'an empty list of algorithms',
      { extensions: [extension(13, vector(2, []))] },
      'list of signature algorithms is empty',
    ],
    ['an empty list of versions', { extensions: [extension(43, vector(1, []))] }, 'list of versions is empty'],
    ['an empty list of groups', { extensions: [extension(10, vector(2, []))] }, 'list of groups is empty'],
    ['bytes behind the versions', { extensions: [extension(43, [2, 3, 4, 0])] }, 'extension 43 has bytes left over'],
    ['an empty ALPN list', { extensions: [extension(16, vector(2, []))] }, 'ALPN list is empty'],
    ['an empty ALPN name', { extensions: [extension(16, vector(2, [0]))] }, 'ALPN name is empty'],
  ])('%s', (_what, parts, reason) => {
    expect(refusal(parts)).toEqual(malformed(reason));
  });

  test('a body that is cut short at any byte', () => {
    const body = helloBody({ extensions: [extension(0, hostNames('a.test')), extension(43, [2, 3, 4])] });
    const withoutExtensions = helloBody({ extensions: null }).length;
    for (let end = 0; end < body.length; end += 1) {
      const { state } = readClientHello(records(handshake(1, body.slice(0, end))));
      if (state !== (end === withoutExtensions ? 'hello' : 'malformed')) throw new Error(`${state} at ${end}`);
    }
  });
});

describe('hostile bytes', () => {
  let real: Buffer;
  beforeAll(async () => {
    real = await catchHello(nodeHello({ servername: 'node.test', ALPNProtocols: ['h2'] }));
  });

  /** Every answer must be one of the three, and no hello may claim more bytes than there are. */
  const judge = (bytes: Uint8Array): string => {
    const reading = readClientHello(bytes);
    if (reading.state === 'hello') expect(reading.hello.length).toBeLessThanOrEqual(bytes.length);
    if (reading.state === 'malformed') expect(reading.reason).toMatch(/^[\x20-\x7e]{8,80}$/);
    return reading.state;
  };

  test('no change of a single byte makes it throw', () => {
    const states = new Set<string>();
    for (let at = 0; at < real.length; at += 1) {
      const old = real[at] ?? 0;
      for (const value of [0, 1, 0x7f, 0x80, 0xff, old ^ 1, old ^ 0x80, old + 1]) {
        real[at] = value;
        states.add(judge(real));
      }
      real[at] = old;
    }
    expect([...states].sort()).toEqual(['hello', 'malformed', 'more']);
  });

  test('nor any number of changes, cuts and additions', () => {
    const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 8 }),
        fc.nat(),
        fc.uint8Array({ maxLength: 8 }),
        (changes, cut, tail) => {
          const bytes = Buffer.concat([real.subarray(0, real.length - (cut % 16)), tail]);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          judge(bytes);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('nor any bytes at all, as a stream, as a message, as extensions', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        judge(bytes);
        judge(records(handshake(1, bytes), 64));
        judge(hello({ extensions: null, rest: vector(2, bytes) }));
        for (const type of [0, 10, 13, 16, 43]) judge(hello({ extensions: [extension(type, bytes)] }));
      }),
      { numRuns: 1_000 },
    );
  });
});
