// TLSP-*: origins and clients that would have us speak a weaker TLS than ours, and what is no TLS at all.

import type { Row } from './row.ts';

const tls = <I, E>(id: string, name: string, input: I, expected: E): Row<I, E> => ({
  id,
  area: 'TLS',
  name,
  input,
  expected,
});

/** Options of `openssl s_server`, which is then all the origin there is; `expected` is what the log says of it. */
export interface WeakServer {
  readonly words: readonly string[];
  readonly key?: 'ec' | 'rsa' | 'rsa-1024';
}

const LOOSE = ['-cipher', 'ALL:eNULL:aNULL:@SECLEVEL=0'];
const only = (cipher: string, ...more: string[]): readonly string[] => [
  '-tls1_2',
  '-cipher',
  `${cipher}:@SECLEVEL=0`,
  ...more,
];

export const WEAK_SERVERS: readonly Row<WeakServer, RegExp>[] = [
  tls('TLSP-01', 'TLS 1.0 alone', { words: ['-tls1', ...LOOSE] }, /PROTOCOL/),
  tls('TLSP-01', 'TLS 1.1 alone', { words: ['-tls1_1', ...LOOSE] }, /PROTOCOL/),
  tls('TLSP-01', 'TLS 1.0 and 1.1', { words: ['-no_tls1_2', '-no_tls1_3', ...LOOSE] }, /PROTOCOL/),
  tls('TLSP-02', 'no encryption (NULL-SHA256)', { words: only('NULL-SHA256'), key: 'rsa' }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'no encryption (ECDHE-ECDSA-NULL-SHA)', { words: only('ECDHE-ECDSA-NULL-SHA') }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'no authentication (AECDH)', { words: only('AECDH-AES128-SHA') }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'no authentication (ADH)', { words: only('ADH-AES128-GCM-SHA256') }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'static RSA with AEAD', { words: only('AES128-GCM-SHA256'), key: 'rsa' }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'static RSA with CBC', { words: only('AES256-SHA'), key: 'rsa' }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'static RSA with Camellia', { words: only('CAMELLIA128-SHA'), key: 'rsa' }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'ECDHE with CBC', { words: only('ECDHE-ECDSA-AES128-SHA') }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'ECDHE with CBC and SHA-256', { words: only('ECDHE-ECDSA-AES128-SHA256') }, /HANDSHAKE_FAILURE/),
  tls('TLSP-02', 'ECDHE with CCM', { words: only('ECDHE-ECDSA-AES128-CCM8') }, /HANDSHAKE_FAILURE/),
  tls(
    'TLSP-02',
    'DHE of 1024 bits',
    { words: only('DHE-RSA-AES128-GCM-SHA256', '-dhparam', 'dh1024.pem'), key: 'rsa' },
    /HANDSHAKE_FAILURE/,
  ),
  tls('TLSP-02', 'DHE of 2048 bits', { words: only('DHE-RSA-AES128-GCM-SHA256'), key: 'rsa' }, /HANDSHAKE_FAILURE/),
  tls(
    'TLSP-02',
    'a pre-shared key',
    { words: [...only('PSK-AES128-GCM-SHA256'), '-psk', '0102', '-nocert'] },
    /HANDSHAKE_FAILURE/,
  ),
  tls(
    'TLSP-02',
    'RSA of 1024 bits',
    { words: only('ECDHE-RSA-AES128-GCM-SHA256'), key: 'rsa-1024' },
    /EE_KEY_TOO_SMALL|KEY_TOO_SMALL|unknown/i,
  ),
];

export const STRONG_SERVERS: readonly Row<WeakServer, RegExp>[] = [
  tls('TLSP-02', 'TLS 1.2, ECDHE and AEAD', { words: only('ECDHE-ECDSA-AES128-GCM-SHA256') }, /^TLSv1\.2$/),
  tls(
    'TLSP-02',
    'TLS 1.2, ECDHE, RSA and AEAD',
    { words: only('ECDHE-RSA-AES256-GCM-SHA384'), key: 'rsa' },
    /^TLSv1\.2$/,
  ),
  tls('TLSP-01', 'everything up to TLS 1.3', { words: LOOSE }, /^TLSv1\.3$/),
];

export interface FakeHello {
  /** Of the ServerHello. */
  readonly version: number;
  readonly cipher: number;
  /** Last eight bytes of the random, in hexadecimal. */
  readonly tail?: string;
  readonly compression?: number;
  /** Version of supported_versions. */
  readonly selected?: number;
}

/** Alerts of RFC 8446 section 6. */
const PROTOCOL_VERSION = 70;
const ILLEGAL_PARAMETER = 47;
const ECDHE_ECDSA_AES128_GCM = 0xc02b;

/** A ServerHello that no good server sends; `expected`: our alert. */
export const FAKE_HELLOS: readonly Row<FakeHello, number>[] = [
  tls('TLSP-01', 'SSL 3.0', { version: 0x0300, cipher: ECDHE_ECDSA_AES128_GCM }, PROTOCOL_VERSION),
  tls('TLSP-01', 'TLS 1.0', { version: 0x0301, cipher: ECDHE_ECDSA_AES128_GCM }, PROTOCOL_VERSION),
  tls('TLSP-01', 'TLS 1.1', { version: 0x0302, cipher: ECDHE_ECDSA_AES128_GCM }, PROTOCOL_VERSION),
  tls(
    'TLSP-01',
    'TLS 1.1 by the extension',
    { version: 0x0303, cipher: ECDHE_ECDSA_AES128_GCM, selected: 0x0302 },
    ILLEGAL_PARAMETER,
  ),
  tls('TLSP-02', 'RC4', { version: 0x0303, cipher: 0x0005 }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'RC4 with ECDHE', { version: 0x0303, cipher: 0xc007 }, ILLEGAL_PARAMETER),
  tls('TLSP-02', '3DES', { version: 0x0303, cipher: 0x000a }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'EXPORT', { version: 0x0303, cipher: 0x0003 }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'DHE EXPORT', { version: 0x0303, cipher: 0x0014 }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'NULL', { version: 0x0303, cipher: 0x0000 }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'static RSA', { version: 0x0303, cipher: 0x009c }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'DHE', { version: 0x0303, cipher: 0x009e }, ILLEGAL_PARAMETER),
  tls('TLSP-02', 'compression', { version: 0x0303, cipher: ECDHE_ECDSA_AES128_GCM, compression: 1 }, ILLEGAL_PARAMETER),
  tls(
    'TLSP-04',
    'TLS 1.2 with the mark of a server that can do 1.3',
    { version: 0x0303, cipher: ECDHE_ECDSA_AES128_GCM, tail: '444f574e47524401' },
    ILLEGAL_PARAMETER,
  ),
  tls(
    'TLSP-04',
    'TLS 1.2 with the mark of one that can do 1.2 only',
    { version: 0x0303, cipher: ECDHE_ECDSA_AES128_GCM, tail: '444f574e47524400' },
    ILLEGAL_PARAMETER,
  ),
];

/** Words of `openssl s_client`; `expected`: what is negotiated, or nothing. */
export const CLIENT_OFFERS: readonly Row<readonly string[], string | undefined>[] = [
  tls('TLSP-06', 'SSL 3.0 is not even built in: TLS 1.0', ['-tls1', ...LOOSE], undefined),
  tls('TLSP-06', 'TLS 1.1', ['-tls1_1', ...LOOSE], undefined),
  tls('TLSP-06', 'TLS 1.2', ['-tls1_2'], 'TLSv1.2'),
  tls('TLSP-06', 'TLS 1.3', ['-tls1_3'], 'TLSv1.3'),
  ...[
    'eNULL',
    'aNULL',
    'kRSA',
    'kDHE',
    'kPSK',
    'AES128-SHA',
    'ECDHE+AES128:!AESGCM:!AESCCM',
    'ECDHE+ARIA',
    'ECDHE+CAMELLIA',
    'ECDHE+AESCCM',
    'SRP',
    'IDEA:SEED',
  ].map((cipher) => tls('TLSP-06', `TLS 1.2 with ${cipher} alone`, only(cipher), undefined)),
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'].map((cipher) =>
    tls('TLSP-06', `TLS 1.2 with ${cipher}`, only(cipher), 'TLSv1.2'),
  ),
  tls(
    'TLSP-06',
    'TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256 and a client without ECDSA',
    ['-sigalgs', 'rsa_pss_rsae_sha256', ...only('ECDHE-RSA-AES128-GCM-SHA256')],
    'TLSv1.2',
  ),
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'].map((suite) =>
    tls('TLSP-06', `TLS 1.3 with ${suite}`, ['-tls1_3', '-ciphersuites', suite], 'TLSv1.3'),
  ),
  tls(
    'TLSP-06',
    'TLS 1.3 with TLS_AES_128_CCM_8_SHA256 alone',
    ['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_8_SHA256'],
    undefined,
  ),
  tls(
    'TLSP-06',
    'SHA-1 signatures alone',
    ['-tls1_2', '-cipher', 'ECDHE:@SECLEVEL=0', '-sigalgs', 'ECDSA+SHA1:RSA+SHA1'],
    undefined,
  ),
  tls(
    'TLSP-06',
    'a curve of 192 bits alone',
    ['-tls1_2', '-cipher', 'ECDHE:@SECLEVEL=0', '-groups', 'P-192'],
    undefined,
  ),
];

/** What comes in a tunnel in place of a ClientHello; `expected`: the code in the log. */
export const NO_TLS: readonly Row<string, string>[] = [
  tls('TLSP-09', 'an SSH banner', 'SSH-2.0-OpenSSH_9.9\r\n', 'not-tls'),
  tls('TLSP-09', 'plain HTTP', 'GET / HTTP/1.1\r\nHost: ok.test\r\n\r\n', 'not-tls'),
  tls('TLSP-09', 'a CONNECT', 'CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n', 'not-tls'),
  tls('TLSP-09', 'an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'not-tls'),
  tls(
    'TLSP-09',
    'an SSLv2 hello',
    `\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x01\x00\x80${'\x07'.repeat(40)}`,
    'not-tls',
  ),
  tls('TLSP-09', 'zeros', '\0'.repeat(64), 'not-tls'),
  tls('TLSP-09', 'SMTP', 'EHLO me.test\r\n', 'not-tls'),
  tls('TLSP-09', 'an alert', '\x15\x03\x03\x00\x02\x02\x28', 'not-tls'),
  tls('TLSP-09', 'application data', '\x17\x03\x03\x00\x05hello', 'not-tls'),
  tls(
    'TLSP-09',
    'a handshake message that is no ClientHello',
    '\x16\x03\x01\x00\x04\x02\x00\x00\x00',
    'hello-malformed',
  ),
  tls('TLSP-09', 'a record without end', `\x16\x03\x01\xff\xff${'\0'.repeat(100)}`, 'hello-malformed'),
  tls('TLSP-09', 'half a hello', '\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x03\x03', 'hello-timeout'),
  tls('TLSP-09', 'nothing', '', 'hello-timeout'),
];

/** Server names in a tunnel to ok.test; bytes in Latin-1. `expected`: the code in the log, or that the origin is reached. */
export const SERVER_NAMES: readonly Row<readonly string[] | undefined, string>[] = [
  tls('TLSP-10', 'none', undefined, 'bumped'),
  tls('TLSP-10', 'the name', ['ok.test'], 'bumped'),
  tls('TLSP-10', 'the name in upper case', ['OK.TEST'], 'bumped'),
  tls('TLSP-10', 'the name with a trailing dot', ['ok.test.'], 'bumped'),
  tls('TLSP-10', 'an empty one', [''], 'hello-malformed'),
  tls('TLSP-10', '256 bytes', ['a'.repeat(256)], 'hello-malformed'),
  tls('TLSP-10', '16,000 bytes', ['a'.repeat(16_000)], 'hello-malformed'),
  tls('TLSP-10', 'a NUL', ['ok.test\0.evil.test'], 'hello-malformed'),
  tls('TLSP-10', 'two names', ['ok.test', 'ok.test'], 'hello-malformed'),
  tls('TLSP-10', 'a path', ['../../x'], 'sni-mismatch'),
  tls('TLSP-10', 'an absolute path', ['/etc/passwd'], 'sni-mismatch'),
  tls('TLSP-10', 'CR LF', ['ok.test\r\nx'], 'sni-mismatch'),
  tls('TLSP-10', 'quotes', ['"ok.test"'], 'sni-mismatch'),
  tls('TLSP-10', 'a wildcard', ['*.test'], 'sni-mismatch'),
  tls('TLSP-10', 'an address', ['127.0.0.2'], 'sni-mismatch'),
  tls('TLSP-10', 'a port', ['ok.test:443'], 'sni-mismatch'),
  tls('TLSP-10', 'markup', ['<script>'], 'sni-mismatch'),
  tls('TLSP-10', 'a name of every object', ['__proto__'], 'sni-mismatch'),
  tls('TLSP-10', 'bytes that are no ASCII', ['\xff\xfe.test'], 'sni-mismatch'),
];
