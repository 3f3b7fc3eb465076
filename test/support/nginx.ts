// A real nginx as https origin: static files from a folder, and WebDAV uploads where the module is built in. Everything
// of it is in one folder of its own, on loopback; ended by its own pid.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './rig.ts';
import type { Pair } from './test-ca.ts';

const NGINX = '/usr/sbin/nginx';

/** Tests that need nginx skip themselves where this is false. */
export const hasNginx = existsSync(NGINX);

export interface Nginx {
  readonly port: number;
  /** What it serves; `PUT /upload/…` writes into `upload` below it. */
  readonly root: string;
  /** Whether it takes `PUT /upload/…`. */
  readonly takesUploads: boolean;
  /** `METHOD /path status` of every request so far, each written when its reply is out. */
  requests(): Promise<string[]>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** `directives`: more of its own, for the server. */
export async function startNginx(pair: Pair, { http2 = false, directives = '' } = {}): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'));
  const root = join(folder, 'root');
  const port = await freePort();
  const built = spawnSync(NGINX, ['-V'], { encoding: 'utf8' }).stderr;
  const takesUploads = built.includes('http_dav_module');
  await mkdir(join(root, 'upload'), { recursive: true });
  await writeFile(join(folder, 'cert.pem'), pair.cert);
  await writeFile(join(folder, 'key.pem'), pair.key);
  await writeFile(join(folder, 'nginx.conf'), nginxConf(folder, port, { takesUploads, http2, directives }));
  const child = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  try {
    await untilListening(child, join(folder, 'nginx.pid'));
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return {
    port,
    root,
    takesUploads,
    requests: async () => (await readFile(join(folder, 'access.log'), 'latin1')).split('\n').slice(0, -1),
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

/** One process in the foreground: the pid we have is all there is. */
function nginxConf(
  folder: string,
  port: number,
  { takesUploads, http2, directives }: { takesUploads: boolean; http2: boolean; directives: string },
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  ${temporary.map((name) => `${name}_temp_path ${folder}/temp;`).join('\n  ')}
  log_format short '$request_method $uri $status';
  access_log ${folder}/access.log short;
  types { text/plain txt; }
  default_type application/octet-stream;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port} ssl${http2 ? ' http2' : ''};
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    root ${folder}/root;
    ${directives}
    location /upload/ { ${takesUploads ? 'dav_methods PUT;' : ''} }
  }
}
`;
}

/** It writes its pid only after it has bound its port; asking by a connection would leave traces. */
async function untilListening(child: ChildProcess, pidFile: string): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  await until(
    () => ended || existsSync(pidFile),
    'nginx',
    () => said,
  );
  if (ended) throw new Error(`nginx ended before it listened:\n${said}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
