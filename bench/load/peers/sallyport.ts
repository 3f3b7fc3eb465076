// Sallyport as it is started by its users, every check and the log on.

import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { DOMAIN, type Ground, HOSTS } from '../ground.ts';
import { untilListening } from '../processes.ts';
import type { Peer, RunningPeer } from './peer.ts';

const ROOT = join(import.meta.dirname, '../../..');

export interface SallyportOptions {
  /** Node.js options in front of the program. */
  readonly node?: readonly string[];
  readonly workers: number | 'auto';
  /** Rules in front of those of the bench, as YAML of one line each, that match nothing it asks for. */
  readonly rules?: readonly string[];
  /** What `node` loads takes messages. */
  readonly talks?: boolean;
}

export interface RunningSallyport extends RunningPeer {
  readonly child: ChildProcess;
}

export const sallyport: Peer = {
  name: 'sallyport',
  carries: () => true,
  note: 'workers: 1',
  missing: () => undefined,
  version: () => `working copy, Node.js ${process.versions.node}, OpenSSL ${process.versions.openssl}`,
  start: (ground, folder) => startSallyport(ground, folder, { workers: 1 }),
};

export const sallyportAuto: Peer = {
  ...sallyport,
  name: 'sallyport-auto',
  note: 'workers: auto, the default',
  missing: () => (existsSync(join(ROOT, 'src/supervisor')) ? undefined : 'there are no workers yet'),
  start: (ground, folder) => startSallyport(ground, folder, { workers: 'auto' }),
};

export async function startSallyport(
  ground: Ground,
  folder: string,
  options: SallyportOptions,
): Promise<RunningSallyport> {
  const port = await freePort();
  const file = join(folder, 'proxy.yaml');
  const log = join(folder, 'service.log');
  writeFileSync(file, configOf(ground, port, options));
  const child = ground.processes.start(
    process.execPath,
    [...(options.node ?? []), join(ROOT, 'src/main.ts'), 'run', '--config', file],
    log,
    options.talks,
  );
  return {
    child,
    pid: await untilListening(child, port, log),
    ca: join(folder, 'ca.pem'),
    reverse: false,
    portFor: () => port,
    stop: () => ground.processes.stop(child),
  };
}

function configOf(
  { certificates, nameServer, origin }: Ground,
  port: number,
  { workers, rules = [] }: SallyportOptions,
): string {
  return `version: 1
listen: [{ address: 127.0.0.1, port: ${port} }]
workers: ${workers}
ca: { cert: ca.pem, key: ca-key.pem }
# The origin of the bench is on loopback, which the proxy dials only when told so; it may dial nothing else there.
upstream: { trust: [${certificates.root}], allowAddresses: [127.0.0.1/32] }
resolver: { servers: ["${nameServer.address}:${nameServer.port}"] }
policy:
  mode: enforce
  connectPorts: [${origin.tlsPort}, ${origin.h2Port}]
  httpPorts: [${origin.plainPort}]
  rules: [
    ${rules.join('')}
    { name: spliced, hosts: [${HOSTS.splice}], action: allow, tls: splice },
    { name: bumped, hosts: [.${DOMAIN}], action: allow, tls: bump }
  ]
log: { access: { path: access.log, format: squid }, service: { level: info } }
`;
}
