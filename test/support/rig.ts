// A whole proxy in this process, on a port the system chose, with its logs in a folder of their own, and raw clients for
// it. Names go to loopback by `hosts`; origins are trusted by the test root.

import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/core/limits.ts';
import { MANAGER_CLIENTS, type ManagerOptions } from '../../src/core/manager-options.ts';
import type { RefusalOptions } from '../../src/http/page-style.ts';
import { createServiceLog } from '../../src/log/service-log.ts';
import type { ClientCertificateOptions, ListenOptions, ParentOptions, RouteOptions } from '../../src/net/options.ts';
import type { CaOptions } from '../../src/pki/certificate-authority.ts';
import type { PolicyOptions } from '../../src/policy/policy.ts';
import { type RunningProxy, startProxy } from '../../src/proxy.ts';
import { startSupervised } from '../../src/supervisor/supervisor.ts';
import { openOn } from './tcp-table.ts';

export interface RigOptions {
  readonly policy?: Partial<PolicyOptions>;
  readonly limits?: Partial<Limits>;
  readonly hosts?: Readonly<Record<string, string>>;
  /** Name servers; those of the machine without it. */
  readonly servers?: readonly string[];
  readonly trust?: readonly string[];
  /** The CA, where it is not one of the rig's own. */
  readonly caFiles?: CaOptions;
  /** Paths of revocation lists. */
  readonly crl?: readonly string[];
  readonly via?: string | undefined;
  readonly http2?: boolean;
  readonly allowAddresses?: readonly string[];
  readonly names?: readonly string[];
  readonly onReject?: 'off' | 'suggest' | 'splice';
  readonly clientCertificates?: readonly ClientCertificateOptions[];
  /** Where it listens; a port of the system's choice without it. */
  readonly port?: number;
  readonly parents?: readonly ParentOptions[];
  readonly routes?: readonly RouteOptions[];
  /** What makes its listener another than that of a forward proxy. */
  readonly listen?: Pick<ListenOptions, 'proxyProtocol' | 'transparent'>;
  readonly auth?: Config['auth'];
  readonly manager?: Partial<ManagerOptions>;
  /** Further logs; relative paths are in the folder of the rig. */
  readonly logs?: Config['log']['access'];
  readonly tunnelEvents?: NonNullable<Config['log']['tunnelEvents']>;
  readonly onReload?: Config['onReload'];
  readonly refusals?: RefusalOptions;
}

/** Of one process, this one; or of as many workers as PROXY_WORKERS says. */
export type RigProxy = Omit<RunningProxy, 'renewTickets' | 'prepare' | 'measure' | 'list'>;

/** How many processes a rig has; each has caches of its own. */
export const WORKERS = Number(process.env['PROXY_WORKERS'] ?? 1);

/** One line of the JSON log. */
export type Entry = Readonly<Record<string, unknown>>;

export interface Rig {
  readonly proxy: RigProxy;
  readonly port: number;
  readonly folder: string;
  /** PEM of the CA that clients must trust. */
  readonly ca: string;
  /** The JSON log once it has at least `count` lines; for 0, once no more come. */
  entries(count: number): Promise<Entry[]>;
  /** The native log likewise, with time, elapsed and sizes above zero replaced. */
  lines(count: number): Promise<string[]>;
}

export function rigConfig(folder: string, options: RigOptions = {}): Config {
  return {
    file: join(folder, 'proxy.yaml'),
    listen: [{ address: '127.0.0.1', port: options.port ?? 0, names: options.names ?? [], ...options.listen }],
    workers: 1,
    admin: {
      socket: undefined,
      named: true,
      listen: undefined,
      tokenFile: undefined,
      manager: { clients: MANAGER_CLIENTS, ...options.manager },
    },
    ca: options.caFiles ?? { cert: join(folder, 'ca', 'ca.pem'), key: join(folder, 'ca', 'ca-key.pem') },
    ...(options.auth ? { auth: options.auth } : {}),
    upstream: {
      trust: options.trust ?? ['system'],
      crl: options.crl ?? [],
      clientCertificates: options.clientCertificates ?? [],
      allowAddresses: options.allowAddresses ?? ['127.0.0.0/8'],
      parents: options.parents ?? [],
      routes: options.routes ?? [],
    },
    resolver: { servers: options.servers ?? [], hosts: options.hosts ?? {}, maxTtl: 300_000 },
    via: 'via' in options ? options.via : 'sallyport',
    http2: options.http2 ?? true,
    onReload: options.onReload ?? 'keep',
    rejections: {
      onReject: options.onReject ?? 'suggest',
      state: join(folder, 'state', 'exceptions.json'),
      audit: join(folder, 'audit.log'),
    },
    policy: {
      mode: 'enforce',
      default: 'deny',
      connectPorts: ['1-65535'],
      httpPorts: ['1-65535'],
      tls: 'bump',
      refuse: 'connect',
      rules: [],
      ...options.policy,
    },
    log: {
      access: [
        { path: join(folder, 'access.log'), format: 'squid', moment: 0 },
        { path: join(folder, 'access.json'), format: 'json', moment: 0 },
        ...(options.logs ?? []).map((log) => ({ moment: 0, ...log, path: join(folder, log.path) })),
      ],
      ...(options.tunnelEvents ? { tunnelEvents: options.tunnelEvents } : {}),
      service: { level: process.env['RIG_LOG'] ? 'debug' : 'silent' },
    },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    refusals: options.refusals ?? {},
  };
}

/** Milliseconds in which the lines of what has ended are in their files. */
const SETTLE = 20;

/** Starts a proxy; it is closed when the test that called this has ended, or by `close` of the returned proxy. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const rig = await openRig(options);
  onTestFinished(() => rig.proxy.close(0));
  return rig;
}

/** Like startRig, for a hook that closes it itself. */
export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'rig-'));
  const config = rigConfig(folder, options);
  const proxy = await startAsAsked(config);
  const read = (file: string): string[] => readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1);
  /** What there is so far: the last lines of what has just ended are on their way, since a line comes after its end. */
  const settled = async (file: string): Promise<void> => {
    for (let size = -1, now = 0; now !== size; now = statSync(join(folder, file)).size) {
      size = statSync(join(folder, file)).size;
      await new Promise((resolve) => setTimeout(resolve, SETTLE));
    }
  };
  return {
    proxy,
    port: proxy.addresses[0]?.port ?? 0,
    folder,
    ca: readFileSync(config.ca.cert, 'utf8'),
    entries: async (count) => {
      if (count === 0) await settled('access.json');
      await until(
        () => read('access.json').length >= count,
        `${count} JSON lines`,
        () => read('access.json').join('\n'),
      );
      return read('access.json').map((line): Entry => JSON.parse(line));
    },
    lines: async (count) => {
      if (count === 0) await settled('access.log');
      await until(
        () => read('access.log').length >= count,
        `${count} lines`,
        () => read('access.log').join('\n'),
      );
      return read('access.log').map(normalLine);
    },
  };
}

async function startAsAsked(config: Config): Promise<RigProxy> {
  const service = createServiceLog(config.log.service);
  if (WORKERS === 1) return startProxy(config, service);
  const served = await startSupervised(config, service, WORKERS);
  return {
    ...served,
    get connections() {
      return openOn(served.addresses[0]?.port ?? 0);
    },
  };
}

/** A native line without its time, elapsed time and client; sizes above zero become N, so that zero stays visible. */
export function normalLine(line: string): string {
  const fields = line.trim().split(/ +/).slice(3);
  if (fields[1] !== '0') fields[1] = 'N';
  return fields.join(' ');
}

/** Until the condition holds; fails with what it saw after five seconds, or `limit` milliseconds. */
export async function until(
  condition: () => boolean,
  what: string,
  saw: () => string = () => '',
  limit = 5_000,
): Promise<void> {
  const end = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}; saw:\n${saw()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A connection to the proxy; `localAddress`: of a client at another address of loopback. */
export function dialProxy(port: number, localAddress?: string): Promise<Socket> {
  const from = localAddress === undefined ? {} : { localAddress };
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true, ...from }, () => resolve(socket));
    socket.on('error', reject);
    onTestFinished(() => void socket.destroy());
  });
}

/** Everything that comes until the other side ends or breaks off. */
export function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (): void => resolve(Buffer.concat(chunks).toString('latin1'));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', done);
    socket.once('end', done).once('close', done);
    socket.resume();
  });
}

/** Reads up to and including `mark`; what follows stays on the socket, which is left paused. */
export function readUntil(socket: Socket, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer | string): void => {
      text += typeof chunk === 'string' ? chunk : chunk.toString('latin1');
      const at = text.indexOf(mark);
      if (at < 0) return;
      socket.off('data', onData).off('close', onClose);
      socket.pause();
      const rest = text.slice(at + mark.length);
      if (rest) socket.unshift(Buffer.from(rest, 'latin1'));
      resolve(text.slice(0, at + mark.length));
    };
    const onClose = (): void => reject(new Error(`closed before ${JSON.stringify(mark)}; got ${JSON.stringify(text)}`));
    socket.on('data', onData).once('close', onClose);
    socket.resume();
  });
}

/** Sends bytes on a new connection and reads until the proxy closes it. */
export async function say(port: number, bytes: string | Buffer): Promise<string> {
  const socket = await dialProxy(port);
  socket.write(bytes);
  return readAll(socket);
}

export interface Opened {
  readonly socket: Socket;
  /** Status line and header of the answer to CONNECT. */
  readonly head: string;
}

export async function connectThrough(port: number, authority: string, localAddress?: string): Promise<Opened> {
  const socket = await dialProxy(port, localAddress);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  return { socket, head: await readUntil(socket, '\r\n\r\n') };
}

/** CONNECT and a TLS handshake inside it. Rejects when the handshake fails. `localAddress` as for dialProxy. */
export async function tlsThrough(
  port: number,
  authority: string,
  { localAddress, ...options }: ConnectionOptions & { readonly localAddress?: string | undefined },
): Promise<TLSSocket> {
  const { socket, head } = await connectThrough(port, authority, localAddress);
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered ${head}`);
  return new Promise((resolve, reject) => {
    const host = authority.replace(/:\d+$/, '');
    const tls = connectTls({ socket, host, servername: host, ...options }, () => resolve(tls));
    tls.on('error', reject);
    tls.once('close', () => reject(new Error('closed within the handshake')));
  });
}

/** One GET with `Connection: close`; the whole reply as text. */
export async function get(socket: Socket, host: string, path = '/', extra = ''): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${extra}\r\n`);
  return readAll(socket);
}
