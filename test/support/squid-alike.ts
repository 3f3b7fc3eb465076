// A real Squid and a proxy of ours that run from one squid.conf, side by side on loopback, and a client that asks both.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { createServiceLog } from '../../src/log/service-log.ts';
import { startProxy } from '../../src/proxy.ts';
import { CERTGEN, freePort, handToSquidsUser, SQUID, untilListening } from './squid.ts';
import { importPolicy } from './squid-policy.ts';
import type { TestCa } from './test-ca.ts';

export const HAS_IPV6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

export interface AlikeOptions {
  /** `http_access`, `acl`, `ssl_bump`. */
  readonly lines: readonly string[];
  readonly bumps: boolean;
  /** Name → address. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Of both proxies. */
  readonly ca: TestCa;
  /** PEM of the root of the origins: a proxy does not trust origins by its own. */
  readonly root: string;
}

export interface Alike {
  readonly squidPort: number;
  readonly ourPort: number;
  /** On `::1`, where this machine has it; Squid has the same port on both. */
  readonly ourPort6: number | undefined;
  /** Of ours. */
  readonly yaml: string;
  close(): Promise<void>;
}

export async function startAlike(options: AlikeOptions): Promise<Alike> {
  const [theirs, ours] = [prepare('squid', await freePort(), options), prepare('ours', 0, options)];
  if (options.bumps) execFileSync(CERTGEN, ['-c', '-s', join(theirs, 'certs'), '-M', '4MB'], { stdio: 'pipe' });
  const squidPort = Number(
    /^http_port 127\.0\.0\.1:(\d+)/m.exec(readFileSync(join(theirs, 'squid.conf'), 'utf8'))?.[1],
  );
  await handToSquidsUser(theirs);
  const child = spawn(
    SQUID,
    ['-N', '-d', '1', '-n', `a${process.pid}x${squidPort}`, '-f', join(theirs, 'squid.conf')],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  await untilListening(child, [squidPort], HAS_IPV6 ? 2 : 1);
  const { config, yaml } = await importPolicy(join(ours, 'squid.conf'));
  const proxy = await startProxy(
    {
      ...config,
      listen: ['127.0.0.1', ...(HAS_IPV6 ? ['::1'] : [])].map((address) => ({ address, port: 0, names: [] })),
      upstream: { ...config.upstream, allowAddresses: ['127.0.0.0/8'] },
      log: { ...config.log, service: { level: 'silent' } },
    },
    createServiceLog({ level: 'silent' }),
  );
  return {
    squidPort,
    ourPort: proxy.addresses[0]?.port ?? 0,
    ourPort6: proxy.addresses[1]?.port,
    yaml,
    close: async () => {
      await proxy.close(0);
      process.off('exit', kill);
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        kill();
        await ended;
      }
      for (const folder of [theirs, ours]) await rm(folder, { recursive: true });
    },
  };
}

/** A folder with the squid.conf and what it names. */
function prepare(name: string, port: number, { lines, bumps, hosts, ca, root }: AlikeOptions): string {
  const folder = mkdtempSync(join(tmpdir(), `alike-${name}-`));
  mkdirSync(join(folder, 'run'));
  const both = readFileSync(ca.rootFile, 'utf8') + readFileSync(join(ca.folder, 'root.key'), 'utf8');
  writeFileSync(join(folder, 'ca.pem'), both, { mode: 0o600 });
  writeFileSync(join(folder, 'root.pem'), root);
  const rows = Object.entries(hosts).map(([host, address]) => `${address} ${host}\n`);
  writeFileSync(join(folder, 'hosts'), rows.join(''));
  const places = ['127.0.0.1', ...(HAS_IPV6 ? ['[::1]'] : [])].map((place) => `http_port ${place}:${port}`);
  const bump = bumps
    ? [
        ...places.map((place) => `${place} ssl-bump cert=${folder}/ca.pem generate-host-certificates=on`),
        `sslcrtd_program ${CERTGEN} -s ${folder}/certs -M 4MB`,
        'sslcrtd_children 2 startup=1 idle=1',
        `tls_outgoing_options cafile=${folder}/root.pem`,
      ]
    : places;
  const text = [
    ...bump,
    `hosts_file ${folder}/hosts`,
    `access_log stdio:${folder}/access.log squid`,
    `cache_log ${folder}/cache.log`,
    `pid_filename ${folder}/run/squid.pid`,
    `coredump_dir ${folder}`,
    'cache deny all',
    'pinger_enable off',
    'netdb_filename none',
    'shutdown_lifetime 0 seconds',
    'visible_hostname squid.test',
    ...lines,
    '',
  ].join('\n');
  writeFileSync(join(folder, 'squid.conf'), text);
  return folder;
}

export interface Question {
  readonly client: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
}

/** Milliseconds for one of them, handshakes and all. */
const PATIENCE = 10_000;

/** `allowed`: the origin has answered; `denied`: a 403, before or inside the tunnel; `closed`: not a word. */
export async function ask(proxy: number, question: Question): Promise<string> {
  const { client, secure, host, port, method, path } = question;
  const socket = connect({ host: client.includes(':') ? '::1' : '127.0.0.1', port: proxy, localAddress: client });
  socket.setTimeout(PATIENCE, () => socket.destroy()).on('error', () => undefined);
  try {
    const body = method === 'POST' ? 'Content-Length: 0\r\n' : '';
    const head = (target: string) =>
      `${method} ${target} HTTP/1.1\r\nHost: ${host}:${port}\r\n${body}Connection: close\r\n\r\n`;
    if (!secure) return outcome(await exchange(socket, head(`http://${host}:${port}${path}`)));
    const opened = await exchange(socket, `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`, true);
    if (!opened.startsWith('HTTP/1.1 200')) return outcome(opened);
    // Whose certificate it is does not matter here.
    const tls = connectTls({ socket, servername: host, rejectUnauthorized: false }).on('error', () => undefined);
    return outcome(await exchange(tls, head(path)));
  } finally {
    socket.destroy();
  }
}

function outcome(reply: string): string {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(reply)?.[1];
  if (status === '200') return /\r\nX-Origin: yes\r\n/i.test(reply) ? 'allowed' : 'answered by the proxy';
  return status === '403' ? 'denied' : (status ?? 'closed');
}

/** What comes in reply; `head`: no more than its head. */
function exchange(socket: Socket, request: string, head = false): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const take = (piece: Buffer): void => {
      text += piece.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      if (head) socket.off('data', take);
      resolve(text);
    };
    socket
      .on('data', take)
      .once('end', () => resolve(text))
      .once('close', () => resolve(text));
    socket.write(request);
  });
}
