// Asks the admin server of a proxy that runs, over its control socket. Called by the command line, and by a proxy that
// starts and finds somebody there.

import { request } from 'node:http';

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

/** Bytes of an answer; metrics of many workers are a hundredth of it. */
const MOST = 16 * 1024 * 1024;

/** Rejects with what the system says (`ENOENT`, `ECONNREFUSED`: nobody is there), or when no answer is whole in time. */
export function askAdmin(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  timeout: number,
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    const headers = { Host: 'localhost', Connection: 'close', ...(method === 'POST' ? { 'Content-Length': 0 } : {}) };
    const asked = request({ socketPath, method, path, headers, agent: false, signal });
    const fail = (error: Error): void => reject(signal.aborted ? new Error(`no answer within ${timeout} ms`) : error);
    asked.once('error', fail).once('response', (response) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      response
        .on('data', (piece: Buffer) => {
          bytes += piece.length;
          if (bytes > MOST) asked.destroy(new Error('its answer is too long'));
          else pieces.push(piece);
        })
        .once('error', fail)
        .once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') }));
    });
    asked.end();
  });
}
