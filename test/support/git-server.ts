// A server of git's smart HTTP, by HTTP/2 and HTTP/1.1: each request is a run of `git http-backend`, as web servers do it
// (RFC 3875). Used by test/peers/git.test.ts.

import { spawn } from 'node:child_process';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { listening, type Origin } from './origin.ts';
import type { Pair } from './test-ca.ts';

/** `root`: the folder of the bare repositories, which everybody may read and write. */
export function gitServer(git: string, root: string, pair: Pair): Promise<Origin> {
  const server = createSecureServer({ ...pair, allowHTTP1: true }, (request, response) => {
    serve(git, root, request, response);
  });
  server.on('session', (session) => session.on('error', () => undefined));
  return listening(server, '127.0.0.1');
}

const END = '\r\n\r\n';

function serve(git: string, root: string, request: Http2ServerRequest, response: Http2ServerResponse): void {
  const child = spawn(git, ['http-backend'], {
    env: environmentOf(request, root),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // It may answer without having read all, and the client may go without having read all.
  child.stdin.on('error', () => undefined);
  request.on('error', () => undefined);
  response.on('error', () => undefined).on('close', () => child.kill());
  request.pipe(child.stdin);
  let head = '';
  const onHead = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    const end = head.indexOf(END);
    if (end < 0) return;
    child.stdout.off('data', onHead).pause();
    response.statusCode = 200;
    for (const line of head.slice(0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: */, 2);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(Buffer.from(head.slice(end + END.length), 'latin1'));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onHead);
}

function environmentOf(request: Http2ServerRequest, root: string): NodeJS.ProcessEnv {
  const { headers, method } = request;
  const [path = '', query = ''] = request.url.split('?', 2);
  const length = headers['content-length'];
  return {
    ...{ PATH: process.env['PATH'], LC_ALL: 'C', HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
    ...{ GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: 'somebody', REMOTE_ADDR: '127.0.0.1' },
    ...{ REQUEST_METHOD: method, PATH_INFO: path, QUERY_STRING: query },
    CONTENT_TYPE: headers['content-type'] ?? '',
    // Without one, git reads to the end.
    ...(length === undefined ? {} : { CONTENT_LENGTH: length }),
    HTTP_CONTENT_ENCODING: String(headers['content-encoding'] ?? ''),
    HTTP_GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
  };
}
