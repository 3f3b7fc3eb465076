// An https origin in a process of its own, so that its memory and its processor time are not those of the test: `GET /N`
// streams N zero bytes, an upload is counted. Started by startBulkOrigin; the other half of this file is that process.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { NODE } from './run.ts';
import type { Pair } from './test-ca.ts';

/** Bytes of bodies, over all exchanges. */
export interface Progress {
  /** Handed to the system on the way to the client. */
  readonly sent: number;
  readonly received: number;
}

export interface BulkOrigin {
  readonly port: number;
  progress(): Promise<Progress>;
  /** Lets go on reading the upload that has stopped at the `X-Stall-At` of its header. */
  goOn(): void;
  stop(): Promise<void>;
}

type Order = { readonly do: 'serve'; readonly pair: Pair } | { readonly do: 'tell' } | { readonly do: 'go on' };

export async function startBulkOrigin(pair: Pair): Promise<BulkOrigin> {
  const child = fork(import.meta.filename, [], { execPath: NODE, execArgv: [], stdio: 'inherit' });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const { port } = await ask<{ port: number }>(child, { do: 'serve', pair });
  return {
    port,
    progress: () => ask<Progress>(child, { do: 'tell' }),
    goOn: () => void child.send({ do: 'go on' } satisfies Order),
    stop: async () => {
      process.off('exit', kill);
      kill();
      await once(child, 'exit');
    },
  };
}

async function ask<Answer>(child: ChildProcess, order: Order): Promise<Answer> {
  child.send(order);
  const [answer]: Answer[] = await once(child, 'message');
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

const ZEROS = Buffer.alloc(1 << 18);

function serve(pair: Pair): void {
  let sent = 0;
  let received = 0;
  let goOn = (): void => undefined;
  const server = createServer(pair, (request, response) => {
    const size = Number(request.url?.slice(1));
    const stallAt = Number(request.headers['x-stall-at'] ?? Number.POSITIVE_INFINITY);
    let stalled = false;
    let got = 0;
    goOn = () => void request.resume();
    request.on('data', (chunk: Buffer) => {
      got += chunk.length;
      received += chunk.length;
      if (stalled || got < stallAt) return;
      stalled = true;
      request.pause();
    });
    request.once('end', () => {
      response.writeHead(200, { 'Content-Length': size, 'X-Received': got });
      let left = size;
      const more = (): void => {
        while (left > 0) {
          const part = left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
          left -= part.length;
          const goesOn = response.write(part, () => {
            sent += part.length;
          });
          if (!goesOn) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
  process.on('message', (order: Order) => {
    if (order.do === 'tell') process.send?.({ sent, received } satisfies Progress);
    if (order.do === 'go on') goOn();
  });
}

if (process.send && process.argv[1] === import.meta.filename) {
  process.once('message', (order: Order) => {
    if (order.do === 'serve') serve(order.pair);
  });
  // The test has ended, in whatever way.
  process.once('disconnect', () => process.exit());
}
