// The origin behind every proxy: nginx, since it costs this machine the least and serves every name.

import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { freePort } from './free-port.ts';
import { type Processes, untilListening } from './processes.ts';

const NGINX = '/usr/sbin/nginx';

/** Size of what `/bulk` answers: enough that a request costs nothing beside it. */
const BULK = 64_000_000;

export interface Origin {
  readonly pid: number;
  readonly tlsPort: number;
  readonly plainPort: number;
  /** TLS with HTTP/2. */
  readonly h2Port: number;
}

export async function startOrigin(processes: Processes, folder: string, certificates: Certificates): Promise<Origin> {
  if (!existsSync(NGINX)) throw new Error('the load bench needs nginx as its origin (Debian: nginx-light)');
  const [tlsPort, plainPort, h2Port] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(join(folder, '1k'), Buffer.alloc(1024, 'x'));
  writeFileSync(join(folder, 'bulk'), '');
  truncateSync(join(folder, 'bulk'), BULK);
  const conf = join(folder, 'nginx.conf');
  const log = join(folder, 'nginx.log');
  writeFileSync(
    conf,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${log} error; worker_rlimit_nofile 16384;
events { worker_connections 16000; }
http {
  access_log off; sendfile on; tcp_nopush off; output_buffers 2 512k; ssl_buffer_size 16k;
  keepalive_requests 1000000000; keepalive_timeout 600s; open_file_cache max=10;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${tlsPort} ssl backlog=4096; listen 127.0.0.1:${plainPort} backlog=4096;
    listen 127.0.0.1:${h2Port} ssl http2 backlog=4096;
    ssl_certificate ${certificates.chain}; ssl_certificate_key ${certificates.chainKey};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m;
    root ${folder};
  }
}
`,
  );
  const pid = await untilListening(processes.start(NGINX, ['-c', conf, '-p', folder], log), tlsPort, log);
  return { pid, tlsPort, plainPort, h2Port };
}
