// `follow_x_forwarded_for`: whose word Squid took for the address of a client. It is not taken here, so that an ACL by `src`
// meets the proxy in front in place of the clients behind it. import-squid.ts asks before any ACL is.

import { type AclContext, termOf } from './acl-bounds.ts';
import { type Addresses, EVERY_ADDRESS, isNoAddress, NO_ADDRESS, oneOfAddresses } from './addresses.ts';
import { clausesOf, together } from './formula.ts';
import type { Directive } from './read-conf.ts';
import { isOn, texts } from './translator.ts';

/** All that may be meant: behind these addresses nobody knows who a client is. `uses`: `acl_uses_indirect_client`. */
export function indirectFrom(
  lines: readonly Directive[],
  uses: readonly Directive[],
  outer: AclContext,
): Addresses | undefined {
  const last = uses.at(-1);
  if (last && !isOn(last)) return undefined;
  const sets = lines.map((line): Addresses => {
    const [action, ...terms] = texts(line);
    if (action !== 'allow') return NO_ADDRESS;
    const context = { ...outer, line };
    const { upper } = together(
      'all',
      terms.map((term) => termOf(term, context)),
    );
    const own = oneOfAddresses(clausesOf(upper, 'upper').map(({ box }) => box.clients ?? EVERY_ADDRESS));
    if (!isNoAddress(own)) outer.notes.tell(line, 'unsafe', WHY, TODO);
    return own;
  });
  const all = oneOfAddresses(sets);
  return isNoAddress(all) ? undefined : all;
}

const WHY =
  'X-Forwarded-For of clients is not believed: who comes through these proxies has their address here, so that rules by client address let nobody in for it, and deny all of them where they deny any';
const TODO = 'have the proxy in front send the PROXY protocol: "proxyProtocol: { from: [...] }" of the listener';
