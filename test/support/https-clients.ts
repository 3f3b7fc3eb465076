// The real clients that the proxy is tried with: how each is told of a proxy and of a root to trust, and what it says
// when it does not trust. Used by test/peers/clients.test.ts.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool, NODE, type Ran, run } from './run.ts';

export interface Wish {
  /** Of the proxy. */
  readonly proxy: string;
  /** `https://host:port`; it serves `FILE` and, in a git repository `REPOSITORY`, a file of the same name. */
  readonly origin: string;
  /** PEM file of the one root to trust. */
  readonly trust: string;
  /** An empty folder to work in. */
  readonly folder: string;
}

/** How a client lets us know that it does not take our certificate (features.md section P). */
export type Rejection = { readonly alert: string; readonly confidence: 'certain' } | 'without a word';

export interface HttpsClient {
  readonly name: string;
  /** Where its program is; undefined where it is not installed. */
  readonly program: string | undefined;
  /** Its program, as the name of a skipped test says it. */
  readonly tool: string;
  /** What it does when it does not know our CA. */
  readonly rejection: Rejection;
  /** What it then says itself. */
  readonly says: RegExp;
  /** Fetches the file; its bytes are `out`. */
  fetch(program: string, wish: Wish): Promise<Ran>;
}

export const FILE = 'file.bin';
export const REPOSITORY = 'repo.git';

const UNKNOWN_CA = { alert: 'unknown_ca', confidence: 'certain' } as const;

const PYTHON = `
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[2])
for word in sys.argv[3:]:
    if word == 'strict': context.verify_flags |= ssl.VERIFY_X509_STRICT
    if word == 'tls1.2': context.maximum_version = ssl.TLSVersion.TLSv1_2
with urllib.request.urlopen(sys.argv[1], context=context) as reply: sys.stdout.buffer.write(reply.read())
`;

const SCRIPT = `
const reply = await fetch(process.argv[1]);
process.stdout.write(Buffer.from(await reply.arrayBuffer()));
`;

const GO_PROGRAM = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	reply, err := http.Get(os.Args[1])
	if err == nil {
		_, err = io.Copy(os.Stdout, reply.Body)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`;

export const HTTPS_CLIENTS: readonly HttpsClient[] = [
  ...versions((version) => ({
    ...about('curl', UNKNOWN_CA, /SSL certificate problem/),
    fetch: (program, wish) =>
      run(program, ['-sS', '--tls-max', version, '--cacert', wish.trust, '-x', wish.proxy, fileOf(wish)]),
  })),
  ...versions((version) => ({
    ...about('wget', 'without a word', /is not trusted|known issuer/),
    fetch: (program, { proxy, trust, ...wish }) =>
      run(
        program,
        [
          ...[
            '-nv',
            '-O',
            '-',
            '--tries=1',
            `--ca-certificate=${trust}`,
            `--ciphers=NORMAL:-VERS-ALL:+VERS-TLS${version}`,
          ],
          fileOf(wish),
        ],
        { env: { https_proxy: proxy } },
      ),
  })),
  {
    ...about('git', 'without a word', /certificate verification failed/),
    name: 'git clone over dumb http',
    fetch: async (program, { proxy, trust, origin, folder }) => {
      const cloned = await run(program, ['clone', '-q', `${origin}/${REPOSITORY}`, 'clone'], {
        folder,
        env: { HOME: folder, GIT_CONFIG_NOSYSTEM: '1', https_proxy: proxy, GIT_SSL_CAINFO: trust },
      });
      return cloned.code === 0 ? { ...cloned, out: await readFile(join(folder, 'clone', FILE)) } : cloned;
    },
  },
  ...[['tls1.2'], ['tls1.3'], ['strict']].map(
    (words): HttpsClient => ({
      ...about('python3', UNKNOWN_CA, /CERTIFICATE_VERIFY_FAILED/),
      name: `Python urllib, ${words[0] === 'strict' ? 'VERIFY_X509_STRICT as Python 3.13 has it by default' : words[0]}`,
      fetch: (program, { proxy, trust, ...wish }) =>
        run(program, ['-c', PYTHON, fileOf(wish), trust, ...words], { env: { https_proxy: proxy } }),
    }),
  ),
  ...versions((version) => ({
    ...about('node', 'without a word', /UNABLE_TO_VERIFY_LEAF_SIGNATURE/),
    name: 'Node fetch',
    program: NODE,
    fetch: (program, { proxy, trust, ...wish }) =>
      run(program, [`--tls-max-v${version}`, '--input-type=module', '-e', SCRIPT, fileOf(wish)], {
        env: { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy, NODE_EXTRA_CA_CERTS: trust },
      }),
  })),
  {
    ...about('go', { alert: 'bad_certificate', confidence: 'certain' }, /certificate signed by unknown authority/),
    name: 'Go net/http',
    fetch: async (program, { proxy, trust, ...wish }) =>
      run(await buildGo(program), [fileOf(wish)], { env: { HTTPS_PROXY: proxy, SSL_CERT_FILE: trust } }),
  },
  ...versions((version) => ({
    ...about('openssl', UNKNOWN_CA, /unable to get local issuer certificate/),
    name: 'openssl s_client',
    fetch: async (program, { proxy, origin, trust }) => {
      const { host, hostname } = new URL(origin);
      const limit = version === '1.2' ? ['-no_tls1_3'] : [];
      const ran = await run(
        program,
        [
          ...['s_client', '-quiet', '-verify_return_error', '-CAfile', trust, ...limit],
          ...['-proxy', new URL(proxy).host, '-connect', host, '-servername', hostname],
        ],
        { input: `GET /${FILE} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n` },
      );
      return { ...ran, out: ran.out.subarray(ran.out.indexOf('\r\n\r\n') + 4) };
    },
  })),
];

function about(tool: string, rejection: Rejection, says: RegExp): Omit<HttpsClient, 'fetch'> {
  return { name: tool, tool, program: findTool(tool), rejection, says };
}

function versions(client: (version: '1.2' | '1.3') => HttpsClient): HttpsClient[] {
  return (['1.2', '1.3'] as const).map((version) => {
    const one = client(version);
    return { ...one, name: `${one.name}, tls${version}` };
  });
}

function fileOf({ origin }: Pick<Wish, 'origin'>): string {
  return `${origin}/${FILE}`;
}

let built: Promise<string> | undefined;

/** Once per process; what it leaves is one small temporary folder. */
export function buildGo(program: string): Promise<string> {
  built ??= build(program);
  return built;
}

async function build(program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'go-client-'));
  await mkdir(join(folder, 'get'));
  await writeFile(join(folder, 'get', 'go.mod'), 'module get\n');
  await writeFile(join(folder, 'get', 'main.go'), GO_PROGRAM);
  const { code, err } = await run(program, ['build', '-o', join(folder, 'client'), '.'], {
    folder: join(folder, 'get'),
    env: {
      HOME: folder,
      GOPATH: join(folder, 'path'),
      GOCACHE: join(folder, 'cache'),
      GOFLAGS: '-mod=mod',
      GOPROXY: 'off',
      GOTOOLCHAIN: 'local',
      CGO_ENABLED: '0',
    },
  });
  if (code !== 0) throw new Error(`go build failed:\n${err}`);
  // What the compiler keeps for a next time is a hundred times the program.
  await rm(join(folder, 'cache'), { recursive: true });
  return join(folder, 'client');
}
