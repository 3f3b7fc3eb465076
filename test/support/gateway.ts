// A machine that turns the connections of another one around to the proxy, by real iptables, in network namespaces of its
// own: nothing of it is seen or felt outside. Started by askGateway; the other half of this file runs in there.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool, NODE, type Ran, run } from './run.ts';
import { TestCa } from './test-ca.ts';

/** What a client behind the gateway asks for, and whether the proxy's own connections are turned around, too. */
export interface Visit {
  readonly name: string;
  readonly url: string;
  /** By curl; `interception`: trusts our CA, `origin`: that of the origin. */
  readonly trust: 'interception' | 'origin';
  readonly loops?: boolean;
}

export interface Visited {
  readonly name: string;
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Native lines without time and elapsed time, then JSON ones, that this visit left. */
  readonly lines: readonly string[];
  readonly entries: readonly Readonly<Record<string, unknown>>[];
}

/** Address of the one client, and of all origins, on ports 80 and 443. */
export const CLIENT = '10.9.0.2';
export const ORIGIN = '203.0.113.10';
/** Rules of the proxy: `bump.test`, `loop.test`, `splice.test` and plain `http://plain.test` are allowed, all else is denied. */
const RULES = [
  '{ name: decrypt, clients: [10.9.0.0/24], hosts: [bump.test, loop.test, plain.test], action: allow }',
  '{ name: unread, hosts: [splice.test], action: allow, tls: splice }',
];
const NAMES = ['bump.test', 'loop.test', 'splice.test', 'plain.test', 'no.test'];
const PORT = 3129;

/** False where the system does not let us, or iptables is not there. */
export const hasGateway: boolean =
  ['unshare', 'nsenter', 'ip', 'curl'].every((tool) => findTool(tool) !== undefined) &&
  spawnSync('unshare', ['-n', 'sh', '-c', 'ip link add v0 type veth peer name v1 && iptables -t nat -L'], {
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  }).status === 0;

/** Makes the visits, one after another, to a proxy of so many workers. */
export async function askGateway(visits: readonly Visit[], workers: number): Promise<readonly Visited[]> {
  const words = ['-n', NODE, import.meta.filename, JSON.stringify(visits), String(workers)];
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, TMPDIR: tmpdir() };
  const ran = await run('unshare', words, { env });
  if (ran.code !== 0) throw new Error(`the gateway ended with ${ran.code}:\n${ran.err}`);
  return JSON.parse(ran.out.toString());
}

const sh = (line: string): void => void execFileSync('sh', ['-ec', line], { stdio: ['ignore', 'pipe', 'inherit'] });

async function until<T>(look: () => T | undefined | false, what: string): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const seen = look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Two namespaces, this one the gateway of the other; what comes from there to ports 80 and 443 is turned around. */
async function lay(): Promise<ChildProcess> {
  sh(`ip link set lo up; ip addr add ${ORIGIN}/32 dev lo`);
  const client = spawn('unshare', ['-n', 'sleep', '60'], { stdio: 'ignore' });
  const here = readlinkSync('/proc/self/ns/net');
  await until(() => readlinkSync(`/proc/${client.pid}/ns/net`) !== here, 'the namespace of the client');
  sh(`ip link add v0 type veth peer name v1 netns ${client.pid}; ip addr add 10.9.0.1/24 dev v0; ip link set v0 up`);
  sh(`nsenter -t ${client.pid} -n sh -ec '
    ip link set lo up; ip addr add ${CLIENT}/24 dev v1; ip link set v1 up; ip route add default via 10.9.0.1'`);
  sh(`iptables -t nat -A PREROUTING -i v0 -p tcp -m multiport --dports 80,443 -j REDIRECT --to-ports ${PORT}`);
  return client;
}

async function serve(ca: TestCa): Promise<void> {
  const pair = ca.leaf({ san: 'DNS:bump.test,DNS:splice.test' });
  const https = createHttps(pair, (request, response) => response.end(`secure ${request.headers.host}`));
  const http = createHttp((request, response) => response.end(`plain ${request.headers.host}`));
  await new Promise<void>((resolve) => https.listen(443, ORIGIN, resolve));
  await new Promise<void>((resolve) => http.listen(80, ORIGIN, resolve));
}

async function startProxy(ca: TestCa, folder: string, workers: number): Promise<ChildProcess> {
  const file = join(folder, 'proxy.yaml');
  const hosts = NAMES.map((name) => `${name}: ${ORIGIN}`).join(', ');
  writeFileSync(
    file,
    [
      'version: 1',
      `workers: ${workers}`,
      `listen: [{ address: 0.0.0.0, port: ${PORT}, transparent: true }]`,
      'ca: { cert: ca.pem, key: ca-key.pem }',
      `upstream: { trust: [${ca.rootFile}], allowAddresses: [${ORIGIN}] }`,
      `resolver: { hosts: { ${hosts} } }`,
      `policy: { rules: [${RULES.join(', ')}] }`,
      'log: { access: [{ path: access.log, format: squid }, { path: access.json, format: json }] }',
      '',
    ].join('\n'),
  );
  const main = join(import.meta.dirname, '../../src/main.ts');
  const proxy = spawn(NODE, [main, 'run', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  proxy.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => said.includes('"listening"') || proxy.exitCode !== null, 'the proxy');
  if (proxy.exitCode !== null) throw new Error(said);
  return proxy;
}

async function visit(it: Visit, client: ChildProcess, trust: string): Promise<Ran> {
  const { hostname } = new URL(it.url);
  const resolved = [80, 443].flatMap((port) => ['--resolve', `${hostname}:${port}:${ORIGIN}`]);
  const words = ['-sS', '--max-time', '10', '--noproxy', '*', '--cacert', trust, ...resolved, it.url];
  return run('nsenter', ['-t', String(client.pid), '-n', 'curl', ...words]);
}

async function main(visits: readonly Visit[], workers: number): Promise<void> {
  const ca = new TestCa();
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  chmodSync(folder, 0o755);
  const client = await lay();
  await serve(ca);
  const proxy = await startProxy(ca, folder, workers);
  const read = (file: string): string[] => readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1);
  const visited: Visited[] = [];
  try {
    for (const it of visits) {
      const before = [read('access.log').length, read('access.json').length] as const;
      const loop = `OUTPUT -p tcp --dport 443 -j REDIRECT --to-ports ${PORT}`;
      if (it.loops) sh(`iptables -t nat -A ${loop}`);
      const trust = it.trust === 'origin' ? ca.rootFile : join(folder, 'ca.pem');
      const { code, out, err } = await visit(it, client, trust);
      if (it.loops) sh(`iptables -t nat -D ${loop}`);
      // The line of a connection that was visited comes after its end, and no more than these come.
      await until(() => read('access.json').length > before[1] && read('access.log').length > before[0], 'a line');
      for (let size = -1; size !== read('access.json').length; ) {
        size = read('access.json').length;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      visited.push({
        name: it.name,
        code,
        out: out.toString(),
        err,
        lines: read('access.log')
          .slice(before[0])
          .map((line) => line.trim().split(/ +/).slice(2).join(' ')),
        entries: read('access.json')
          .slice(before[1])
          .map((line) => JSON.parse(line)),
      });
    }
  } finally {
    proxy.kill('SIGKILL');
    client.kill('SIGKILL');
  }
  process.stdout.write(JSON.stringify(visited), () => process.exit(0));
}

if (import.meta.main) {
  const [, , visits = '[]', workers = '1'] = process.argv;
  await main(JSON.parse(visits), Number(workers));
}
