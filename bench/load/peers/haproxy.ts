// HAProxy. It has no CONNECT: as a reverse proxy that ends TLS with a certificate made beforehand and opens TLS to the
// origin, it shows how little the work can cost, without tunnel, policy and minting. It could mint, too, but 2.6 with
// OpenSSL 3.0 breaks off the handshake in which it does, so hosts never seen are not asked of it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import type { Ground } from '../ground.ts';
import { untilListening } from '../processes.ts';
import { missingProgram, type Peer, saidVersion } from './peer.ts';

const HAPROXY = '/usr/sbin/haproxy';

export const haproxy: Peer = {
  name: 'haproxy',
  carries: ({ way, host, operation }) => way === 'bump' && host === 'known' && operation !== 'stream',
  note: 'no CONNECT: a reverse proxy with a certificate made beforehand; the limit',
  missing: () => missingProgram(HAPROXY, 'haproxy'),
  version: () => saidVersion(HAPROXY, ['-v'], /(?<=version )\S+/),
  start: async (ground, folder) => {
    const { processes, certificates } = ground;
    const port = await freePort();
    const conf = join(folder, 'haproxy.cfg');
    const log = join(folder, 'haproxy.log');
    writeFileSync(conf, confOf(ground, port));
    const child = processes.start(HAPROXY, ['-db', '-f', conf], log);
    return {
      pid: await untilListening(child, port, log),
      ca: certificates.root,
      reverse: true,
      portFor: () => port,
      stop: () => processes.stop(child),
    };
  },
};

function confOf({ certificates, origin }: Ground, port: number): string {
  return `global
  log stdout format raw local0
  maxconn 8000
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 10m
  timeout server 10m
  timeout http-keep-alive 10m
frontend clients
  bind 127.0.0.1:${port} ssl crt ${certificates.chainAndKey} alpn http/1.1
  default_backend origins
backend origins
  http-reuse always
  server origin 127.0.0.1:${origin.tlsPort} ssl verify required ca-file ${certificates.root} sni ssl_fc_sni alpn http/1.1
`;
}
