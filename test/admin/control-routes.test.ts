// The calls that change a proxy, and what they answer.

import { describe, expect, test } from 'vitest';
import { controlRoutes } from '../../src/admin/control-routes.ts';
import type { Controls, ReloadOutcome, Status } from '../../src/admin/controls.ts';

const STATUS: Status = {
  pid: 1,
  version: '0.0.0',
  config: '/p.yaml',
  started: '2026-01-01T00:00:00.000Z',
  state: 'running',
  generation: 1,
  addresses: [],
  workers: 2,
  connections: 3,
  ca: { sha256: 'AA', notAfter: '2027-01-01T00:00:00.000Z' },
};

function controls(outcome: ReloadOutcome, asked: string[] = []): Controls {
  return {
    reload: async (by) => {
      asked.push(`reload ${by}`);
      return outcome;
    },
    rotate: async (by) => {
      asked.push(`rotate ${by}`);
      return outcome.ok ? { ok: true } : { ok: false, error: 'a.log: EISDIR' };
    },
    retire: async (by, grace) => {
      asked.push(`retire ${by} ${grace}`);
      return { connections: 7 };
    },
    drain: async (by, grace) => {
      asked.push(`drain ${by} ${grace}`);
      return { connections: 7 };
    },
    status: async () => STATUS,
  };
}

const FINE: ReloadOutcome = { ok: true, generation: 2, changed: ['policy'], waiting: [] };
const BAD: ReloadOutcome = { ok: false, code: 'config-invalid', error: 'p.yaml:1:1 …' };

describe('a call', () => {
  test.each<[method: string, path: string, outcome: ReloadOutcome, asked: string[], status: number, answer: object]>([
    ['GET', '/v1/status', FINE, [], 200, STATUS],
    ['POST', '/v1/reload', FINE, ['reload me'], 200, FINE],
    ['POST', '/v1/reload', BAD, ['reload me'], 422, BAD],
    ['POST', '/v1/rotate', FINE, ['rotate me'], 200, { ok: true }],
    ['POST', '/v1/rotate', BAD, ['rotate me'], 500, { ok: false, error: 'a.log: EISDIR' }],
    ['POST', '/v1/drain', FINE, ['drain me 30000'], 200, { ok: true, connections: 7 }],
    ['POST', '/v1/drain?grace=5', FINE, ['drain me 5'], 200, { ok: true, connections: 7 }],
    ['POST', '/v1/retire', FINE, ['retire me 30000'], 200, { ok: true, connections: 7 }],
    ['POST', '/v1/stop', FINE, ['drain me 0'], 200, { ok: true, connections: 7 }],
    ['POST', '/v1/drain?grace=-1', FINE, [], 422, { error: 'grace is milliseconds, from 0 to 86400000.' }],
    ['POST', '/v1/drain?grace=1e3', FINE, [], 422, { error: 'grace is milliseconds, from 0 to 86400000.' }],
    ['POST', '/v1/drain?grace=86400001', FINE, [], 422, { error: 'grace is milliseconds, from 0 to 86400000.' }],
  ])('%s %s', async (method, url, outcome, asked, status, answer) => {
    const done: string[] = [];
    const [path = '', query = ''] = url.split('?');
    const route = controlRoutes(controls(outcome, done), () => 30_000).find((one) => one.path === path);
    expect([route?.method, route?.needs]).toEqual([method, 'operator']);
    const reply = await route?.answer({
      method,
      path,
      query: new URLSearchParams(query),
      body: Buffer.alloc(0),
      by: 'me',
    });
    expect(reply).toEqual({ status, type: 'application/json', body: `${JSON.stringify(answer)}\n` });
    expect(done).toEqual(asked);
  });
});
