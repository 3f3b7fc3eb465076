// Nothing is served that could not be logged: asked at the begin of every CONNECT, hello and request, where a log says
// `onFull: block`. Called by open-tunnel, open-intercepted and serve-request.

import { ProxyError } from '../core/errors.ts';
import type { Journal } from './journal.ts';

/**
 * Why what begins now is not served. Its own line waits in memory as all others do; `shut`: there is no room there either,
 * so that it must end without a word.
 */
export function refusalByLog({ gate }: Pick<Journal, 'gate'>): { error: ProxyError; shut: boolean } | undefined {
  if (gate !== 'blocked' && gate !== 'shut') return undefined;
  return { error: new ProxyError('log-full'), shut: gate === 'shut' };
}
