// The routes of Controls: reload, rotate, drain, retire, stop, status. Handed to the admin server by whoever supervises.

import type { Controls } from './controls.ts';
import { type AdminRequest, type AdminRoute, jsonReply } from './route.ts';

/** Milliseconds; more is some other unit, taken for milliseconds by mistake. */
const LONGEST_GRACE = 24 * 3_600_000;

/** `grace`: milliseconds that a drain gives where it is not told. */
export function controlRoutes(controls: Controls, grace: () => number): readonly AdminRoute[] {
  const change = (path: string, answer: AdminRoute['answer']): AdminRoute => ({
    method: 'POST',
    path,
    needs: 'operator',
    answer,
  });
  return [
    {
      method: 'GET',
      path: '/v1/status',
      needs: 'operator',
      answer: async () => jsonReply(await controls.status()),
    },
    change('/v1/reload', async ({ by }) => {
      const outcome = await controls.reload(by);
      return jsonReply(outcome, outcome.ok ? 200 : 422);
    }),
    change('/v1/rotate', async ({ by }) => {
      const outcome = await controls.rotate(by);
      return jsonReply(outcome, outcome.ok ? 200 : 500);
    }),
    change('/v1/drain', async (request) => {
      const given = graceOf(request, grace());
      if (given === undefined) return jsonReply({ error: `grace is milliseconds, from 0 to ${LONGEST_GRACE}.` }, 422);
      return jsonReply({ ok: true, ...(await controls.drain(request.by, given)) });
    }),
    change('/v1/retire', async ({ by }) => jsonReply({ ok: true, ...(await controls.retire(by, grace())) })),
    change('/v1/stop', async ({ by }) => jsonReply({ ok: true, ...(await controls.drain(by, 0)) })),
  ];
}

function graceOf({ query }: AdminRequest, usual: number): number | undefined {
  const text = query.get('grace');
  if (text === null) return usual;
  const grace = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return grace <= LONGEST_GRACE ? grace : undefined;
}
