// The route that `sallyport top` asks: what the proxy is busy with. Whom clients talk to is for operators alone.

import type { Activity } from '../log/activity.ts';
import { type AdminRoute, jsonReply } from './route.ts';

/** `read` asks all processes that carry traffic. */
export function activityRoute(read: () => Promise<Activity>): AdminRoute {
  return { method: 'GET', path: '/v1/activity', needs: 'operator', answer: async () => jsonReply(await read()) };
}
