// KEY-01, KEY-02 and KEY-06: CAs that must keep the proxy from starting. LOG-07: requests that carry secrets and fail.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCa } from '../../../src/pki/create-ca.ts';
import type { Row } from './row.ts';

/** A good CA on disk, in a folder of its own. */
export interface CaOnDisk {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
}

export interface SpoiledCa extends Row<(files: CaOnDisk) => void, RegExp> {
  /** Only root can give a file away. */
  readonly asRoot?: true;
}

const DAY = 24 * 3_600_000;
const STRANGER = 12_345;

function spoiled(id: string, name: string, input: (files: CaOnDisk) => void, expected: RegExp): SpoiledCa {
  return { id, area: 'CA key', name, input, expected };
}

/** `words` of openssl as a CA of its own kind in place of the good one. */
function issued(files: CaOnDisk, ...words: string[]): void {
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x'];
  execFileSync('openssl', [...made, '-keyout', files.key, '-out', files.cert, ...words], { stdio: 'ignore' });
  chmodSync(files.key, 0o600);
}

export const SPOILED_CAS: readonly SpoiledCa[] = [
  spoiled(
    'KEY-01',
    'a key file that others may read',
    ({ key }) => chmodSync(key, 0o644),
    /ca-key\.pem is open to group or others \(mode 0644\); run: chmod 600/,
  ),
  spoiled(
    'KEY-01',
    'a key file that the group may read',
    ({ key }) => chmodSync(key, 0o640),
    /ca-key\.pem is open to group or others \(mode 0640\)/,
  ),
  {
    ...spoiled(
      'KEY-01',
      'a key file of another user',
      ({ key }) => chownSync(key, STRANGER, STRANGER),
      /ca-key\.pem belongs to another user \(uid 12345\); chown/,
    ),
    asRoot: true,
  },
  spoiled(
    'KEY-01',
    'a key file that is a symbolic link',
    ({ key }) => {
      renameSync(key, `${key}.real`);
      symlinkSync(`${key}.real`, key);
    },
    /ca-key\.pem is a symbolic link; name the file itself/,
  ),
  spoiled(
    'KEY-01',
    'a folder that the group may write',
    ({ folder }) => chmodSync(folder, 0o770),
    /writable for group or others \(mode 0770\); run: chmod go-w/,
  ),
  spoiled(
    'KEY-01',
    'a folder that everybody may write',
    ({ folder }) => chmodSync(folder, 0o777),
    /writable for group or others \(mode 0777\)/,
  ),
  {
    ...spoiled(
      'KEY-01',
      'a folder of another user',
      ({ folder }) => chownSync(folder, STRANGER, STRANGER),
      /belongs to another user \(uid 12345\)/,
    ),
    asRoot: true,
  },
  spoiled(
    'KEY-06',
    'a CA that has expired',
    ({ cert, key }) => {
      const made = createCa({ now: new Date(Date.now() - 3_651 * DAY) });
      writeFileSync(cert, made.certificate);
      writeFileSync(key, made.key, { mode: 0o600 });
    },
    /ca\.pem has expired on .*; replace it/,
  ),
  spoiled(
    'KEY-06',
    'a CA that is not valid yet',
    ({ cert, key }) => {
      const made = createCa({ now: new Date(Date.now() + 3 * DAY) });
      writeFileSync(cert, made.certificate);
      writeFileSync(key, made.key, { mode: 0o600 });
    },
    /ca\.pem is valid from .* only; correct the clock or wait/,
  ),
  spoiled(
    'KEY-06',
    'the key of another CA',
    ({ key }) => writeFileSync(key, createCa().key, { mode: 0o600 }),
    /ca-key\.pem is not the key of the certificate in .*ca\.pem/,
  ),
  spoiled(
    'KEY-06',
    'a leaf for a CA',
    (files) => issued(files, '-addext', 'basicConstraints=critical,CA:FALSE'),
    /ca\.pem is not a CA \(basicConstraints CA:TRUE\)/,
  ),
  spoiled(
    'KEY-06',
    'a CA that may not sign certificates',
    (files) => issued(files, '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,cRLSign'),
    /ca\.pem may not sign certificates/,
  ),
  spoiled(
    'KEY-02',
    'an encrypted key without its passphrase',
    ({ key }) => {
      const locked = execFileSync('openssl', ['pkey', '-in', key, '-aes-256-cbc', '-passout', 'pass:open sesame']);
      writeFileSync(key, locked, { mode: 0o600 });
    },
    /ca-key\.pem is encrypted; name the file of its passphrase as ca\.passphraseFile/,
  ),
  spoiled(
    'KEY-06',
    'a key that is cut off',
    ({ key }) => writeFileSync(key, readFileSync(key, 'utf8').slice(0, 90)),
    /ca-key\.pem holds no private key/,
  ),
  spoiled(
    'KEY-06',
    'a certificate without its key',
    ({ folder, key }) => renameSync(key, join(folder, 'elsewhere.pem')),
    /ca\.pem is there but its key .*ca-key\.pem is missing/,
  ),
];

/** Part of each secret that a client sends; nothing else has it. */
export const MARK = 'S3CR3T';

const CREDENTIALS = [
  `Authorization: Bearer ${MARK}-bearer`,
  `Cookie: session=${MARK}-cookie; other=${MARK}-crumb`,
  `Proxy-Authorization: Basic ${MARK}basic`,
  `Referer: http://joe:${MARK}-referer@ref.test/from?token=${MARK}-from#${MARK}-fragment`,
].join('\r\n');
const QUERY = `?token=${MARK}-query&x=1`;

export interface PrivateRequest {
  /** Said on a new connection, or within a tunnel to this host. `{P}` is the port of the origin. */
  readonly inside?: 'ok.test' | 'wrong.test' | 'deny.test';
  readonly bytes: string;
  /** What the origin says; the plain answer without it. */
  readonly reply?: string;
}

/** `expected`: the status; 0 where nothing is answered. */
export type PrivateRow = Row<PrivateRequest, number>;

const row = (name: string, expected: number, input: PrivateRequest): PrivateRow => ({
  id: 'LOG-07',
  area: 'secrets',
  name,
  input,
  expected,
});
const ask = (target: string, host: string, more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${CREDENTIALS}\r\n${more}Connection: close\r\n\r\n`;
const plain = (host: string, path = '/'): string => ask(`http://${host}${path}${QUERY}`, host);
const BAD_LENGTHS = 'Content-Length: 1\r\nContent-Length: 2\r\n';

export const PRIVATE_REQUESTS: readonly PrivateRow[] = [
  row('that is passed on', 200, { bytes: plain('ok.test:{P}') }),
  row('that is passed on, inside a tunnel', 200, { inside: 'ok.test', bytes: ask(`/x${QUERY}`, 'ok.test:{P}') }),
  row('that no rule allows', 403, { bytes: plain('no.test') }),
  row('whose path a rule denies', 403, { bytes: plain('ok.test:{P}', '/denied/x') }),
  row('whose path a rule denies, inside a tunnel', 403, {
    inside: 'ok.test',
    bytes: ask(`/denied/x${QUERY}`, 'ok.test:{P}'),
  }),
  row('inside a tunnel that is denied by a page', 403, {
    inside: 'deny.test',
    bytes: ask(`/x${QUERY}`, 'deny.test:{P}'),
  }),
  row('inside a tunnel to an origin with a bad certificate', 503, {
    inside: 'wrong.test',
    bytes: ask(`/x${QUERY}`, 'wrong.test:{P}'),
  }),
  row('for another host than the tunnel', 421, { inside: 'ok.test', bytes: ask(`/x${QUERY}`, 'no.test') }),
  row('to an origin that refuses', 503, { bytes: plain('ok.test:1') }),
  row('to an address that may not be dialled', 403, { bytes: plain('inner.test') }),
  row('with user and password in the URL', 400, {
    bytes: ask(`http://joe:${MARK}-password@ok.test:{P}/${QUERY}`, 'ok.test:{P}'),
  }),
  row('with user and password in Host', 400, { bytes: ask('http://ok.test:{P}/', `joe:${MARK}-password@ok.test:{P}`) }),
  row('with user and password in the URL, inside a tunnel', 400, {
    inside: 'ok.test',
    bytes: ask(`https://joe:${MARK}-password@ok.test:{P}/${QUERY}`, 'ok.test:{P}'),
  }),
  row('with a query that is not allowed', 400, { bytes: ask(`http://ok.test:{P}/${QUERY}\xff`, 'ok.test:{P}') }),
  row('with a fragment', 400, { bytes: ask(`http://ok.test:{P}/#${MARK}-fragment`, 'ok.test:{P}') }),
  row('that is CONNECT with user and password', 400, {
    bytes: `CONNECT joe:${MARK}-password@ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n${CREDENTIALS}\r\n\r\n`,
  }),
  row('that is CONNECT to a host that is not allowed', 403, {
    bytes: `CONNECT no.test:443 HTTP/1.1\r\nHost: no.test:443\r\n${CREDENTIALS}\r\n\r\n`,
  }),
  row('that is CONNECT to a whole URL', 400, {
    bytes: `CONNECT http://joe:${MARK}-password@ok.test/${QUERY} HTTP/1.1\r\nHost: ok.test\r\n\r\n`,
  }),
  row('that is malformed behind its secrets', 400, {
    bytes: `GET http://ok.test:{P}/${QUERY} HTTP/1.1\r\nHost: ok.test:{P}\r\n${CREDENTIALS}\r\nBad Field: ${MARK}-bad\r\n\r\n`,
  }),
  row('that is malformed in a secret', 400, {
    bytes: `GET http://ok.test:{P}/ HTTP/1.1\r\nHost: ok.test:{P}\r\nCookie: ${MARK}-\0\r\n\r\n`,
  }),
  row('that is malformed in its first line', 400, {
    bytes: `GET http://ok.test:{P}/${QUERY} x HTTP/1.1\r\nHost: ok.test\r\n\r\n`,
  }),
  row('with two lengths', 400, { bytes: ask(`http://ok.test:{P}/${QUERY}`, 'ok.test:{P}', BAD_LENGTHS) }),
  row('with a header that is too large', 431, {
    bytes: ask('http://ok.test:{P}/', 'ok.test:{P}', `Cookie: ${`${MARK}-many; `.repeat(8_000)}\r\n`),
  }),
  row('with a URL that is too long', 414, {
    bytes: ask(`http://ok.test:{P}/?${`${MARK}-long`.repeat(8_000)}`, 'ok.test:{P}'),
  }),
  row('with a method that is not served', 405, { bytes: plain('ok.test:{P}').replace('GET', 'TRACE') }),
  row('that comes round', 508, { bytes: ask(`http://ok.test:{P}/${QUERY}`, 'ok.test:{P}', 'Via: 1.1 sallyport\r\n') }),
  row('for a page of ours that does not exist', 400, { bytes: ask(`/none${QUERY}`, 'proxy.test:3128') }),
  row('for a page of ours', 200, { bytes: ask(`/${QUERY}`, 'proxy.test:3128') }),
  row('whose reply is malformed', 502, {
    bytes: plain('ok.test:{P}'),
    reply: `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\nSet-Cookie: ${MARK}-set\r\n\r\n`,
  }),
  row('whose reply is no HTTP', 502, { bytes: plain('ok.test:{P}'), reply: `${MARK}-nonsense\r\n\r\n` }),
  row('whose reply is malformed, inside a tunnel', 502, {
    inside: 'ok.test',
    bytes: ask(`/x${QUERY}`, 'ok.test:{P}'),
    reply: `HTTP/1.1 200 OK\r\nSet-Cookie: ${MARK}-set\r\nBad Field: ${MARK}\r\n\r\n`,
  }),
  row('that is followed by secrets that are no request', 200, {
    bytes: `${plain('ok.test:{P}').replace('Connection: close\r\n', '')}${MARK}-garbage\r\n\r\n`,
  }),
];
