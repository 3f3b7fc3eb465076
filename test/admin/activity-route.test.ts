// Whom clients talk to is told to operators, and to nobody else.

import { expect, test } from 'vitest';
import { activityRoute } from '../../src/admin/activity-route.ts';
import { IDLE } from '../../src/log/activity.ts';

test('activity is for operators', async () => {
  const route = activityRoute(async () => IDLE);
  expect(route).toMatchObject({ method: 'GET', path: '/v1/activity', needs: 'operator' });
  const request = { method: 'GET', path: '/v1/activity', query: new URLSearchParams(), body: Buffer.alloc(0), by: 'x' };
  const { status, type, body } = await route.answer(request);
  expect([status, type, JSON.parse(String(body))]).toEqual([200, 'application/json', IDLE]);
});
