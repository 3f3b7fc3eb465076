// Do the parent proxies answer? Each is dialled, and proves itself where its url says https. Called by doctor.ts.

import type { Config } from '../../config/config.ts';
import type { Authority } from '../../core/authority.ts';
import { formatAuthority } from '../../core/authority.ts';
import { asProxyError } from '../../core/errors.ts';
import { upstreamOf } from '../../proxy.ts';
import { type Finding, failed } from './finding.ts';
import { mendFor } from './mends.ts';

const CHECK = 'parent';

/** `to`: the origin that each is asked to lead to; without one it is only dialled. All at a time. */
export async function checkParents(config: Config, to?: Authority): Promise<readonly Finding[]> {
  const { parents } = config.upstream;
  return Promise.all(
    parents.map(async (parent): Promise<Finding> => {
      const place = `${parent.name} (${formatAuthority(parent.url.authority)})`;
      // Alone, so that no other one answers in its place.
      const alone = { ...config, upstream: { ...config.upstream, parents: [parent], routes: [] } };
      try {
        const asked = to ?? parent.url.authority;
        const route = upstreamOf(alone, () => false).viaTo(asked);
        const begin = performance.now();
        const connection = to ? await route?.tunnel(to) : await route?.reach(asked);
        connection?.socket.destroy();
        const took = `${Math.round(performance.now() - begin)} ms`;
        const how = to
          ? `leads to ${formatAuthority(to)}`
          : parent.url.secure
            ? 'proves itself by TLS'
            : 'takes connections';
        return { check: CHECK, state: 'ok', reason: `${place} ${how}, ${took}` };
      } catch (thrown) {
        const error = asProxyError(thrown);
        return { ...failed(CHECK, error), ...mendFor(error.code, error.detail) };
      }
    }),
  );
}
