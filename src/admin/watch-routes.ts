// What monitoring asks of the admin server: alive, ready, metrics. Handed to it by whoever supervises.

import type { Overview } from './overview.ts';
import { METRICS_TYPE } from './prometheus.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, CONTROL_SOCKET, jsonReply } from './route.ts';

/** Milliseconds for which an answer is given again: each asks all workers, and anybody may ask. */
const FRESH = 1_000;

/** All of them need nothing: probes and scrapers have no token, and what they read names no client and no host. */
export function watchRoutes(overview: Overview): readonly AdminRoute[] {
  return [
    ALIVE,
    read(
      '/readyz',
      seldom(async () => {
        const readiness = await overview.readiness();
        return jsonReply(readiness, readiness.ready ? 200 : 503);
      }),
    ),
    read(
      '/metrics',
      seldom(async () => ({ status: 200, type: METRICS_TYPE, body: await overview.metrics() })),
    ),
  ];
}

/** The same before there is anything to see. */
export function startingRoutes(): readonly AdminRoute[] {
  const starting = async (): Promise<AdminReply> => jsonReply({ ready: false, error: 'It is starting.' }, 503);
  return [ALIVE, read('/readyz', starting), read('/metrics', starting)];
}

function read(path: string, answer: AdminRoute['answer']): AdminRoute {
  return { method: 'GET', path, needs: 'nothing', answer };
}

// That it is answered is the answer: this process turns, and fills the places of workers that do not.
const ALIVE = read('/healthz', async () => ({ status: 200, type: 'text/plain', body: 'ok\n' }));

/** An operator is told what is so now; all others, what was so when one of them last asked. */
function seldom(make: () => Promise<AdminReply>): AdminRoute['answer'] {
  let last: { readonly at: number; readonly reply: Promise<AdminReply> } | undefined;
  return ({ by }: AdminRequest) => {
    if (by === CONTROL_SOCKET) return make();
    const now = performance.now();
    if (last === undefined || now - last.at >= FRESH) {
      last = { at: now, reply: make() };
    }
    return last.reply;
  };
}
