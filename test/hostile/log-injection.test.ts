// Hostile bytes in everything that is logged, through a whole proxy, and all of its logs read by a program that knows
// their formats and nothing of us: one line for each transaction, every field in its place, every byte to be had back.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOG_FORMATS, type LogFormatName } from '../../src/log/log-format.ts';
import { createServiceLog } from '../../src/log/service-log.ts';
import { openCertificateAuthority } from '../../src/pki/certificate-authority.ts';
import { certificatePem } from '../../src/pki/certificate-fields.ts';
import { mintLeaf } from '../../src/pki/leaf.ts';
import { makeLeafKey } from '../../src/pki/leaf-key.ts';
import { type RunningProxy, startProxy } from '../../src/proxy.ts';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { configFolder } from '../support/program.ts';
import { connectThrough, get, readAll, rigConfig, say, tlsThrough, until } from '../support/rig.ts';
import { findTool, run } from '../support/run.ts';
import { plainAnswer, type Recorder, record } from './recorder.ts';
import { FORGED, UNITS } from './tables/log-injection.ts';

/** What a line must say; a field that is absent here may say anything. */
interface Sent {
  readonly name: string;
  readonly url?: string;
  readonly agent?: string;
  readonly referer?: string;
  readonly sni?: string;
}

const folder = configFolder().folder;
const certificates = join(folder, 'origin');
const sent: Sent[] = [];
let origin: Recorder;
let secure: Recorder;
let misnamed: Recorder;
let proxy: RunningProxy;
let anchor: string;
let told = '';

const port = (): number => proxy.addresses[0]?.port ?? 0;
const paths = LOG_FORMATS.map((format) => join(folder, format));
const linesOf = (path: string): string[] => readFileSync(path, 'latin1').split('\n').slice(0, -1);

beforeAll(async () => {
  const files = { cert: join(certificates, 'ca.pem'), key: join(certificates, 'ca-key.pem') };
  const { ca } = await openCertificateAuthority(files);
  const key = await makeLeafKey('ec');
  const pairFor = (...names: string[]) => {
    // Not parsed: an origin may have any bytes for a name.
    const hosts = names.map((text) => ({ kind: 'name', text }) as const);
    return { key: key.pem, cert: certificatePem(mintLeaf(ca, key, { hosts, keyType: 'ec' })) };
  };
  origin = await record('127.0.0.2');
  secure = await record('127.0.0.2', pairFor('ok.test'));
  misnamed = await record('127.0.0.2', pairFor(...UNITS.map(({ input }) => input.slice(0, 120))));
  const config = rigConfig(folder, {
    trust: [files.cert],
    hosts: { 'ok.test': '127.0.0.2' },
    allowAddresses: ['127.0.0.2'],
    policy: { rules: [{ name: 'say "yes"\\ 100%', hosts: ['ok.test'], action: 'allow' }] },
  });
  const access = LOG_FORMATS.map((format, at) => ({ path: paths[at] ?? '', format }));
  const service = createServiceLog(
    { level: 'debug' },
    {
      write: (text) => {
        told += text;
      },
    },
  );
  proxy = await startProxy({ ...config, log: { access, service: { level: 'debug' } } }, service);
  anchor = readFileSync(config.ca.cert, 'utf8');
});
afterAll(async () => {
  await Promise.all([proxy.close(0), origin.close(), secure.close(), misnamed.close()]);
});

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const request = (target: string, host: string, more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;
/** Settled before the next one, so that lines come in the order in which things were sent. */
const told1 = async (...lines: Sent[]): Promise<void> => {
  sent.push(...lines);
  await until(() => paths.every((path) => linesOf(path).length >= sent.length), 'the line');
};

async function inUrl(unit: string): Promise<void> {
  const url = `http://ok.test:${origin.port}/a${unit}b`;
  await say(port(), latin1(request(url, `ok.test:${origin.port}`)));
  await told1({ name: 'URL', url });
}
async function inHost(unit: string): Promise<void> {
  await say(port(), latin1(request(`http://a${unit}.test/`, `a${unit}.test`)));
  await told1({ name: 'host', url: `http://a${unit}.test/` });
}
async function inHostField(unit: string): Promise<void> {
  const url = `http://ok.test:${origin.port}/`;
  await say(port(), latin1(request(url, `ok.test:${origin.port}${unit}x`)));
  await told1({ name: 'Host', url });
}
async function inMethod(unit: string): Promise<void> {
  await say(port(), latin1(request('http://ok.test/', 'ok.test').replace('GET', `G${unit}T`)));
  await told1({ name: 'method' });
}
async function inConnect(unit: string): Promise<void> {
  await say(port(), latin1(`CONNECT a${unit}:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n`));
  await told1({ name: 'CONNECT', url: `a${unit}:443` });
}
async function inAgent(unit: string): Promise<void> {
  const url = `http://ok.test:${origin.port}/`;
  const reply = await say(port(), latin1(request(url, `ok.test:${origin.port}`, `User-Agent: a${unit}b\r\n`)));
  await told1({ name: 'User-Agent', ...(reply.startsWith('HTTP/1.1 200') ? { agent: `a${unit}b`, url } : {}) });
}
async function inReferer(unit: string): Promise<void> {
  const url = `http://ok.test:${origin.port}/`;
  const referer = `http://r.test/a${unit}b`;
  const reply = await say(port(), latin1(request(url, `ok.test:${origin.port}`, `Referer: ${referer}\r\n`)));
  await told1({ name: 'Referer', ...(reply.startsWith('HTTP/1.1 200') ? { referer, url } : {}) });
}
async function inReason(unit: string): Promise<void> {
  const url = `http://ok.test:${origin.port}/`;
  origin.answer = (_, socket) => void socket.end(`HTTP/1.1 200 a${unit}b\r\nContent-Length: 0\r\n\r\n`, 'latin1');
  await say(port(), request(url, `ok.test:${origin.port}`));
  await told1({ name: 'reason phrase', url });
}
async function inType(unit: string): Promise<void> {
  const url = `http://ok.test:${origin.port}/`;
  origin.answer = (_, socket) =>
    void socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/a${unit}b\r\nContent-Length: 0\r\n\r\n`, 'latin1');
  await say(port(), request(url, `ok.test:${origin.port}`));
  await told1({ name: 'Content-Type', url });
}
async function inServerName(unit: string): Promise<void> {
  const url = `ok.test:${origin.port}`;
  const { socket } = await connectThrough(port(), url);
  socket.end(hello({ extensions: [extension(0, hostNames(latin1(`a${unit}b`)))] }));
  await readAll(socket);
  // One with a NUL or of more than 255 bytes is none (RFC 6066 section 3).
  await told1({ name: 'server name', url, ...(unit.includes('\0') || unit.length > 253 ? {} : { sni: `a${unit}b` }) });
}
async function inside(unit: string): Promise<void> {
  const authority = `ok.test:${secure.port}`;
  const tls: TLSSocket = await tlsThrough(port(), authority, { ca: anchor });
  tls.write(latin1(request(`/a${unit}b`, authority)));
  await readAll(tls);
  await told1({ name: 'tunnel', url: authority }, { name: 'inside', url: `https://${authority}/a${unit}b` });
}

const PLACES = [
  inUrl,
  inHost,
  inHostField,
  inMethod,
  inConnect,
  inAgent,
  inReferer,
  inReason,
  inType,
  inServerName,
  inside,
];

test.each(UNITS)('$id: $name leaves one line for each transaction, wherever it stands', async ({ input }) => {
  for (const place of PLACES) {
    origin.answer = plainAnswer;
    await place(input);
    expect(paths.map((path) => linesOf(path).length)).toEqual(paths.map(() => sent.length));
  }
});

test('LOG-01/02: names of any bytes in the certificate of an origin stay within their line', async () => {
  const authority = `ok.test:${misnamed.port}`;
  const tls = await tlsThrough(port(), authority, { ca: anchor });
  expect(await get(tls, authority)).toMatch(/^HTTP\/1\.1 503 /);
  await told1({ name: 'tunnel', url: authority }, { name: 'inside', url: `https://${authority}/` });
  expect(misnamed.bytes()).toBe('');
});

describe('LOG-05: the logs, read by a program of its own', () => {
  type Fields = Readonly<Record<string, string | number | undefined>>;
  const logs: Fields[][] = [];
  beforeAll(async () => {
    const python = findTool('python3') ?? expect.fail('no python3');
    const { code, out, err } = await run(python, [join(import.meta.dirname, 'log-reader.py'), ...paths]);
    if (code !== 0) throw new Error(err);
    logs.push(...JSON.parse(out.toString()));
  });

  test('are ASCII, and every line of them can be read', () => {
    expect(logs.map((log) => log.length)).toEqual(paths.map(() => sent.length));
    expect(sent.length).toBeGreaterThan(UNITS.length * PLACES.length);
  });

  /** Percent-decoded, as the reader gives the URLs of the other formats: JSON escapes by itself and has it as it is. */
  const decoded = (text: string): string =>
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  /** The whole, or its begin where it was cut. */
  const isKept = (logged: string, whole: string): boolean =>
    logged === whole || (whole.length > 400 && logged.length > 80 && whole.startsWith(logged.replace(/%\.\.\.$/, '')));

  test('tell each URL as it came, or that it was no request', () => {
    const wrong = sent.flatMap(({ name, url }, at) => {
      if (url === undefined) return [];
      const seen = LOG_FORMATS.flatMap((format, index) => {
        const said = logs[index]?.[at]?.['url'];
        // The log of user agents has no URL.
        if (format === 'useragent') return said === undefined ? [] : ['a URL where none may be'];
        return format === 'json' ? decoded(String(said)) : String(said);
      });
      const fits = seen.every((one) => one === 'error:invalid-request' || isKept(one, decoded(url)));
      return fits ? [] : [{ name, url: url.slice(0, 200), seen: seen.map((one) => one.slice(0, 200)) }];
    });
    expect(wrong).toEqual([]);
  });

  test('give User-Agent, Referer and server name back byte for byte', () => {
    const wrong: unknown[] = [];
    let compared = 0;
    for (const [at, { name, agent, referer, sni }] of sent.entries()) {
      const said = (format: LogFormatName): Fields => logs[LOG_FORMATS.indexOf(format)]?.[at] ?? {};
      const [combined, json] = [said('combined'), said('json')];
      const pairs: [unknown, string | undefined][] = [
        [combined['agent'], agent],
        [json['user_agent'], agent],
        [combined['referer'], referer],
        [json['referer'], referer],
        [said('useragent')['agent'], agent],
        // Squid leaves a percent sign there as it came, as in a URL.
        [said('referrer')['referer'], referer === undefined ? undefined : decoded(referer)],
        [json['sni'], sni],
      ];
      for (const [seen, wanted] of pairs) {
        if (wanted === undefined) continue;
        compared += 1;
        const text = seen === undefined ? 'nothing' : String(seen);
        if (!isKept(text, wanted.trimEnd()))
          wrong.push({ name, wanted: wanted.slice(0, 100), seen: text.slice(0, 100) });
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(100);
  });

  test('have no line that an attacker made', () => {
    for (const log of logs) expect(log.filter(({ client }) => client !== '127.0.0.1')).toEqual([]);
    for (const path of paths) expect(linesOf(path).filter((line) => line.startsWith(FORGED.slice(0, 14)))).toEqual([]);
  });

  test('have the statuses that were sent, the same in each', () => {
    const withStatus = logs.filter((_, index) => !/^(?:referrer|useragent)$/.test(LOG_FORMATS[index] ?? ''));
    const statuses = withStatus.map((log) => log.map(({ status }) => status));
    expect(statuses).toHaveLength(4);
    for (const each of statuses) expect(each).toEqual(statuses[0]);
    expect(new Set(statuses[0]).size).toBeGreaterThan(3);
  });

  test('are no worse than what the service log says beside them, which is JSON in ASCII too', () => {
    const lines = told.split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(0);
    expect(told).toMatch(/^[\n\x20-\x7e]*$/);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) });
    expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

test('afterwards the proxy serves a clean request at once', async () => {
  secure.answer = plainAnswer;
  const authority = `ok.test:${secure.port}`;
  const begin = performance.now();
  expect(await get(await tlsThrough(port(), authority, { ca: anchor }), authority)).toMatch(/^HTTP\/1\.1 200 /);
  expect(performance.now() - begin).toBeLessThan(1_000);
  await until(() => proxy.connections === 0, 'all connections to be closed');
});
