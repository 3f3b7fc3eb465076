// Squid with ssl_bump, its cache off, minting with the same kind of key as everybody here.

import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { DOMAIN, type Ground, HOSTS } from '../ground.ts';
import { untilListening } from '../processes.ts';
import { missingProgram, type Peer, saidVersion } from './peer.ts';

const SQUID = '/usr/sbin/squid';
const CERTGEN = '/usr/lib/squid/security_file_certgen';

export const squid: Peer = {
  name: 'squid',
  carries: ({ operation }) => operation !== 'stream',
  note: 'cache off; logs in its native format; refuses on a port without ssl-bump, since it would bump to refuse',
  missing: ({ nameServer }) => {
    if (!existsSync(CERTGEN)) return 'not installed (Debian: squid-openssl)';
    if (nameServer.port !== 53) return 'it asks name servers on port 53 only, which the bench may not bind';
    return missingProgram(SQUID, 'squid-openssl');
  },
  version: () => saidVersion(SQUID, ['-v'], /(?<=Version )\S+/),
  start: async (ground, folder) => {
    const { processes, certificates } = ground;
    const [bumpPort, plainPort] = [await freePort(), await freePort()];
    const conf = join(folder, 'squid.conf');
    const log = join(folder, 'squid.log');
    copyFileSync(certificates.root, join(folder, 'root.pem'));
    copyFileSync(certificates.peerCa.both, join(folder, 'ca.pem'));
    writeFileSync(conf, confOf(ground, folder, bumpPort, plainPort));
    mkdirSync(join(folder, 'run'));
    execFileSync(CERTGEN, ['-c', '-s', join(folder, 'certs'), '-M', '16MB'], { stdio: 'pipe' });
    handToSquidsUser(folder);
    // A service name of its own, since names in shared memory are made from it.
    const child = processes.start(SQUID, ['-N', '-n', `b${process.pid}x${bumpPort}`, '-f', conf], log);
    return {
      pid: await untilListening(child, plainPort, log),
      ca: certificates.peerCa.cert,
      reverse: false,
      portFor: ({ way }) => (way === 'refuse' || way === 'plain' ? plainPort : bumpPort),
      stop: () => processes.stop(child),
    };
  },
};

function confOf({ nameServer }: Ground, folder: string, bumpPort: number, plainPort: number): string {
  return `http_port 127.0.0.1:${bumpPort} ssl-bump tls-cert=${folder}/ca.pem tls-key=${folder}/ca.pem generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
http_port 127.0.0.1:${plainPort}
sslcrtd_program ${CERTGEN} -s ${folder}/certs -M 16MB
sslcrtd_children 4 startup=2 idle=1
tls_outgoing_options cafile=${folder}/root.pem
dns_nameservers ${nameServer.address}
hosts_file none
access_log stdio:${folder}/access.log squid
cache_log ${folder}/cache.log
pid_filename ${folder}/run/squid.pid
coredump_dir ${folder}
cache deny all
cache_mem 8 MB
max_filedescriptors 16384
pinger_enable off
netdb_filename none
logfile_rotate 0
shutdown_lifetime 0 seconds
visible_hostname squid.test
acl step1 at_step SslBump1
acl spliced ssl::server_name ${HOSTS.splice}
acl allowed dstdomain -n .${DOMAIN}
http_access allow allowed
http_access deny all
ssl_bump peek step1
ssl_bump splice spliced
ssl_bump bump all
`;
}

/** Started by root, Squid becomes the user it was built for, who must own what it reads and writes. */
function handToSquidsUser(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'proxy'], { encoding: 'utf8' }));
  const [uid, gid] = [id('-u'), id('-g')];
  const inside = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const path of [folder, ...inside.map((name) => join(folder, name))]) chownSync(path, uid, gid);
}
