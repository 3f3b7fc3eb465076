// A real Squid of our own to measure against: its config made from our rules, everything in one folder, on loopback.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RuleOptions } from '../../src/policy/policy.ts';
import { until } from './rig.ts';
import { listenersOn } from './tcp-table.ts';

export const SQUID = '/usr/sbin/squid';
export const CERTGEN = '/usr/lib/squid/security_file_certgen';

/** Tests that need Squid skip themselves where this is false. */
export const hasSquid = existsSync(SQUID) && existsSync(CERTGEN);

export interface SquidOptions {
  /** PEM files of the CA that Squid mints with. */
  readonly ca: { readonly cert: string; readonly key: string };
  /** PEM file of the roots it trusts origins by. */
  readonly trust: string;
  /** Name → address. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Our rules; hosts, urls, action, tls and refuse are understood. What matches none is denied. */
  readonly rules: readonly RuleOptions[];
  /** Lines of squid.conf before those made of the rules. */
  readonly first?: readonly string[];
  /** Further lines of squid.conf; `FOLDER` stands for Squid's folder. */
  readonly extra?: readonly string[];
}

export interface Squid {
  readonly host: string;
  readonly port: number;
  /** Never bumps. On the other port Squid shows every denial of a CONNECT by bumping, here by a 403. */
  readonly plainPort: number;
  /** Where its logs are. */
  readonly folder: string;
  /** Complete lines of the access log so far. */
  accessLines(): Promise<string[]>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

export async function startSquid(options: SquidOptions): Promise<Squid> {
  const folder = await mkdtemp(join(tmpdir(), 'squid-'));
  const [port, plainPort] = [await freePort(), await freePort()];
  await copyFile(options.ca.cert, join(folder, 'ca.pem'));
  await copyFile(options.ca.key, join(folder, 'ca-key.pem'));
  await copyFile(options.trust, join(folder, 'trust.pem'));
  await writeFile(
    join(folder, 'hosts'),
    Object.entries(options.hosts)
      .map(([name, ip]) => `${ip} ${name}\n`)
      .join(''),
  );
  await writeFile(join(folder, 'squid.conf'), squidConf(folder, [port, plainPort], options));
  await mkdir(join(folder, 'run'));
  execFileSync(CERTGEN, ['-c', '-s', join(folder, 'certs'), '-M', '4MB'], { stdio: 'pipe' });
  await handToSquidsUser(folder);

  // A service name of its own, since names in shared memory are made from it.
  const name = `t${process.pid}x${port}`;
  const child = spawn(SQUID, ['-N', '-d', '1', '-n', name, '-f', join(folder, 'squid.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // SIGTERM, not SIGKILL: what Squid keeps in shared memory outlives it otherwise.
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  try {
    await untilListening(child, [port, plainPort]);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    plainPort,
    folder,
    accessLines: async () => (await readFile(join(folder, 'access.log'), 'latin1')).split('\n').slice(0, -1),
    stop: async () => {
      process.off('exit', kill);
      if (child.exitCode === null && child.signalCode === null) {
        kill();
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true });
    },
  };
}

function squidConf(folder: string, [port, plainPort]: readonly [number, number], options: SquidOptions): string {
  const lines = [
    `http_port 127.0.0.1:${port} ssl-bump tls-cert=${folder}/ca.pem tls-key=${folder}/ca-key.pem generate-host-certificates=on dynamic_cert_mem_cache_size=4MB`,
    `http_port 127.0.0.1:${plainPort}`,
    `sslcrtd_program ${CERTGEN} -s ${folder}/certs -M 4MB`,
    'sslcrtd_children 2 startup=1 idle=1',
    `tls_outgoing_options cafile=${folder}/trust.pem`,
    `hosts_file ${folder}/hosts`,
    `access_log stdio:${folder}/access.log squid`,
    `cache_log ${folder}/cache.log`,
    `pid_filename ${folder}/run/squid.pid`,
    `coredump_dir ${folder}`,
    'cache deny all',
    'pinger_enable off',
    'netdb_filename none',
    'logfile_rotate 0',
    'shutdown_lifetime 0 seconds',
    'visible_hostname squid.test',
    'acl step1 at_step SslBump1',
    ...(options.first ?? []),
    ...options.rules.flatMap(ruleLines),
    'http_access deny all',
    'ssl_bump splice all',
    ...(options.extra ?? []),
  ];
  return `${lines.join('\n').replaceAll('FOLDER', folder)}\n`;
}

/** One of our rules in Squid's words. How a CONNECT is refused depends on the port, not on the rule. */
function ruleLines(rule: RuleOptions, index: number): string[] {
  const hosts = (rule.hosts ?? []).join(' ');
  const lines: string[] = [];
  for (const url of rule.urls ?? []) lines.push(`acl url${index} url_regex ^${globSource(url)}$`);
  if (rule.urls) lines.push(`http_access ${rule.action} url${index}`);
  if (hosts === '') return lines;
  lines.push(`acl host${index} dstdomain -n ${hosts}`, `acl name${index} ssl::server_name ${hosts}`);
  lines.push(`http_access ${rule.action} host${index}`);
  const tls = rule.action === 'allow' ? (rule.tls ?? 'bump') : 'bump';
  if (tls === 'bump') lines.push(`ssl_bump peek step1 name${index}`, `ssl_bump bump name${index}`);
  else lines.push(`ssl_bump ${tls} step1 name${index}`);
  return lines;
}

function globSource(glob: string): string {
  return glob
    .split('**')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*'))
    .join('.*');
}

/** Started by root, Squid becomes the user it was built for, who must own what it reads and writes. */
export async function handToSquidsUser(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'proxy'], { encoding: 'utf8' }));
  const [uid, gid] = [id('-u'), id('-g')];
  const inside = await readdir(folder, { recursive: true });
  for (const path of [folder, ...inside.map((name) => join(folder, name))]) await chown(path, uid, gid);
}

/**
 * Until so many addresses of each port are listened on. Squid says that it accepts connections before it listens, and to ask
 * by a connection would leave a line in the log.
 */
export async function untilListening(child: ChildProcess, ports: readonly number[], addresses = 1): Promise<void> {
  let said = '';
  let failure: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.once('error', ({ message }) => (failure = message));
  child.once('exit', (code) => (failure = `it ended with ${code}`));
  await until(
    () => failure !== undefined || ports.every((port) => listenersOn(port) >= addresses),
    'Squid to listen',
    () => said,
    20_000,
  );
  if (failure !== undefined) throw new Error(`Squid does not listen, ${failure}:\n${said}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
